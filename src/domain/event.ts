import type { Problem } from './errors.ts'
import type { HookPoint } from './hook-points.ts'
import type { Block, NodeBlock, Verdict } from './measurement.ts'
import type { Armed, Lease, Millis, NodeId, NodeStep, Observed, Proof, Witness } from './node.ts'
import type { Plan } from './plan.ts'

export type Mode = 'release' | 'plan' | 'rollback' | 'recover' | 'status'
/** The steps of the composite that run the loop. */
export type Step = 'plan' | 'snapshot' | 'canary' | 'promote' | 'settle'
export type Outcome = 'promoted' | 'rolled-back' | 'unchanged' | 'stopped' | 'needs-operator'
export type CommandId = number
export type NodeStepName = NodeStep['do']

/** What the person asked for; part of the first line of every process. */
export type Request = {
  mode: Mode
  /** Version or tag as given, already reduced to parsed semver or `previous`; '' where a mode needs none. */
  tag: string
  stopAfter: 'plan' | 'rehearse' | 'canary' | 'none'
  planHash: string
  rollbackData: 'auto' | 'keep' | 'restore'
  reason: string
  /** Mode recover: whoever holds a node is passed over, even one that may still work. */
  steal?: boolean
}

/** Who runs: `process` is unique per engine process and owns the leases it takes; `page` is the address of the run. */
export type Holder = { process: string; who: string; run: string; host: string; page?: string }

/**
 * One thing to do. `of` is the composite step that may start it.
 * `observe` with an empty canary measures the baseline of nodes before their stop.
 */
export type Command = { id: CommandId; of: Step } & Task
export type Task =
  | { kind: 'plan' }
  | { kind: 'inspect'; node: NodeId }
  | { kind: 'step'; node: NodeId; step: NodeStep }
  /** Others are asked or told; a policy of `fail` makes a failure of it. */
  | { kind: 'hook'; at: HookPoint; node?: NodeId }
  | { kind: 'observe'; canary: NodeId[]; baseline: NodeId[]; from: Millis; to: Millis }

/**
 * A node as the plan step found it (`unseen`: it was reached, and could not be looked at); for the report, no decision rests on it. `version` is what runs, or `stopped`, `unknown`;
 * `says` how it answered, or why it did not, printable.
 */
export type Standing = {
  node: NodeId
  state: 'serving' | 'not-serving' | 'unreachable' | 'unseen'
  version: string
  says: string
  lease?: StandingLease
  armed?: Armed
}

/** Who holds a node, as the plan step found it; texts printable, times ms. `ended`: its run is known to have ended. */
export type StandingLease = Pick<
  Lease,
  'rollout' | 'parked' | 'left' | 'age' | 'run' | 'holder' | 'doing'
> & {
  ended: boolean
}

/** What became of the probe's own threads on a node. `of`: of rollouts before, or of this one at its end. */
export type Swept = { of: 'before' | 'this'; deleted: number; left: number; why: string }

/**
 * What a command found out. `observed`: `counts` is what a check counted on the live data after a start.
 */
export type Fact =
  | (PlanFact & { standing?: Standing[] })
  | {
      is: 'observed'
      node: NodeId
      now: Observed
      took: Millis
      proof?: Proof
      witness?: Witness
      counts?: Record<string, number>
      swept?: Swept
    }
  | { is: 'measured'; block: Block }
  | { is: 'hooked'; hooks: Hooked[] }

/** What became of a hook: `why` is '' where it went well; `output` bounded, with secrets hidden, of somebody else. */
export type Hooked = { hook: string; why: string; output: string }

/** Leases with time left that may be taken over all the same: whose, by their token, and why. */
export type Past = Record<NodeId, { token: number; holder: string; why: 'run-ended' | 'stolen' }>

/** What the plan step found out. `refused`: here is every reason. */
export type PlanFact =
  | { is: 'planned'; plan: Plan; hash: string }
  | { is: 'refused'; code: string; problems: Problem[]; plan?: Plan }
  | { is: 'already'; version: string; code: string; why: string }
  /** `fired`: what the switch of a node did, as a sentence. */
  | { is: 'resumes'; lines: Event[]; past?: Past; strange?: NodeId[]; fired?: string }
  | { is: 'nothing'; why: string }

/**
 * A failed command. `effect: 'unknown'` means that node is inspected before anything else happens to it. `ready` is a server that
 * runs and does not become ready, `ended` one that did not stay up.
 */
export type Failure = Problem & {
  effect: 'none' | 'unknown'
  kind:
    | 'check'
    | 'ready'
    | 'ended'
    | 'proof'
    | 'disk'
    | 'unreachable'
    | 'lease'
    | 'fired'
    | 'busy'
    | 'stop'
    | 'drain'
    | 'hook'
    | 'other'
  held?: Lease
}

/** Decisions that are copied to the nodes' records, so that a fresh machine can go on. */
export type Decision =
  | { what: 'planned'; plan: Plan; hash: string }
  | { what: 'rehearsed'; class: RollbackClass; proofs: Record<NodeId, Proof>; hash: string }
  | { what: 'verdict'; wave: number; verdict: Verdict; before: NodeBlock[] }
  | { what: 'parked'; why: 'stop-after' | 'hold' | 'cancelled'; after: string; until: Millis }
  | { what: 'going-back'; code: string; why: string; cause: 'fault' | 'interrupted' }
  | ({ what: 'outcome' } & Conclusion)

export type RollbackClass = 'keeps-data' | 'restores-snapshot' | 'unknown'

/** One line of the journal. `seq` counts from 1 in a journal; `at` is the only way time enters. */
export type Event = { schema: 1; seq: number; at: Millis } & Body
export type Body =
  | { type: 'opened'; rollout: string; step: Step; by: Holder; request: Request }
  | ({ type: 'decided' } & Decision)
  | { type: 'started'; command: Command }
  | { type: 'done'; id: CommandId; fact: Fact }
  | { type: 'failed'; id: CommandId; failure: Failure }
  | { type: 'signal'; what: 'cancelled' | 'lease-lost' | 'out-of-time' }
  | ({ type: 'concluded' } & Conclusion)
  | { type: 'adopted'; rollout: string; version: string; sha256: string }
  /** On one node: `hold`, the supervisor was told to leave the server alone; `let-go`, to look after it again. */
  | { type: 'setting-changed'; rollout: string; what: 'hold' | 'let-go' }
  /** On one node: nobody spoke for the rollout in time (`fired`), and so it went back by itself (`home`), or could not (`held`). */
  | { type: 'fired'; rollout: string; what: 'fired' | 'home' | 'held'; why: string }

/** How it ended; what the nodes show when it is said. */
export type Conclusion = {
  outcome: Outcome
  /** Reason code. */
  code: string
  why: string
  /** The version the fleet serves, '' when mixed or unknown. */
  version: string
  data: 'untouched' | 'kept' | 'restored'
  owed: Owed[]
}

/** Something a person has to do, as a line to paste. */
export type Owed = { what: string; line?: string }

/** The lines that a node's record keeps. */
export const isRecordLine = (body: Body): boolean =>
  body.type === 'opened' || body.type === 'decided' || body.type === 'adopted' || ofNodeAlone(body)

/** What a node's record says of that node, and no other one's. */
export const ofNodeAlone = (body: Body): boolean => body.type === 'setting-changed' || body.type === 'fired'
