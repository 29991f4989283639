import type { Millis } from './node.ts'

/** Time as a port, so that a simulation can run hours in milliseconds. `now` never goes backwards within a process. */
export interface Clock {
  now(): Millis
  /** Ends after `ms`, or at once when `stop` is or becomes aborted; never rejects, so look at `stop` afterwards. */
  sleep(ms: Millis, stop?: AbortSignal): Promise<void>
}
