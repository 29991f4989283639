import { UserError } from '../domain/errors.ts'
import type { Counts } from '../domain/invariants.ts'
import type { Outcome, Target } from './call.ts'
import { whyNot } from './journey.ts'
import type { ProgressDb } from './progressdb.ts'

/** The statistics page of 0.2.1 looks at so many keys and no further. */
const STATS_SEE = 10_000

/**
 * Full totals: `keys` (threads and messages as stored, deleted ones included) and `index`; `threads` and `messages` only
 * where the statistics page sees the whole store. Throws `UserError`.
 */
export const countAll = async (db: ProgressDb, target: Target, stop?: AbortSignal): Promise<Counts> => {
  const keys = must(await db.keyTotal('keys', stop), target)
  const index = must(await db.keyTotal('index', stop), target)
  if (keys >= STATS_SEE) return { keys, index }
  return { keys, index, ...must(await db.stats(stop), target) }
}

const must = <T>(outcome: Outcome<T>, target: Target): T => {
  if (outcome.is === 'ok') return outcome.value
  throw new UserError(countProblem(outcome, target))
}

const countProblem = (outcome: Exclude<Outcome<unknown>, { is: 'ok' }>, { id }: Target) => {
  const status = outcome.is === 'failed' ? outcome.status : undefined
  if (status === 401 || status === 403)
    return {
      code: 'KEY_REFUSED',
      what: `${id} does not accept the admin key`,
      because: `counting its keys answers ${whyNot(outcome)}`,
      next: 'check the line of the admin key in the input keys against server.api_keys.admin of this node',
      where: id,
    }
  return {
    code: 'COUNT_FAILED',
    what: `the keys on ${id} could not be counted`,
    because: whyNot(outcome),
    next: 'check that the server answers GET /admin/keys?limit=1 with the admin key, then run again',
    where: id,
  }
}
