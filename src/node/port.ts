import type { Event, Failure } from '../domain/event.ts'
import type { NodeFacts } from '../domain/facts.ts'
import type { Millis, NodeId, NodeStep, Observed, SwitchSetting } from '../domain/node.ts'
import type { Release } from '../domain/release.ts'

export type { NodeFacts } from '../domain/facts.ts'

export type Inspection = { now: Observed; facts: NodeFacts }

/** Who wants the lease, and what may be taken over. */
export type Claim = {
  rollout: string
  process: string
  /** For people: who, which run, on which host. No secrets. */
  holder: string
  doing: string
  /** Address of the run's page, '' outside of a workflow. */
  run: string
  ttl: number
  /** Decision lines appended to the record under the same lock, before the lease is visible. */
  lines: Event[]
  /**
   * Beside a free or expired lease: 'same-rollout' also takes one of this rollout (another process of it), parked or not;
   * 'parked' also any parked one (rollback, recover); a number: the lease with this token, whose holder has ended or is passed over.
   */
  over: 'expired' | 'same-rollout' | 'parked' | number
}

/** One program run on a node under a token. */
export type Action =
  | Exclude<
      NodeStep,
      {
        do:
          | 'lease'
          | 'wait-ready'
          | 'check'
          | 'prove'
          | 'install'
          | 'record'
          | 'stop'
          | 'hold'
          | 'let-go'
          | 'arm'
      }
    >
  /** `quiet`: how long a drained server is given to apply what it has accepted. */
  | ({ do: 'arm'; rollout: string; quiet: Millis } & SwitchSetting)
  /** The drain's mark is not believed: clients may have reached the node. */
  | { do: 'doubt-drain' }
  /** `force` (a way back): a server that does not end in time is killed and its data marked unclean. */
  | { do: 'stop'; force?: boolean }
  /** Take over the server that runs, as the first known release; nothing is restarted. The answer's `adopted` is its sha256. */
  | { do: 'adopt'; version: string; pid?: number }
  | { do: 'record'; lines: Event[] }
  /** Have the supervisor leave the server alone, or look after it again; `lines` say so in the record first. */
  | { do: 'hold' | 'let-go'; lines: Event[] }
  /** `file`: the binary on this machine; the program checks its sha256 against the release before it becomes visible. */
  | { do: 'install'; release: Release; file: string }
  /** The invariants were found to hold for this process (`NodeFacts.process` before the check). */
  | { do: 'mark-checked'; process: string }
  /** Hash every file of the checkpoint, compare the set, write SHA256SUMS. */
  | { do: 'hash'; name: string }
  /** The releases in this sequence ran on a copy of the checkpoint and held the invariants. */
  | { do: 'mark-proven'; name: string; ran: string[] }
  /** A real copy (or reflink) of the checkpoint in the staging folder. The answer's `stage_port` is free for a guest, which listens at `stage_listen` and finds the copy at `stage_data`. */
  | { do: 'stage-copy'; name: string }
  /** Start `release` on the staging copy with this configuration text (0600). The answer's `stage_host`, where there is one, is where it is reached. */
  | { do: 'stage-start'; release: Release; config: string }
  /** The answer's `stage_bytes` is what its data weighs now, `stage_written` what of it the checkpoint does not hold, `stage_ended` its exit status. */
  | { do: 'stage-stop' }

export type Progress = { what: string; done: number; of: number; unit: 'bytes' | 'files' | 'requests' | 's' }

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
  /** Why it could not be taken out of traffic now, as far as that can be known in advance; '' where nothing speaks against it. */
  drainRefused(): Promise<string>
  /** Writes only this token's time file. 'lost' when the node's lease has another token. */
  refresh(token: number, ttl: number): Promise<'held' | 'lost'>
  /** Address of this machine, e.g. `http://127.0.0.1:4711`, that reaches what listens there as seen from the node. */
  reach(to: { host: string; port: number }): Promise<string>
  /** For a server in a container: the digest (hex) that this tag of its image has in its registry now, '' where it tells none. */
  published(tag: string): Promise<string>
  /** The end of what its server wrote, of its present life and, where `lives` is more than 1, of the one before. */
  serverLogs(lives: number): Promise<{ name: string; text: string }[]>
  act(action: Action, grip: Grip): Promise<Inspection & { answer: Record<string, string[]> }>
}

export type Grip = { token: number; stop: AbortSignal; progress: (p: Progress) => void }
