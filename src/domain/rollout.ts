import type {
  Body,
  Command,
  CommandId,
  Conclusion,
  Decision,
  Event,
  Failure,
  Holder,
  Past,
  Request,
  RollbackClass,
  Step,
} from './event.ts'
import { Bug, type Problem } from './errors.ts'
import type { Fired } from './switch.ts'
import type { NodeBlock, Verdict, Watch } from './measurement.ts'
import type { Millis, NodeId, Observed, Proof, Witness } from './node.ts'
import type { Plan, PlannedNode } from './plan.ts'
import { rollbackPoint } from './steps.ts'

/**
 * What the rollout knows of one node.
 * `seen`     its last answer; 'unknown' after a process opened the journal and after any effect that may have happened.
 * `fault`    why it must not go on to the new release.
 * `witnesses` what was known of its data right before a stop or a copy, by how often the data had been opened then.
 * `tries`    failures in a row in this process; see `MAX_TRIES`.
 * `failing`  steps that failed in this process since one worked, whatever was seen in between; see `MAX_TRIES`.
 * `refuses`  on the way back the old release would not serve the data the new one wrote.
 * `failedBack` even the release that wrote the data did not come up again.
 * `undrained` on the way back it could not be taken out of traffic, and stops without: it keeps what it has accepted.
 */
export type NodeState = {
  seen: Observed | 'unknown'
  fault?: Failure
  tries: number
  failing: number
  lost?: Failure
  refuses?: Failure
  failedBack?: Failure
  undrained?: Failure
  witnesses: Readonly<Record<number, Witness>>
}

/** The fold of a journal. Immutable: `apply` answers a new one. */
export type Rollout = {
  id: string
  seq: number
  now: Millis
  step: Step
  by: Holder
  request: Request
  opened: number
  /** Engine processes of this very journal: a lease of one of them is ours to take over. */
  processes: readonly string[]
  resumed: boolean
  plan?: Plan
  hash: string
  refused?: { code: string; problems: Problem[] }
  already?: { code: string; why: string; version: string }
  nothing?: string
  found?: Event[]
  /** Nodes whose records tell of another plan: they are left alone. */
  strange?: readonly NodeId[]
  /** A node went back by itself, as the plan step found it. */
  fired?: string
  /** Leases of others that may be taken over although they have time left. */
  past?: Past
  /** An earlier run found that the old release does not serve this data. */
  refusedBefore: boolean
  nodes: Readonly<Record<NodeId, NodeState>>
  proofs: Readonly<Record<NodeId, Proof>>
  rehearsed?: { class: RollbackClass; hash: string }
  verdicts: readonly Verdict[]
  /** The last verdict was reached by another job: the nodes are watched again before anything follows from it. */
  stale: boolean
  watch?: Watch
  before: Readonly<Record<NodeId, NodeBlock>>
  beforeSpan: Millis
  parked?: Extract<Decision, { what: 'parked' }>
  goingBack?: Extract<Decision, { what: 'going-back' }>
  outcome?: Conclusion
  concluded?: Conclusion
  signal?: 'cancelled' | 'lease-lost' | 'out-of-time'
  /** Any earlier process of this rollout was told to stop. */
  cancelled?: 'cancelled' | 'lease-lost' | 'out-of-time'
  inFlight: Readonly<Record<CommandId, Command>>
  lastCommand: CommandId
  /** Phases that a process of this journal has begun; hooks that were called, by `hookKey`; and one that says no. */
  began: readonly Step[]
  hooked: readonly string[]
  hookFault?: Failure
  /** Decision lines, oldest first: what every node's record should hold. */
  lines: readonly Event[]
}

/** After so many failures in a row, or failed steps, on one node, this process gives it up and says so. */
export const MAX_TRIES = 3

const nobody: Holder = { process: '', who: '', run: '', host: '' }
const nothingAsked: Request = {
  mode: 'status',
  tag: '',
  stopAfter: 'none',
  planHash: '',
  rollbackData: 'auto',
  reason: '',
}

export const initial: Rollout = {
  id: '',
  seq: 0,
  now: 0,
  step: 'plan',
  by: nobody,
  request: nothingAsked,
  opened: 0,
  processes: [],
  resumed: false,
  hash: '',
  refusedBefore: false,
  nodes: {},
  proofs: {},
  verdicts: [],
  stale: false,
  before: {},
  beforeSpan: 0,
  inFlight: {},
  lastCommand: 0,
  began: [],
  hooked: [],
  lines: [],
}

/** The state of a node of the plan. Throws `Bug` for another. */
export const node = (r: Rollout, id: NodeId): NodeState => {
  const n = r.nodes[id]
  if (!n) throw new Bug(`node ${id} is not in the plan`)
  return n
}

/** The plan's decisions for a node. Throws `Bug` for another. */
export const planned = (r: Rollout, id: NodeId): PlannedNode => {
  const n = r.plan?.nodes.find(p => p.node === id)
  if (!n) throw new Bug(`node ${id} is not in the plan`)
  return n
}

/**
 * The new version was started on this node's data, or its link points there, or it was brought back from there; by this rollout, which
 * leaves a checkpoint of its own before it changes anything.
 */
export function changed(r: Rollout, id: NodeId): boolean {
  const o = node(r, id).seen
  if (o === 'unknown') return true
  const { from } = planned(r, id)
  const other =
    o.active === 'none' || o.active.sha256 !== from.sha256 || o.data.openedBy?.sha256 !== from.sha256
  return (other && began(r, id, o)) || cameBack(r, o)
}

const began = (r: Rollout, id: NodeId, o: Observed): boolean =>
  o.snapshots.some(s => s.kind !== 'rehearsal' && s.name.startsWith(`${r.id}.`)) ||
  (o.data.from !== undefined && o.data.from === r.plan?.restore[id])

/** This rollout brought the node back: a return point of it exists, or its data came from one of its checkpoints. */
export const cameBack = (r: Rollout, o: Observed): boolean =>
  o.snapshots.some(s => s.kind === 'return-point' && s.name.startsWith(`${r.id}.`)) ||
  (o.data.from?.startsWith(`${r.id}.`) ?? false)

/** What the node says of the switch of this rollout, oldest first. */
export function firedOn(r: Rollout, id: NodeId): Fired[] {
  const o = node(r, id).seen
  return o === 'unknown' ? [] : o.record.filter((e): e is Fired => e.type === 'fired' && e.rollout === r.id)
}

/** The rollback point that this rollout took on the node. */
export const pointOf = (r: Rollout, o: Observed): ReturnType<typeof rollbackPoint> => rollbackPoint(o, r.id)

/** A decision of this kind stands in the journal or in the record that was resumed. */
export const said = (r: Rollout, what: Decision['what']): boolean =>
  r.lines.some(e => e.type === 'decided' && e.what === what)

/** Appends a body the way a journal does; for folding without one. */
export const stamp = (r: Rollout, body: Body, at: Millis): Event => ({
  schema: 1,
  seq: r.seq + 1,
  at,
  ...body,
})
