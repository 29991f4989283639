import type { Millis } from '../domain/node.ts'

/** A POSIX sh program as text. It defines functions and calls `main "$@" </dev/null` on its last line. */
export type Program = { name: string; text: string }

export type RunOptions = {
  /** After this long the program is told to end (TERM) and, soon after, is no longer waited for. */
  limit: Millis
  /** Every line of standard output as it comes. */
  line?: (line: string) => void
}

/**
 * How a program ended. `code` null: by a signal, or nobody knows; never success. `stdout` and `stderr` are bounded.
 * `late`: it was not waited for any longer; it may still run.
 */
export type Ran = { code: number | null; stdout: string; stderr: string; late: boolean }

/**
 * Where programs run. The text and its arguments travel on standard input to a constant `sh -s`, never on a command line,
 * so the same programs work on this machine and over ssh.
 */
export interface Shell {
  run(program: Program, args: string[], options: RunOptions): Promise<Ran>
  /** Writes a whole file there, durably and by rename; its folder is made (0700) where it is missing. `mode` e.g. 0o600. Throws `UserError`. */
  put(source: { file: string } | { bytes: Uint8Array }, path: string, mode: number): Promise<void>
  /** The last `limit` bytes of a file there; empty when there is none. */
  get(path: string, limit: number): Promise<Uint8Array>
  /** An address of this machine that reaches the given TCP port of the node's loopback, e.g. `127.0.0.1:8080`. */
  forward(port: number): Promise<string>
}
