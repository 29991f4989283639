import { UserError } from './domain/errors.ts'
import type { Probe } from './probe/probe.ts'

/** The version that a server says it runs, with a v; `from` where it says none. Throws `UserError` where nobody knows. */
export async function runningVersion(
  probe: Probe,
  node: { id: string; url: string },
  from: string | undefined,
): Promise<string> {
  const { version: told, why } = await probe.ready(node)
  const version = told === 'unknown' ? from : told.startsWith('v') ? told : `v${told}`
  if (version !== undefined) return version
  throw new UserError({
    code: 'VERSION_UNKNOWN',
    what: `${node.id} does not say which version it runs`,
    ...(why === '' ? {} : { because: why }),
    next: 'write it into the fleet file, e.g. `from: v0.1.2`, and adopt again',
    where: node.id,
  })
}
