import { systemClock } from './clock.ts'
import type { Body } from './domain/event.ts'
import type { Millis } from './domain/node.ts'

type Signal = Extract<Body, { type: 'signal' }>

export type Listening = {
  env: NodeJS.ProcessEnv
  /** `settle` puts right what was begun: it goes on, and only a third signal ends it. */
  settling: boolean
  /** In a job, a process that outlives its step must not go on beside `settle`. */
  watchParent: boolean
  /** When the time of this use is over. */
  deadline: Millis
  say(topic: string, text: string): void
}

/** When this process is to stop: told by a signal, its runner gone, or out of time. Resolves at most once. */
export function signals(l: Listening): { signal: Promise<Signal>; end: () => void } {
  const parent = process.ppid
  const timers: NodeJS.Timeout[] = []
  let asked = 0
  let resolve: (s: Signal) => void = () => undefined
  const signal = new Promise<Signal>(r => (resolve = r))
  const told = (): void => {
    asked += 1
    if (!l.settling) return resolve({ type: 'signal', what: 'cancelled' })
    if (asked >= 3) return resolve({ type: 'signal', what: 'cancelled' })
    l.say('settle', `still putting the nodes right; ${3 - asked} more would leave them as they are`)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, told)
  if (!l.settling) {
    const orphaned = (): void =>
      process.ppid === parent ? undefined : resolve({ type: 'signal', what: 'cancelled' })
    if (l.watchParent) timers.push(setInterval(orphaned, 500))
    const left = Math.max(0, l.deadline - systemClock.now())
    timers.push(
      setTimeout(() => resolve({ type: 'signal', what: 'out-of-time' }), Math.min(left, 2 ** 31 - 1)),
    )
  }
  return {
    signal,
    end: () => {
      for (const timer of timers) clearTimeout(timer)
      for (const name of names) process.off(name, told)
    },
  }
}
