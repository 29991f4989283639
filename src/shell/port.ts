import type { Problem } from '../domain/errors.ts'
import type { Millis } from '../domain/node.ts'

/** A POSIX sh program as text. It defines functions and calls `main "$@" </dev/null` on its last line. */
export type Program = { name: string; text: string }

export type RunOptions = {
  /** After this long the program is told to end (TERM) and, soon after, is no longer waited for. */
  limit: Millis
  /** Every line of standard output as it comes. */
  line?: (line: string) => void
  /** Another user of that machine, through `sudo`, whose refusal is `lost`. */
  as?: string
}

/**
 * How a program ended. `code` null: by a signal, or nobody knows; never success. `stdout` and `stderr` are bounded.
 * `late`: it was not waited for any longer; it may still run.
 * `lost`: there is no connection to where it should run; `begun`: there was one, so that it may have done anything.
 */
export type Ran = {
  code: number | null
  stdout: string
  stderr: string
  late: boolean
  lost?: { problem: Problem; begun: boolean }
}

/** What is put: a file of this machine, or bytes. */
export type Content = { file: string } | { bytes: Uint8Array }
/** Where something listens. */
export type Address = { host: string; port: number }
/** Bytes of a `put` so far. */
export type Sent = (done: number, of: number) => void

/**
 * Where programs run. The text and its arguments travel on standard input to a constant `sh -s`, never on a command line,
 * so the same programs work on this machine and over ssh.
 */
export interface Shell {
  run(program: Program, args: string[], options: RunOptions): Promise<Ran>
  /** Writes a whole file there, durably and by rename; its folder is made (0700) where it is missing. `mode` e.g. 0o600. Throws `UserError`. */
  put(source: Content, path: string, mode: number, sent?: Sent): Promise<void>
  /** The last `limit` bytes of a file there; empty when there is none. Throws `UserError`. */
  get(path: string, limit: number): Promise<Uint8Array>
  /** An address of this machine that reaches what listens at `to` as seen from there. Throws `UserError`. */
  forward(to: Address): Promise<Address>
  /** Ends what was opened for it. Never throws. */
  close(): Promise<void>
}
