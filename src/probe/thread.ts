import type { Clock } from '../domain/clock.ts'
import type { Millis } from '../domain/node.ts'
import type { Outcome } from './call.ts'
import type { Message, ProgressDb } from './progressdb.ts'

/** Everything the probe writes lies in threads with this in front of their title. */
export const TITLE = 'progressdb-rollout '

export type Patience = { clock: Clock; patience: Millis; stop?: AbortSignal | undefined }

/** The rollout's thread on this node: found by its title, or made. Outcome: its key, readable. */
export const findThread = async (db: ProgressDb, title: string, p: Patience): Promise<Outcome<string>> => {
  const all = await db.threads(p.stop)
  if (all.is !== 'ok') return all
  const mine = all.value.find(t => t.title === title)
  if (mine) return { is: 'ok', value: mine.key, ms: all.ms }
  const made = await db.createThread(title, p.stop)
  return made.is === 'ok' ? waitVisible(db, made.value, p) : made
}

/** A new thread answers 403 until it is applied. */
export const waitVisible = (db: ProgressDb, key: string, p: Patience): Promise<Outcome<string>> =>
  until(p, 'the thread', async () => {
    const seen = await db.thread(key, p.stop)
    return seen.is === 'ok' ? { ...seen, value: seen.value === 'absent' ? undefined : key } : seen
  })

/** Lists the thread until the message is in it. */
export const listWith = (
  db: ProgressDb,
  message: { thread: string; key: string },
  p: Patience,
): Promise<Outcome<Message[]>> =>
  until(p, 'in the list, the message just read', async () => {
    const listed = await db.list(message.thread, p.stop)
    if (listed.is !== 'ok') return listed
    return { ...listed, value: listed.value.some(m => m.key === message.key) ? listed.value : undefined }
  })

/** Asks again while the answer is "not yet"; any other failure ends it. `ms` is the time of the last single request. */
const until = async <T>(
  p: Patience,
  what: string,
  once: () => Promise<Outcome<T | undefined>>,
): Promise<Outcome<T>> => {
  const began = p.clock.now()
  for (let pause = 20; ; pause = Math.min(pause * 2, 200)) {
    const seen = await once()
    if (seen.is !== 'ok') return seen
    if (seen.value !== undefined) return { ...seen, value: seen.value }
    if (p.stop?.aborted) return { is: 'stopped' }
    if (p.clock.now() - began + pause >= p.patience)
      return {
        is: 'failed',
        why: `${what} is not visible within ${p.patience} ms`,
        ms: p.clock.now() - began,
      }
    await p.clock.sleep(pause, p.stop)
  }
}
