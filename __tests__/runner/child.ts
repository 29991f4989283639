import { spawn } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'
import { inSession, kill, killAll } from './processes.ts'

/** How long a cancelled process has after each signal, ms. */
export type Ladder = { interrupt: number; terminate: number }
/** GitHub's own times. */
export const LADDER: Ladder = { interrupt: 7_500, terminate: 2_500 }

/** `child`: only the process that the runner started; `tree`: everything the step started and did not send away. */
export type KillScope = 'child' | 'tree'
export type Child = {
  pid: number
  /** Exit status, 128 + n after signal n. Resolves when the process is gone and its output closed, or 5 s later. */
  ended: Promise<number>
  /** SIGINT, SIGTERM, SIGKILL to the process itself and to no other; the second call does nothing. */
  cancel: (ladder: Ladder) => void
  kill: (scope: KillScope) => void
}
export type Program = { file: string; args: string[]; cwd: string; env: Record<string, string> }

const OPEN_OUTPUT_LIMIT = 5_000

/** Calls `onLine` for each line of a stream; like .NET's reader a lone carriage return ends a line too. */
const readLines = (stream: Readable, onLine: (line: string) => void): Promise<void> => {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream.on('data', (bytes: Buffer) => {
    const lines = (rest + decoder.write(bytes)).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
  return new Promise(resolve => {
    stream.once('close', () => {
      const last = (rest + decoder.end()).replace(/\r$/, '')
      if (last !== '') onLine(last)
      resolve()
    })
  })
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

/**
 * Starts a program in a session of its own (so that all a step started can be found again), with nothing on standard
 * input and exactly the given environment.
 */
export const startChild = (program: Program, onLine: (line: string) => void): Promise<Child> =>
  new Promise((resolve, reject) => {
    const child = spawn(program.file, program.args, {
      cwd: program.cwd,
      env: program.env,
      detached: true,
      stdio: 'pipe',
    })
    child.once('error', reject)
    child.stdin.end()
    const output = Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)])
    const exited = new Promise<number>(done =>
      child.once('exit', (code, signal) =>
        done(code ?? 128 + (signal === null ? 0 : (SIGNAL_NUMBERS[signal] ?? 0))),
      ),
    )
    const ended = exited.then(async code => {
      const timer = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, OPEN_OUTPUT_LIMIT)
      await output
      clearTimeout(timer)
      return code
    })
    child.once('spawn', () => resolve(control(child.pid ?? -1, exited, ended)))
  })

const control = (pid: number, exited: Promise<number>, ended: Promise<number>): Child => {
  let alive = true
  let cancelling = false
  const timers: NodeJS.Timeout[] = []
  const signal = (name: NodeJS.Signals): void => {
    if (alive) kill(pid, name)
  }
  const settle = async (): Promise<void> => {
    await exited
    alive = false
    timers.forEach(clearTimeout)
  }
  void settle()
  const cancel = (ladder: Ladder): void => {
    if (cancelling || !alive) return
    cancelling = true
    signal('SIGINT')
    timers.push(setTimeout(() => signal('SIGTERM'), ladder.interrupt))
    timers.push(setTimeout(() => signal('SIGKILL'), ladder.interrupt + ladder.terminate))
  }
  const killNow = (scope: KillScope): void => {
    if (scope === 'tree') killAll(() => inSession(pid))
    else signal('SIGKILL')
  }
  return { pid, ended, cancel, kill: killNow }
}
