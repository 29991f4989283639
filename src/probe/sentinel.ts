import { UserError } from '../domain/errors.ts'
import type { SentinelReading } from '../domain/invariants.ts'
import type { Outcome, Target } from './call.ts'
import { readBack, whyNot } from './journey.ts'
import type { ProgressDb } from './progressdb.ts'
import { findThread, type Patience } from './thread.ts'

/** A message written before, by its final key, to be read after. Plain data, no secret. */
export type Sentinel = { thread: string; key: string; body: string }

/** Posts `body` into the rollout's thread and reads it back by its provisional key: everything accepted before is applied. */
export const writeAndRead = async (
  db: ProgressDb,
  wanted: { title: string; body: string },
  p: Patience,
): Promise<Outcome<Sentinel>> => {
  const thread = await findThread(db, wanted.title, p)
  if (thread.is !== 'ok') return thread
  const posted = await db.post(thread.value, wanted.body, p.stop)
  if (posted.is !== 'ok') return posted
  const read = await readBack(db, { thread: thread.value, key: posted.value, text: wanted.body }, p.stop)
  if (read.is !== 'ok') return read
  return { is: 'ok', value: { thread: thread.value, key: read.value, body: wanted.body }, ms: read.ms }
}

/** Reads a sentinel; a server that does not let us says `error`, one that has lost it `missing`. */
export const readSentinel = async (
  db: ProgressDb,
  sentinel: Sentinel,
  stop?: AbortSignal,
): Promise<SentinelReading> => {
  const read = await db.read(sentinel, stop)
  if (read.is !== 'ok') {
    const refused = read.is === 'failed' && (read.status === 403 || (read.status ?? 0) >= 500)
    // no access to a thread that was ours, or a body that cannot be decrypted, is data that is not there for its user
    return refused ? { is: 'missing', why: whyNot(read) } : { is: 'error', why: whyNot(read) }
  }
  if (read.value === 'absent') return { is: 'missing', why: 'the server answers 404' }
  return read.value.text === sentinel.body ? { is: 'same' } : { is: 'different' }
}

/** The sentinel's value, or a `UserError` that says why it could not be written. */
export const written = (outcome: Outcome<Sentinel>, target: Target): Sentinel => {
  if (outcome.is === 'ok') return outcome.value
  const why = whyNot(outcome)
  const key = outcome.is === 'failed' && (outcome.status === 401 || outcome.status === 403)
  throw new UserError({
    code: key ? 'KEY_REFUSED' : 'PROBE_WRITE_FAILED',
    what: key
      ? `${target.id} does not accept the probe's key`
      : `the probe could not write a message on ${target.id}`,
    because: why,
    next: key
      ? 'check the line of the backend key in the input keys against server.api_keys.backend of this node'
      : `look at the server's log on ${target.id}; it must accept POST /frontend/v1/threads before it can be upgraded`,
    where: target.id,
  })
}
