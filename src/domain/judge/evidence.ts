import type { Block, Histogram, NodeBlock, ProbeCounts, Watch, WatchPolicy } from '../measurement.ts'
import type { Millis, NodeId } from '../node.ts'
import { merge } from './histogram.ts'

/** What one node showed in one block; `warm`: the warm-up was over when the block began. */
export type Row = { from: Millis; to: Millis; warm: boolean; shown: NodeBlock }

/** One side of the comparison. `earlier`: the nodes' own measurement from before their stop, not a concurrent one. */
export type Arm = {
  side: 'canary' | 'baseline'
  nodes: NodeId[]
  rows: Row[]
  /** Of every block: what a server did itself counts whatever the others met. */
  whole: NodeBlock[]
  earlier: boolean
}

/**
 * A watch in the shape the rules read. Blocks in which at least half of the baseline's requests, or of its health checks, failed
 * too are taken out: they say nothing about the canary. `shared` counts them.
 */
export type Evidence = {
  policy: WatchPolicy
  version: string | undefined
  elapsed: Millis
  blocks: Block[]
  shared: number
  canary: Arm
  baseline: Arm
}

/** Sums of probe counts over rows; `first` is the earliest failure. */
export type Tally = { of: number; failed: number; errors: number; limited: number; first?: First }
type First = { text: string; at: Millis; step: string; node: NodeId }

export const evidence = (watch: Watch, policy: WatchPolicy, now: Millis): Evidence => {
  const sorted = watch.blocks.toSorted((a, b) => a.from - b.from)
  const blocks = sorted.filter(block => !shared(named(block.baseline, watch.baseline)))
  const warmAt = watch.from + policy.warmUp
  const arm = (side: 'canary' | 'baseline', nodes: NodeId[]): Arm => ({
    side,
    nodes: nodes.toSorted(),
    rows: blocks.flatMap(({ from, to, [side]: shown }) =>
      named(shown, nodes).map(one => ({ from, to, warm: from >= warmAt, shown: one })),
    ),
    whole: sorted.flatMap(({ [side]: shown }) => named(shown, nodes)),
    earlier: false,
  })
  return {
    policy,
    version: watch.version,
    elapsed: now - watch.from,
    blocks,
    shared: sorted.length - blocks.length,
    canary: arm('canary', watch.canary),
    baseline: watch.baseline.length > 0 ? arm('baseline', watch.baseline) : earlier(watch.before),
  }
}

/** Whatever goes wrong on the old version too is not the new one's doing: the way to the nodes, or something that all of them need. */
const shared = (baseline: NodeBlock[]): boolean =>
  mostlyFailed(tally(baseline)) || mostlyFailed(checks(baseline))

const earlier = (before: NodeBlock[]): Arm => ({
  side: 'baseline',
  nodes: [...new Set(before.map(b => b.node))].toSorted(),
  rows: before.map(shown => ({ from: 0, to: 0, warm: true, shown })),
  whole: before,
  earlier: true,
})

const named = (shown: NodeBlock[], nodes: NodeId[]): NodeBlock[] =>
  shown.filter(b => nodes.includes(b.node)).toSorted((a, b) => (a.node < b.node ? -1 : 1))

/** The rows of one node. */
export const of = (arm: Arm, node: NodeId): Row[] => arm.rows.filter(row => row.shown.node === node)

/** Adds up the probe counts of some rows. */
export const tally = (shown: NodeBlock[]): Tally =>
  shown.flatMap(one => one.probes.map(p => ({ ...p, node: one.node }))).reduce(add, NOTHING)

const NOTHING: Tally = { of: 0, failed: 0, errors: 0, limited: 0 }
const add = (sum: Tally, p: ProbeCounts & { node: NodeId }): Tally => {
  const mine = p.firstFailure && { ...p.firstFailure, step: p.step, node: p.node }
  const first = mine && sum.first ? (mine.at < sum.first.at ? mine : sum.first) : (mine ?? sum.first)
  return {
    of: sum.of + p.of,
    failed: sum.failed + p.failed,
    errors: sum.errors + p.errors,
    limited: sum.limited + (p.limited ?? 0),
    ...(first && { first }),
  }
}

/** Sums of health checks. */
export type Checks = { of: number; failed: number; errors: number }
export const checks = (blocks: NodeBlock[]): Checks =>
  blocks.reduce(
    (s, b) => ({
      of: s.of + b.health.of,
      failed: s.failed + b.health.failed,
      errors: s.errors + b.health.errors,
    }),
    { of: 0, failed: 0, errors: 0 },
  )

/** At least half of what was asked went wrong. */
export const mostlyFailed = ({ of, failed }: { of: number; failed: number }): boolean =>
  of > 0 && failed * 2 >= of

/** Latencies of an arm after the warm-up. */
export const latencies = (rows: Row[]): Histogram => merge(rows.filter(r => r.warm).map(r => r.shown.latency))

/** How many blocks lack what `has` looks for on at least one of the arm's nodes. */
export const blocksWithout = (e: Evidence, arm: Arm, has: (shown: NodeBlock) => boolean): number =>
  arm.earlier
    ? 0
    : e.blocks.filter(block =>
        arm.nodes.some(node => !block[arm.side].some(shown => shown.node === node && has(shown))),
      ).length

/** The node asked for something and got an answer, or a refusal. */
export const wasProbed = (shown: NodeBlock): boolean => shown.probes.some(p => p.of > 0)

/** How long every canary node was really measured. */
export const measured = (e: Evidence): Millis =>
  e.canary.nodes.length === 0
    ? 0
    : e.blocks
        .filter(b => e.canary.nodes.every(n => b.canary.some(shown => shown.node === n && wasProbed(shown))))
        .reduce((sum, b) => sum + b.to - b.from, 0)

/**
 * Whether `k` of `n` is more than the share `allowed` beyond what chance gives a small sample (three standard
 * deviations): one failed request of fifty must not bring a release down, thirty of fifty must.
 */
export const clearlyMore = (k: number, n: number, allowed: number): boolean =>
  allowed <= 0 ? k > 0 : k > 1 && k > n * allowed + 3 * Math.sqrt(n * allowed * Math.max(0, 1 - allowed))
