import type { Failure } from '../domain/event.ts'
import type { Event } from '../domain/event.ts'
import type { NodeId, NodeStep, Observed } from '../domain/node.ts'
import type { Release } from '../domain/release.ts'

/** What a node is made of: read with every inspection, never hashed into a plan unless named there. Sizes in bytes. */
export type NodeFacts = {
  /** Machine id and data path: the node's own identity, and the order in which leases are taken. */
  identity: string
  os: string
  arch: string
  adopted: boolean
  /** Path of the configured data folder resolved, and what lies there. */
  data: 'progressdb' | 'empty' | 'missing' | 'foreign' | 'unreadable'
  bytes: number
  /** Bytes of files that are not immutable: what a link-mode checkpoint copies. */
  mutableBytes: number
  diskFree: number
  diskTotal: number
  memoryFree: number
  /** How immutable files get into a checkpoint here, tried with a real file. */
  checkpoint: 'reflink' | 'link' | 'copy'
  /** sha256 of the configuration file and of `config-next`, '' when missing. */
  configSha: string
  configNextSha: string
  /** The server's configuration file as text, for the probe's port and the safe-stop rule; never printed. */
  configText: string
  pid: number | 'none'
  /** Identifies the running process: `<pid> <start time> <boot id>`, '' when none. */
  process: string
  /** sha256 of the running executable where it is not an installed release. */
  foreignExe?: string
  /** File with the server's own output since its last start. */
  serverLog: string
}

export type Inspection = { now: Observed; facts: NodeFacts }

/** Who wants the lease, and what may be taken over. */
export type Claim = {
  rollout: string
  process: string
  /** For people: who, which run, on which host. No secrets. */
  holder: string
  doing: string
  ttl: number
  /** Decision lines appended to the record under the same lock, before the lease is visible. */
  lines: Event[]
  /**
   * Beside a free or expired lease: 'same-rollout' also takes one of this rollout (another process of it), parked or not;
   * 'parked' also any parked one (rollback, recover); 'any' whatever is there (an explicit steal, recorded).
   */
  over: 'expired' | 'same-rollout' | 'parked' | 'any'
}

/** One program run on a node under a token. */
export type Action =
  | Exclude<NodeStep, { do: 'lease' | 'wait-ready' | 'check' | 'prove' | 'install' | 'record' }>
  | { do: 'record'; lines: Event[] }
  /** `file`: the binary on this machine; the program checks its sha256 against the release before it becomes visible. */
  | { do: 'install'; release: Release; file: string }
  /** The invariants were found to hold for the process that runs now. */
  | { do: 'mark-checked' }
  /** Hash every file of the checkpoint, compare the set, write SHA256SUMS. */
  | { do: 'hash'; name: string }
  /** The releases in this sequence ran on a copy of the checkpoint and held the invariants. */
  | { do: 'mark-proven'; name: string; ran: string[] }
  /** A real copy (or reflink) of the checkpoint in the staging folder. */
  | { do: 'stage-copy'; name: string }
  /** Start `release` on the staging copy with this configuration text (0600) on loopback. */
  | { do: 'stage-start'; release: Release; config: string }
  | { do: 'stage-stop' }

export type Progress = { what: string; done: number; of: number; unit: 'bytes' | 'files' | 's' }

/** A program that did not end well; `failure.effect` says whether the node may have changed. */
export class StepFailed extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(`${failure.code}: ${failure.what}`)
    this.name = 'StepFailed'
    this.failure = failure
  }
}

/** One node as the engine drives it. Every call ends with what the node now is. Throws `StepFailed`. */
export interface NodePort {
  readonly id: NodeId
  /** `now.ready` is always false here: readiness is asked over HTTP by the probe. */
  inspect(): Promise<Inspection>
  lease(claim: Claim): Promise<Inspection>
  /** Writes only this token's time file. 'lost' when the node's lease has another token. */
  refresh(token: number, ttl: number): Promise<'held' | 'lost'>
  act(action: Action, grip: Grip): Promise<Inspection & { answer: Record<string, string[]> }>
}

export type Grip = { token: number; stop: AbortSignal; progress: (p: Progress) => void }
