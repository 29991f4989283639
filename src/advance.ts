import { apply } from './domain/apply.ts'
import type { Body, Command, Fact, Failure, Holder, Request, Step } from './domain/event.ts'
import { next } from './domain/next.ts'
import { initial, type Rollout } from './domain/rollout.ts'
import type { Journal } from './journal/journal.ts'

/** The effects of the loop. `signal` resolves at most once, when this process is to stop. */
export type Ports = {
  /** Carries out one command; rejects only with an error that `failureOf` can read. */
  perform(command: Command, r: Rollout, stop: AbortSignal): Promise<Fact>
  failureOf(error: unknown, command: Command): Failure
  signal: Promise<Extract<Body, { type: 'signal' }>>
  /** After every line, for the log. Must not throw. */
  told(r: Rollout, body: Body): void
}

export type Start = { rollout: string; step: Step; by: Holder; request: Request }

/**
 * The loop: write down what starts, perform it, write down each fact as it arrives, ask what is next.
 * Everything that was in flight in an earlier process is unknown from the first line on.
 */
export async function advance(journal: Journal, start: Start, ports: Ports): Promise<Rollout> {
  let r = journal.events.reduce(apply, initial)
  const record = (body: Body): void => {
    r = apply(r, journal.append(body))
    ports.told(r, body)
  }
  const running = new Map<number, Promise<Body>>()
  const stop = new AbortController()
  record({ type: 'opened', ...start, rollout: r.id || start.rollout })
  for (;;) {
    const n = next(r)
    if (n === 'done') return r
    if ('record' in n) {
      record(n.record)
      continue
    }
    for (const task of n.start) {
      const command: Command = { ...task, id: r.lastCommand + 1, of: start.step }
      record({ type: 'started', command })
      running.set(command.id, attempt(ports, command, { r, stop: stop.signal }))
    }
    const body = await Promise.race([ports.signal, ...running.values()])
    record(body)
    if (body.type === 'signal') {
      stop.abort()
      return r
    }
    if (body.type === 'done' || body.type === 'failed') running.delete(body.id)
  }
}

/** Never rejects: a failure is a fact too. */
async function attempt(ports: Ports, command: Command, at: { r: Rollout; stop: AbortSignal }): Promise<Body> {
  try {
    return { type: 'done', id: command.id, fact: await ports.perform(command, at.r, at.stop) }
  } catch (error) {
    return { type: 'failed', id: command.id, failure: ports.failureOf(error, command) }
  }
}
