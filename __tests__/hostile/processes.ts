import { readFileSync } from 'node:fs'
import { held, type Named } from './secrets.ts'

export type Watch = {
  /** A step of the action has started, which has its inputs in its own environment, as the platform gives them. */
  step(pid: number): void
  /** Names of the programs that were seen, and what of the secrets stood where it must not. */
  end(): { programs: Set<string>; leaks: string[] }
}

/** Looks every 10 ms at the arguments of every process below the steps, and at the environments of all but the steps' own. */
export function watchProcesses(secrets: Named[]): Watch {
  const steps = new Set<number>()
  const programs = new Set<string>()
  const leaks = new Set<string>()
  const look = (pid: number, own: string): void => {
    const line = read(pid, 'cmdline')
    const name = line.toString('utf8').split('\0')[0] ?? ''
    for (const secret of held(line, secrets)) leaks.add(`${secret} in the arguments of ${name}`)
    // what was forked and is not yet another program shows its parent's environment
    if (!steps.has(pid) && line.toString('utf8') !== own) {
      programs.add(name.split('/').at(-1) ?? '')
      for (const secret of held(read(pid, 'environ'), secrets))
        leaks.add(`${secret} in the environment of ${name}`)
    }
    for (const child of childrenOf(pid)) look(child, own)
  }
  const timer = setInterval(() => {
    for (const pid of steps) look(pid, read(pid, 'cmdline').toString('utf8'))
  }, 10)
  return {
    step: pid => void steps.add(pid),
    end: () => {
      clearInterval(timer)
      return { programs, leaks: [...leaks] }
    },
  }
}

function read(pid: number, file: string): Buffer {
  try {
    return readFileSync(`/proc/${pid}/${file}`)
  } catch {
    return Buffer.alloc(0)
  }
}

/** A process has as many lists of children as it has threads. */
function childrenOf(pid: number): number[] {
  const first = read(pid, `task/${pid}/children`).toString('utf8')
  return first
    .split(' ')
    .filter(word => word !== '')
    .map(Number)
}
