import type { Problem } from '../domain/errors.ts'
import type { Outcome, Target } from './call.ts'
import { whyNot } from './journey.ts'
import type { ProbeKeys, ProgressDb } from './progressdb.ts'

/**
 * Whether the keys that the probe works with are accepted, found out by signing and listing, which change nothing. Any other
 * failure is no reason to refuse: a release may be what mends it.
 */
export const refusedKeys = async (
  db: ProgressDb,
  at: { target: Target; keys: ProbeKeys; stop?: AbortSignal | undefined },
): Promise<Problem[]> => {
  const signed = await db.sign(at.stop)
  if (isRefusal(signed)) return [refused(at.target, 'backend', `signing a user answers ${whyNot(signed)}`)]
  const listed = await db.threads(at.stop)
  const role = at.keys.frontend === undefined ? 'backend' : 'frontend'
  return isRefusal(listed) ? [refused(at.target, role, `listing threads answers ${whyNot(listed)}`)] : []
}

type Refusal = Extract<Outcome<unknown>, { is: 'failed' }>

const isRefusal = (outcome: Outcome<unknown>): outcome is Refusal =>
  outcome.is === 'failed' && (outcome.status === 401 || outcome.status === 403)

const refused = ({ id }: Target, role: 'backend' | 'frontend', because: string): Problem => ({
  code: 'KEY_REFUSED',
  what: `${id} does not accept the ${role} key`,
  because,
  next: `check the line of the ${role} key in the input keys against server.api_keys.${role} of this node`,
  where: id,
})
