import type { NodeBlock, ProbeCounts } from '../measurement.ts'
import { merge } from './histogram.ts'

/** One block a node: counts added, the latest version, series and disk reading kept. Order of nodes as first seen. */
export function mergeByNode(blocks: readonly NodeBlock[]): NodeBlock[] {
  const byNode = Map.groupBy(blocks, b => b.node)
  return [...byNode.values()].map(of => of.reduce(add))
}

const add = (a: NodeBlock, b: NodeBlock): NodeBlock => ({
  ...b,
  health: {
    of: a.health.of + b.health.of,
    failed: a.health.failed + b.health.failed,
    errors: a.health.errors + b.health.errors,
  },
  probes: addProbes([...a.probes, ...b.probes]),
  latency: merge([a.latency, b.latency]),
  restarted: a.restarted || b.restarted,
})

function addProbes(counts: ProbeCounts[]): ProbeCounts[] {
  return [...Map.groupBy(counts, c => c.step).values()].map(of => of.reduce(addCounts))
}

function addCounts(a: ProbeCounts, b: ProbeCounts): ProbeCounts {
  const first = a.firstFailure ?? b.firstFailure
  return {
    step: a.step,
    of: a.of + b.of,
    failed: a.failed + b.failed,
    errors: a.errors + b.errors,
    ...(first ? { firstFailure: first } : {}),
  }
}
