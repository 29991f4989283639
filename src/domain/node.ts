import type { Event } from './event.ts'
import type { RunPage } from './holder.ts'
import type { SafeStop } from './plan.ts'
import type { Release } from './release.ts'

/** The node's name in the fleet file, e.g. `db-1`. */
export type NodeId = string
/** Milliseconds; as an instant, since the Unix epoch. */
export type Millis = number

export type SnapshotKind = 'rehearsal' | 'rollback-point' | 'return-point'

/**
 * A checkpoint on the node.
 * `of`      the release that had last opened the data.
 * `opens`   how often the data had been opened when it was taken: equal to `Observed.data.opens` on a stopped node means
 *           "taken at this very stop".
 * `sealed`  its file set and CURRENT -> MANIFEST were checked and the marker written.
 * `proven`  the sequence of releases that ran on a restored copy and held the invariants, e.g. `['v1-aaa', 'v2-bbb', 'v1-aaa']`;
 *           empty when not proven.
 */
export type Snapshot = {
  name: string
  kind: SnapshotKind
  of: Release
  opens: number
  sealed: boolean
  clean: boolean
  proven: string[]
  at: Millis
}

/** A lease as the node shows it. `process` names the engine process that holds it; a higher `token` fences a lower one. */
export type Lease = {
  rollout: string
  process: string
  token: number
  /** Time left on the node's own uptime clock. */
  left: Millis
  parked: boolean
  /** Who, for people: `@ana, owner/repo run 123 attempt 1, host`. */
  holder: string
  /** The run that took it, where one did. */
  run?: RunPage
  /** For how long its rollout has held the node, on the node's own uptime clock; absent where the node was started since. */
  age?: Millis
  /** What the holder is doing, for people. */
  doing: string
}

/**
 * A dead man's switch: unless somebody speaks for `rollout` within `left`, the node goes back by itself.
 * `phase`    `fired`: it is at it.
 * `keeps`    it may go back with what the new release wrote.
 * `watched`  the program that looks is there.
 */
export type Armed = {
  rollout: string
  left: Millis
  phase: 'armed' | 'fired'
  keeps: boolean
  watched: boolean
}

/** How a switch is set: `back` is started again; data that `to` wrote is kept only where it can be read, and stopped only safely. */
export type SwitchSetting = { back: Release; to: Release; keeps: boolean; safe: SafeStop }

/**
 * What a node *is*, answered at the end of every node program and never inferred.
 * `running`  by the hash of /proc/<pid>/exe of the process we started (pid, start time and boot id must match);
 *            `unknown`: it runs a binary that is not in `releases/`.
 * `checked`  the invariants were found to hold for this very process (pid and start time).
 * `data.opens`    how many times a server was started on this data; written before each start; travels with the data.
 * `data.openedBy` the release of the last start, `undefined` on data never opened through us.
 * `data.from`     the checkpoint this data was restored from, if it was.
 * `data.setAside` folders of diverged data that lie beside it.
 * `traffic`    by our own mark: `leaving` where it was being taken out or put back and nobody knows that it was done.
 * `drainedAt`     with `traffic: 'drained'`: the value of `data.opens` when it was drained.
 * `config`   sha256 of the server's own configuration file, '' when missing.
 * `busy`     a live program holds the node's lock.
 * `staging`  leftovers of a rehearsal exist (copy or process).
 */
export type Observed = {
  running: Release | 'stopped' | 'unknown'
  active: Release | 'none'
  installed: Release[]
  ready: boolean
  checked: boolean
  data: {
    opens: number
    openedBy?: Release
    from?: string
    swap: 'none' | 'unfinished'
    setAside: string[]
  }
  traffic: 'in' | 'leaving' | 'drained' | 'no-drain'
  drainedAt?: number
  snapshots: Snapshot[]
  config: string
  busy: boolean
  staging: boolean
  lease: Lease | 'free'
  /** Where a supervisor (systemd) looks after the server: a rollout has told it to leave the server alone. */
  held?: boolean
  /** The dead man's switch that stands on the node. */
  armed?: Armed
  /** Exit status of the last stop we made, e.g. `0`, `143`, `signal 9`; absent when never stopped by us. */
  lastExit?: string
  /** Decision lines kept on the node, oldest first, of all rollouts that it remembers. */
  record: Event[]
}

/**
 * What one node should be.
 * `data`   'in-place', or the name of the checkpoint that must be in place.
 * `proof`  the releases that must run, one after the other, on a copy of the node's present data, or of the checkpoint `proofOf`;
 *          [] when that is known.
 * `point`  which kind of checkpoint a stop on the way to `release` takes.
 * `prove`  the checkpoint that counts (the rollback point taken on the way, or the one to restore) must have been proven by
 *          this release: before the node is undrained, or before it is restored.
 * `drain`  'left-out' where it cannot be taken out of traffic, and is stopped all the same.
 * `switch` how it is armed before it is changed; 'off' once it serves; 'as-it-is' where neither is due.
 * `lease`  'ours' (held by `process` of `rollout`), 'parked' (ours, for the approval window) or 'free'.
 */
export type Goal = {
  release: Release
  data: 'in-place' | { restore: string }
  proof: Release[]
  proofOf?: string
  point: 'rollback-point' | 'return-point'
  prove: Release | 'none'
  drain: 'first' | 'left-out'
  switch: SwitchSetting | 'off' | 'as-it-is'
  lease:
    | { rollout: string; process: string; state: 'ours' | 'free' }
    | { rollout: string; process: string; state: 'parked'; within: Millis }
}

/** One idempotent step on one node: lock, check token, act, observe. */
export type NodeStep =
  /** Takes the lease and, under the same lock, adds these decision lines to the record: a lease never stands without its reason. */
  | { do: 'lease'; lines: Event[] }
  | { do: 'record'; lines: Event[] }
  | { do: 'clean-staging' }
  | { do: 'finish-swap' }
  | { do: 'install'; release: Release }
  /** From here on the node goes back by itself, should nobody come. */
  | ({ do: 'arm' } & SwitchSetting)
  | { do: 'disarm' }
  /** The supervisor leaves the server alone while it is changed: no restart, no limit to a start or a stop. */
  | { do: 'hold' }
  | { do: 'drain' }
  | { do: 'stop' }
  | { do: 'snapshot'; kind: SnapshotKind; name: string }
  | { do: 'prove'; name: string; with: Release[] }
  | { do: 'restore'; name: string }
  | { do: 'activate'; release: Release }
  | { do: 'start'; release: Release }
  | { do: 'back'; release: Release; name: string }
  | { do: 'wait-ready'; release: Release }
  | { do: 'check'; release: Release }
  | { do: 'let-go' }
  | { do: 'undrain' }
  | { do: 'park'; within: Millis }
  | { do: 'release' }

/**
 * What was known of a node's data right before it was stopped or copied. `quiet`: nobody could write since.
 * `sentinel`: a message of the probe, by its final key.
 */
export type Witness = {
  counts: Record<string, number>
  sentinel?: { thread: string; key: string; body: string }
  quiet: boolean
}

/** What running releases one after the other on a restored copy showed. Times in ms, sizes in bytes. */
export type Proof = {
  name: string
  runs: {
    release: Release
    /** From exec to ready. */
    startup: Millis
    outcome: 'ok' | 'exited' | 'not-ready' | 'invariants' | 'tests-failed'
    /** One line for people; empty when ok. Already made printable. */
    why: string
    counts: Record<string, number>
  }[]
  bytesBefore: number
  bytesAfter: number
  /** In files that the checkpoint does not hold as they are: the most that any of the runs left. */
  bytesWritten: number
}
