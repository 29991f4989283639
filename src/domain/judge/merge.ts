import type { NodeBlock, ProbeCounts, Reading } from '../measurement.ts'
import { merge as mergeHistograms } from './histogram.ts'

/**
 * Several blocks, oldest first, as one block per node: counts and histograms added; version, series and disk from the
 * latest block that had a value. Nodes come out sorted by name.
 */
export const merge = (blocks: readonly NodeBlock[]): NodeBlock[] => {
  const byNode = Map.groupBy(blocks, b => b.node)
  return [...byNode.values()].map(ofNode).toSorted((a, b) => (a.node < b.node ? -1 : 1))
}

const ofNode = (blocks: NodeBlock[]): NodeBlock => blocks.reduce(pair)

const pair = (a: NodeBlock, b: NodeBlock): NodeBlock => ({
  node: a.node,
  health: {
    of: a.health.of + b.health.of,
    failed: a.health.failed + b.health.failed,
    errors: a.health.errors + b.health.errors,
  },
  version: b.version === 'unknown' ? a.version : b.version,
  probes: mergeProbes([...a.probes, ...b.probes]),
  latency: mergeHistograms([a.latency, b.latency]),
  series: Object.fromEntries(
    [...new Set([...Object.keys(a.series), ...Object.keys(b.series)])].flatMap(name => {
      const value = latest(a.series[name], b.series[name])
      return value ? [[name, value]] : []
    }),
  ),
  diskFree: latest(a.diskFree, b.diskFree) ?? b.diskFree,
  restarted: a.restarted || b.restarted,
})

const latest = (
  a: Reading<number> | undefined,
  b: Reading<number> | undefined,
): Reading<number> | undefined => (b?.is === 'value' || a?.is !== 'value' ? (b ?? a) : a)

/** Probe counts added step by step, in the order in which steps first appear; the earliest failure is kept. */
export const mergeProbes = (counts: readonly ProbeCounts[]): ProbeCounts[] =>
  [...Map.groupBy(counts, c => c.step).values()].map(same => same.reduce(addCounts))

const addCounts = (a: ProbeCounts, b: ProbeCounts): ProbeCounts => {
  const first = [a.firstFailure, b.firstFailure].flatMap(f => f ?? []).toSorted((x, y) => x.at - y.at)[0]
  const limited = (a.limited ?? 0) + (b.limited ?? 0)
  return {
    step: a.step,
    of: a.of + b.of,
    failed: a.failed + b.failed,
    errors: a.errors + b.errors,
    ...(limited > 0 && { limited }),
    ...(first && { firstFailure: first }),
  }
}
