import type { Problem } from '../errors.ts'
import type { Mode, Outcome, Owed, RollbackClass } from '../event.ts'
import type { ProbeCounts, Verdict } from '../measurement.ts'
import type { Millis, NodeId, Proof, SnapshotKind } from '../node.ts'
import type { Plan } from '../plan.ts'
import type { ReasonCode } from '../reason.ts'

/**
 * All that a report may say, as plain data. Every string is text that shows as itself (made printable before, no markup, no
 * secret); the report escapes it for the place where it stands. Times are epoch ms, lengths ms. What is not known is left
 * out or `'unknown'`, never 0.
 */
export type ReportInput = {
  outcome: Outcome
  mode: Mode
  code: ReasonCode
  /** One sentence with the numbers beside their limits, e.g. a verdict's text. */
  why: string
  rollout: string
  /** The release the fleet came from and the one it was to reach, e.g. `v0.2.1`; '' where there is none (mode `status`). */
  from: string
  to: string
  /** For people, e.g. `@ana`. */
  who: string
  /** When it ended. */
  at: Millis
  data: 'untouched' | 'kept' | 'restored'
  nodes: NodeReport[]
  /** Who holds nodes, where that is asked for (mode `status`) or is why nothing was done. */
  held: { node: NodeId; text: string; run?: string }[]
  /** Nodes that go back by themselves unless somebody goes on: what they do and when, and the line that prevents it on the node. */
  armed: { node: NodeId; text: string; line: string }[]
  /** Watches in the order they ran, the canary's first. */
  watches: WatchReport[]
  /** Probe requests of the canary arm in the watch that decided. */
  probes: ProbeCounts[]
  timeline: Segment[]
  checklist: Checklist
  owed: Owed[]
  /** Every reason of a refusal, or what stopped a step. */
  problems: Problem[]
  warnings: string[]
  /** What was asked and told on the way. */
  hooks?: HookReport[]
  /** What was hashed and approved; absent when it was refused before there was one. */
  plan?: Plan
  planHash: string
  rehearsed?: Rehearsed
  /** With `stopped`: where it stopped, and until when it may go on. */
  stopped?: { after: 'plan' | 'rehearse' | 'canary'; until?: Millis }
  /** Until when the release before and its rollback points are kept. */
  keptUntil?: Millis
  /** http(s) only; anything else is printed as text. */
  links: Link[]
  /** File with the journal, for whoever wants everything. */
  journal?: string
  engine: { version: string; node: string }
}

/** `at` with its node, `output` the end of what it printed, '' where that was nothing. */
export type HookReport = { at: string; says: string; output: string }

export type Link = { label: string; url: string }

/** `serving` means: it answered ready, just now, as `now`. A node that could not be asked is `unreachable`, one that could not be looked at `unseen`. */
export type NodeReport = {
  name: NodeId
  /** `none`: no rollout has a part for it (mode `status`, a refusal). */
  role: 'canary' | { wave: number } | 'left-alone' | 'none'
  state: 'serving' | 'not-serving' | 'unreachable' | 'unseen'
  /** The version it had, and the one it has now or last was known to have; `unknown`, or `stopped`. */
  before: string
  now: string
  /** How it answered: `ready, 3 ms`; or what was seen instead. */
  serving: string
  /** Went to the new version and came back. */
  wentBack: boolean
  /** The checkpoint its data came back from. */
  restoredFrom?: string
  /** Times out of service, in order; `what` is `snapshot`, `upgrade`, `way back`, ... */
  gaps: { what: string; ms: Millis }[]
  /** A bare restart of this server takes this long, as far as measured. */
  bareRestart?: Millis
  point?: { name: string; kind: SnapshotKind; proven: boolean }
  /** One thing that was counted before and after. Absent: not counted. */
  counts?: { what: string; before: number | 'unknown'; after: number | 'unknown' }
  /** Diverged data that was put beside, the writes it holds, and the line that serves a copy of it. */
  setAside?: { path: string; writes: number | 'unknown'; line: string }
  note?: string
}

/** `of` is the length it was to have, `watched` the length it had. */
export type WatchReport = { nodes: NodeId[]; watched: Millis; of: Millis; verdict: Verdict }

/** `section` groups (a node's name, or `release`); `crit` marks what failed. */
export type Segment = { section: string; label: string; start: Millis; end: Millis; crit: boolean }

/** The release checklist; an item left out was not reached. `done` only with evidence that was measured. */
export type Checklist = Partial<Record<ChecklistItem, { done: boolean; evidence: string }>>
export type ChecklistItem = 'artifacts' | 'backup' | 'staging' | 'canary' | 'remainder' | 'retention'

/** What the rehearsal answered, and on whose copies. */
export type Rehearsed = { class: RollbackClass; proofs: Record<NodeId, Proof> }
