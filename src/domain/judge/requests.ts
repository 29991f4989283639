import {
  type Arm,
  blocksWithout,
  clearlyMore,
  type Evidence,
  mostlyFailed,
  of,
  type Tally,
  tally,
  wasProbed,
} from './evidence.ts'
import { type Finding, finding, shortOf } from './finding.ts'
import { count, outOf, share } from './numbers.ts'

/** Rules about the probe's own requests: how many failed, how many could not be asked. */
export const requestFindings = (e: Evidence): Finding[] => [
  breaker(e),
  failures(e),
  coverage(e),
  ownErrors(e),
]

const shown = (arm: Arm) => arm.rows.map(r => r.shown)
const rate = (t: Tally): string =>
  t.of === 0 ? 'no data' : `${count(t.failed)} / ${count(t.of)} = ${share(t.failed / t.of)}`
const rateOf = (t: Tally): number => (t.of === 0 ? 0 : t.failed / t.of)
const said = (t: Tally): string =>
  t.of === 0 ? 'not measured' : `${outOf(t.failed, t.of)} (${share(rateOf(t))})`
const seen = (t: Tally): string =>
  (t.first ? `; first: ${t.first.step} on ${t.first.node}: ${t.first.text}` : '') +
  (t.limited > 0
    ? `; ${count(t.limited)} were refused by the rate limit: the probe needs a key of its own`
    : '')

/** A run of blocks in which at least half of the canary's requests failed: no statistics needed. */
const breaker = (e: Evidence): Finding => {
  const runs = e.canary.nodes.map(node => ({
    node,
    run: longestRun(of(e.canary, node).map(r => tally([r.shown]))),
  }))
  const worst = runs.toSorted((a, b) => b.run.blocks - a.run.blocks)[0]
  const row = {
    name: 'blocks with most requests failed',
    canary: worst ? `${worst.run.blocks} running` : 'no data',
    baseline: '-',
    limit: `< ${e.policy.breakerBlocks} running`,
  }
  if (!worst)
    return finding(row, { says: 'pending', code: 'watching', text: 'nothing was measured on the canary yet' })
  const text = `${outOf(worst.run.failed, worst.run.of)} probe requests failed on ${worst.node} in ${worst.run.blocks} blocks running; ${e.policy.breakerBlocks} such blocks decide${seen(tally(shown(e.canary)))}`
  const open = worst.run.blocks >= e.policy.breakerBlocks && worst.run.of >= 4
  return finding(row, { says: open ? 'fail' : 'pass', code: open ? 'errors-breaker' : 'all-passed', text })
}

type Run = { blocks: number; failed: number; of: number }
const longestRun = (blocks: Tally[]): Run => {
  const none: Run = { blocks: 0, failed: 0, of: 0 }
  let run = none
  let best = none
  for (const t of blocks) {
    run = mostlyFailed(t)
      ? { blocks: run.blocks + 1, failed: run.failed + t.failed, of: run.of + t.of }
      : none
    if (run.blocks > best.blocks) best = run
  }
  return best
}

/** The failed share, over all canary nodes and on each of them: one bad node must not drown in nine good ones. */
const failures = (e: Evidence): Finding => {
  const { minSamples, failedAboveBaseline, failedMax } = e.policy
  const canary = tally(shown(e.canary))
  const baseline = tally(shown(e.baseline))
  const allowed = Math.min(rateOf(baseline) + failedAboveBaseline, failedMax)
  const row = {
    name: 'failed probe requests',
    canary: rate(canary),
    baseline: rate(baseline),
    limit: allowed < failedMax ? `baseline + ${share(failedAboveBaseline)}` : share(failedMax),
  }
  const numbers = `${said(canary)} probe requests failed on the canary, ${said(baseline)} on the baseline; allowed is ${share(allowed)}${seen(canary)}`
  const short = shortOf(
    [
      ['canary', canary.of],
      ['baseline', baseline.of],
    ],
    minSamples,
  )
  if (short)
    return finding(row, { says: 'pending', code: 'not-enough-samples', text: `${short}; ${numbers}` })
  const bad = e.canary.nodes
    .map(node => ({ node, t: tally(of(e.canary, node).map(r => r.shown)) }))
    .find(({ t }) => t.of >= minSamples && clearlyMore(t.failed, t.of, allowed))
  if (clearlyMore(canary.failed, canary.of, allowed))
    return finding(row, { says: 'fail', code: 'error-rate-higher', text: numbers })
  if (bad)
    return finding(row, {
      says: 'fail',
      code: 'error-rate-higher',
      text: `${said(bad.t)} probe requests failed on ${bad.node}, ${said(baseline)} on the baseline; allowed is ${share(allowed)}${seen(bad.t)}`,
    })
  if (rateOf(canary) > allowed)
    return finding(row, {
      says: 'pending',
      code: 'not-enough-samples',
      text: `${numbers}; too few requests to tell chance from a fault`,
    })
  return finding(row, { says: 'pass', code: 'all-passed', text: numbers })
}

/** Blocks in which a node gave nothing to judge, or in which the baseline was down as well. */
const coverage = (e: Evidence): Finding => {
  const canary = blocksWithout(e, e.canary, wasProbed)
  const baseline = blocksWithout(e, e.baseline, wasProbed)
  const row = {
    name: 'blocks without probe data',
    canary: count(canary + e.shared),
    baseline: e.baseline.earlier ? '-' : count(baseline + e.shared),
    limit: `<= ${count(e.policy.noDataBlocks)}`,
  }
  const together =
    e.shared > 0 ? `; in ${count(e.shared)} blocks the baseline failed as well, so they do not count` : ''
  const text = `${count(canary)} blocks without data of the canary, ${count(baseline)} of the baseline${together}; allowed are ${count(e.policy.noDataBlocks)}`
  const lost = Math.max(canary, baseline) + e.shared > e.policy.noDataBlocks
  return finding(row, { says: lost ? 'no-data' : 'pass', code: lost ? 'no-data' : 'all-passed', text })
}

/** Requests we could not even send say nothing about the server, and too many of them leave nothing to judge by. */
const ownErrors = (e: Evidence): Finding => {
  const parts = [
    { name: 'canary', t: tally(shown(e.canary)) },
    { name: 'baseline', t: tally(shown(e.baseline)) },
  ].map(({ name, t }) => ({ name, errors: t.errors, tries: t.of + t.errors }))
  const cell = (i: number): string => `${count(parts[i]?.errors ?? 0)} / ${count(parts[i]?.tries ?? 0)}`
  const row = {
    name: 'probe requests that could not be sent',
    canary: cell(0),
    baseline: cell(1),
    limit: `<= ${share(e.policy.errorBudget)}`,
  }
  const lost = parts.find(
    p => p.tries >= Math.max(1, e.policy.minSamples) && p.errors > p.tries * e.policy.errorBudget,
  )
  const worst = lost ?? parts[0]
  const text = `${outOf(worst?.errors ?? 0, worst?.tries ?? 0)} probe requests could not be sent to the ${worst?.name ?? 'canary'}; allowed is ${share(e.policy.errorBudget)}`
  return finding(row, {
    says: lost ? 'error' : 'pass',
    code: lost ? 'could-not-measure' : 'all-passed',
    text,
  })
}
