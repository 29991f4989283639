import { clearlyMore, type Evidence, latencies, of } from './evidence.ts'
import { type Finding, finding, shortOf } from './finding.ts'
import { above, percentile, size } from './histogram.ts'
import { clock, latency } from './numbers.ts'

/** 95 of 100 requests are faster than this; compared as a ratio with a floor, after the warm-up. */
export const slowness = (e: Evidence): Finding => {
  const { minSamples, p95Ratio, p95Floor, warmUp } = e.policy
  const canary = latencies(e.canary.rows)
  const baseline = latencies(e.baseline.rows)
  const p95 = percentile(canary, 0.95)
  const base = percentile(baseline, 0.95)
  const row = {
    name: 'p95 of probe requests',
    canary: p95 === undefined ? 'no data' : latency(p95),
    baseline: base === undefined ? 'no data' : latency(base),
    limit: `x ${p95Ratio}, or + ${latency(p95Floor)}`,
  }
  const short = shortOf(
    [
      ['canary', size(canary)],
      ['baseline', size(baseline)],
    ],
    minSamples,
  )
  if (short || p95 === undefined || base === undefined)
    return finding(row, {
      says: 'pending',
      code: 'not-enough-samples',
      text: `${short ?? 'no samples'} for latency, after a warm-up of ${clock(warmUp)}`,
    })
  const allowed = Math.max(base * p95Ratio, base + p95Floor)
  const numbers = `p95 of probe requests ${latency(p95)} on the canary, ${latency(base)} on the baseline; allowed is ${latency(allowed)}`
  const slow = e.canary.nodes
    .map(node => ({ node, h: latencies(of(e.canary, node)) }))
    .find(({ h }) => size(h) >= minSamples && clearlyMore(above(h, allowed), size(h), 0.05))
  if (clearlyMore(above(canary, allowed), size(canary), 0.05))
    return finding(row, { says: 'fail', code: 'latency-higher', text: numbers })
  if (slow)
    return finding(row, {
      says: 'fail',
      code: 'latency-higher',
      text: `p95 of probe requests ${latency(percentile(slow.h, 0.95) ?? 0)} on ${slow.node}, ${latency(base)} on the baseline; allowed is ${latency(allowed)}`,
    })
  if (p95 > allowed)
    return finding(row, {
      says: 'pending',
      code: 'not-enough-samples',
      text: `${numbers}; too few requests to tell chance from a fault`,
    })
  return finding(row, { says: 'pass', code: 'all-passed', text: numbers })
}
