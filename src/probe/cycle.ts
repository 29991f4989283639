import type { Clock } from '../domain/clock.ts'
import { unreachable } from '../domain/errors.ts'
import type { Millis } from '../domain/node.ts'
import type { Shot } from './block.ts'
import type { Outcome } from './call.ts'
import { readBack, STEPS } from './journey.ts'
import type { ProgressDb } from './progressdb.ts'
import { findThread, listWith, type Patience, waitVisible } from './thread.ts'

/** The order of a watch's requests. Messages go to the rollout's one thread; a second thread comes and goes once a cycle. */
const MESSAGE = [STEPS.post, STEPS.read, STEPS.list, STEPS.remove] as const
const CYCLE = [STEPS.sign, ...MESSAGE, ...MESSAGE, STEPS.create, STEPS.visible, STEPS.sweep] as const
type Step = (typeof CYCLE)[number]

/** Waiting until a write is applied is not the server's latency. */
const WAITS: readonly Step[] = [STEPS.read, STEPS.visible]

type Posted = { thread: string; key: string; text: string }
type Message = { thread: string; key: string }
/** What later requests need from earlier ones; undefined where that failed. */
type State = {
  thread?: Promise<Outcome<string>>
  posted: Promise<Posted | undefined>
  read: Promise<Message | undefined>
  listed: Promise<Message | undefined>
  brief: Promise<string | undefined>
}

export type CycleOptions = { clock: Clock; patience: Millis; title: string }

/** Requests of a watch on one node, one for each turn. */
export const cycle = (db: ProgressDb, options: CycleOptions) => {
  const nothing = Promise.resolve(undefined)
  const state: State = { posted: nothing, read: nothing, listed: nothing, brief: nothing }
  return (turn: number, stop: AbortSignal): Promise<Shot> => {
    const step = CYCLE[turn % CYCLE.length] ?? STEPS.sign
    return shoot({ db, state, options, turn, p: { ...options, stop } }, step)
  }
}

type Context = { db: ProgressDb; state: State; options: CycleOptions; turn: number; p: Patience }

const shoot = async (c: Context, step: Step): Promise<Shot> => {
  const outcome = await run(c, step)
  return outcome === 'skipped' ? outcome : { step, timed: !WAITS.includes(step), outcome }
}

const run = (c: Context, step: Step): Promise<Outcome<unknown> | 'skipped'> => {
  const { db, state, p } = c
  switch (step) {
    case STEPS.sign:
      return db.sign(p.stop)
    case STEPS.post:
      return posting(c)
    case STEPS.read:
      return reading(c)
    case STEPS.list:
      return listing(c)
    case STEPS.remove:
      return after(state.listed, message => db.deleteMessage(message, p.stop))
    case STEPS.create:
      return creating(c)
    case STEPS.visible:
      return after(state.brief, key => waitVisible(db, key, p))
    case STEPS.sweep:
      return after(state.brief, key => db.deleteThread(key, p.stop))
    default:
      return unreachable(step)
  }
}

const after = async <T, U>(
  needed: Promise<T | undefined>,
  then: (value: T) => Promise<Outcome<U>>,
): Promise<Outcome<U> | 'skipped'> => {
  const value = await needed
  return value === undefined ? 'skipped' : then(value)
}

/** Sets what the next steps wait for at once, so that a step that starts before the answer waits for it. */
const posting = (c: Context): Promise<Outcome<string>> => {
  const text = `watch ${c.turn} at ${new Date(c.p.clock.now()).toISOString()}`
  const sent = inThread(c, thread => c.db.post(thread, text, c.p.stop))
  c.state.posted = sent.then(async s => {
    const thread = await c.state.thread
    return s.is === 'ok' && thread?.is === 'ok' ? { thread: thread.value, key: s.value, text } : undefined
  })
  return sent
}

const reading = (c: Context): Promise<Outcome<string> | 'skipped'> => {
  const { posted } = c.state
  const read = after(posted, wrote => readBack(c.db, wrote, c.p.stop))
  c.state.read = Promise.all([posted, read]).then(([wrote, r]) =>
    wrote && r !== 'skipped' && r.is === 'ok' ? { thread: wrote.thread, key: r.value } : undefined,
  )
  return read
}

/** Deleting waits for the list, or the message is gone before it was looked for. */
const listing = (c: Context): Promise<Outcome<unknown> | 'skipped'> => {
  const { read } = c.state
  const listed = after(read, message => listWith(c.db, message, c.p))
  c.state.listed = listed.then(() => read)
  return listed
}

const creating = (c: Context): Promise<Outcome<string>> => {
  const made = c.db.createThread(`${c.options.title} watch`, c.p.stop)
  c.state.brief = made.then(m => (m.is === 'ok' ? m.value : undefined))
  return made
}

/** Finds or makes the rollout's thread once; after a failure it is tried again. */
const inThread = async (
  c: Context,
  then: (thread: string) => Promise<Outcome<string>>,
): Promise<Outcome<string>> => {
  c.state.thread ??= findThread(c.db, c.options.title, c.p)
  const thread = await c.state.thread
  if (thread.is === 'ok') return then(thread.value)
  delete c.state.thread
  return thread
}
