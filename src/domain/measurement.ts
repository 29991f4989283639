import type { Millis, NodeId } from './node.ts'

/** One reading: *failed* is a value that breaks a limit; `error` could not be measured; `noData` is neither and never passes. */
export type Reading<T> =
  | { is: 'value'; value: T }
  | { is: 'noData'; why: string }
  | { is: 'error'; why: string }

/**
 * Counts of one scripted step of the probe. `of`: requests that were measured, good or failed.
 * `failed`: of those, the server answered wrongly, refused, or not in time.
 * `errors`: beside `of`; we could not ask (our own fault: no socket, no memory), so it says nothing about the server.
 * `limited`: of the failed, those refused by the server's rate limit; a hint that the probe's key is shared.
 */
export type ProbeCounts = {
  step: string
  of: number
  failed: number
  errors: number
  limited?: number
  firstFailure?: { text: string; at: Millis }
}

/** Latencies in ms as sparse log buckets: key i counts values in (1.05^(i-1), 1.05^i]. Merging is adding. */
export type Histogram = Record<string, number>

/** What one node showed in one block of a watch. */
export type NodeBlock = {
  node: NodeId
  health: { of: number; failed: number; errors: number }
  /** Version the node reported last, or 'unknown'. */
  version: string
  probes: ProbeCounts[]
  latency: Histogram
  /** Configured series by name, last reading of the block. */
  series: Record<string, Reading<number>>
  /** Free share of the data's file system, 0..1. */
  diskFree: Reading<number>
  /** The process changed (pid or start time) since the block before. */
  restarted: boolean
}

/** One block (say 5 s) of a watch over both arms; times are instants. */
export type Block = { from: Millis; to: Millis; canary: NodeBlock[]; baseline: NodeBlock[] }

/** How one configured series is compared. `limit` is absolute; `ratio` is against the mean of the baseline nodes. */
export type MetricRule = {
  name: string
  /** Exposition selector, e.g. `go_heap_alloc_bytes` or `http_errors_total{code="500"}`. */
  series: string
  max?: number
  min?: number
  maxRatio?: number
  required: boolean
}

/** Everything the judge may know of a policy. Shares are 0..1, times ms. */
export type WatchPolicy = {
  /** How long a watch must last before it can pass. */
  watch: Millis
  /** Latency and series are not judged this long after the start of the watch. */
  warmUp: Millis
  /** Past this, a pending watch becomes inconclusive. */
  deadline: Millis
  /** Probe requests a second on each node. */
  rate: number
  block: Millis
  minSamples: number
  /** Failed share allowed on the canary: at most the baseline's share plus this ... */
  failedAboveBaseline: number
  /** ... and never more than this, whatever the baseline does. */
  failedMax: number
  /** A run of this many blocks with at least half of the canary's requests failed decides at once. */
  breakerBlocks: number
  p95Ratio: number
  /** Differences of p95 below this many ms are never a failure. */
  p95Floor: Millis
  /** Share of our own errors (could not measure) allowed. */
  errorBudget: number
  /** Blocks without data of a required signal allowed. */
  noDataBlocks: number
  diskReserve: number
  metrics: MetricRule[]
  onInconclusive: 'rollback' | 'hold'
}

/**
 * One watch as the judge sees it: `before` is the same nodes' own measurement where no old node is left to compare with.
 * `version` is what the canary must report, where the server reports one.
 */
export type Watch = {
  from: Millis
  canary: NodeId[]
  baseline: NodeId[]
  blocks: Block[]
  before: NodeBlock[]
  version?: string
}

/** One row of the signal table. `canary`, `baseline`, `limit` are ready to print. */
export type Signal = {
  name: string
  canary: string
  baseline: string
  limit: string
  says: 'pass' | 'fail' | 'error' | 'no-data' | 'pending'
}

/** `code` is a reason code; `text` one sentence with the numbers beside their limits. */
export type Verdict = {
  is: 'pass' | 'fail' | 'inconclusive' | 'pending'
  code: string
  text: string
  signals: Signal[]
  /** With `pending`: how much longer until it can pass, for the log. */
  left: Millis
}
