import type { Millis } from '../domain/node.ts'
import type { Outcome } from './call.ts'
import type { ProgressDb } from './progressdb.ts'
import { listWith, type Patience, waitVisible } from './thread.ts'

/** One step of a journey; `why` is '' when it went well. */
export type JourneyStep = { step: string; ok: boolean; why: string; ms: Millis }
/** A journey ends at its first failed step. `why`: the failed step and what the server said, printable. */
export type Journey = { ok: boolean; why: string; steps: JourneyStep[] }

/** The steps of a journey by name, in order. */
export const STEPS = {
  sign: 'sign',
  create: 'create thread',
  visible: 'wait for thread',
  post: 'post message',
  read: 'read message',
  list: 'list messages',
  remove: 'delete message',
  sweep: 'delete thread',
} as const

type Made = { thread: string; key: string }

/** What a user does: sign, create a thread, post, read it back, list; and away with it again. Writes one thread and one message. */
export const journey = async (db: ProgressDb, title: string, p: Patience): Promise<Journey> => {
  const steps: JourneyStep[] = []
  const made: Made = { thread: '', key: '' }
  const text = `journey at ${new Date(p.clock.now()).toISOString()}`
  const script: [string, () => Promise<Outcome<unknown>>][] = [
    [STEPS.sign, () => db.sign(p.stop)],
    [STEPS.create, async () => keep(await db.createThread(title, p.stop), key => (made.thread = key))],
    [STEPS.visible, () => waitVisible(db, made.thread, p)],
    [STEPS.post, async () => keep(await db.post(made.thread, text, p.stop), key => (made.key = key))],
    [STEPS.read, async () => keep(await readBack(db, { ...made, text }, p.stop), key => (made.key = key))],
    [STEPS.list, () => listWith(db, made, p)],
    [STEPS.remove, () => db.deleteMessage(made, p.stop)],
    [STEPS.sweep, () => db.deleteThread(made.thread, p.stop)],
  ]
  for (const [step, run] of script) {
    const outcome = await run()
    steps.push(stepOf(step, outcome))
    if (outcome.is !== 'ok') return { ok: false, why: `${step}: ${whyNot(outcome)}`, steps }
  }
  return { ok: true, why: '', steps }
}

/** Reads a message by its provisional key, which waits until it is applied, and compares it. Outcome: its final key. */
export const readBack = async (
  db: ProgressDb,
  wrote: { thread: string; key: string; text: string },
  stop?: AbortSignal,
): Promise<Outcome<string>> => {
  const read = await db.read(wrote, stop)
  if (read.is !== 'ok') return read
  const { ms } = read
  if (read.value === 'absent')
    return { is: 'failed', why: '404 the message was accepted and is not there', ms }
  if (read.value.text !== wrote.text)
    return { is: 'failed', why: 'the message reads back with another body', ms }
  return { is: 'ok', value: read.value.key, ms }
}

const keep = (outcome: Outcome<string>, take: (value: string) => void): Outcome<string> => {
  if (outcome.is === 'ok') take(outcome.value)
  return outcome
}

const stepOf = (step: string, outcome: Outcome<unknown>): JourneyStep =>
  outcome.is === 'ok'
    ? { step, ok: true, why: '', ms: outcome.ms }
    : { step, ok: false, why: whyNot(outcome), ms: outcome.is === 'stopped' ? 0 : outcome.ms }

/** Why a call did not go well, as one printable line. */
export const whyNot = (outcome: Exclude<Outcome<unknown>, { is: 'ok' }>): string =>
  outcome.is === 'stopped' ? 'stopped' : outcome.why
