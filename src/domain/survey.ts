import type { Problem } from './errors.ts'
import type { Failure } from './event.ts'
import type { NodeFacts } from './facts.ts'
import type { Holding } from './holder.ts'
import type { Millis, NodeId, Observed } from './node.ts'
import type { Asset, Policy } from './plan.ts'

/** One node as the plan found it: read-only. `counts` is undefined where they could not be read, with the reason in `problems`. */
export type SurveyedNode = {
  node: NodeId
  now: Observed
  facts: NodeFacts
  /** Version that it reports, or 'unknown'. */
  reports: string
  why: string
  counts: Record<string, number> | undefined
  /** The server's intake WAL and its recovery are both on. */
  intakeWal: boolean
  problems: Problem[]
  /** Why it could not be taken out of traffic now, '' where nothing speaks against it. */
  drainRefused: string
  /** Where somebody may be working on it: what is known of the run behind the lease. */
  holding?: Holding
}

/** A release as far as it was checked and downloaded. `binaries` by `os/arch`: sha256 of the server program. */
export type SurveyedRelease = {
  tag: string
  version: string
  digestSource: string
  assets: Asset[]
  binaries: Record<string, string>
  /** Breaking-change lines, printable. */
  breaking: string[]
}

/** Everything the plan is made of. */
export type Survey = {
  nodes: SurveyedNode[]
  unreachable: { node: NodeId; failure: Failure }[]
  release?: SurveyedRelease
  problems: Problem[]
  warnings: string[]
}

/** What the configuration and the inputs say that a plan needs. */
export type Wish = {
  mode: 'release' | 'rollback'
  /** Version asked for, with a v; 'previous' in mode rollback. */
  target: string
  order: NodeId[]
  canary: NodeId[]
  waveSize: number
  policy: Policy
  acceptWriteLoss: boolean
  /** Bytes of memory that a copy of a server needs, where the fleet file says it. */
  rehearsalMemory?: number
  profile: 'progressdb' | 'http'
  rollbackData: 'auto' | 'keep' | 'restore'
  planHash: string
  defaults: string[]
  /** How long nobody may speak for the rollout, and whether what looks outlives a reboot of the node. */
  switch: { confirmWithin: Millis; outlivesReboot: boolean }
  now: number
}
