import type { GitHub } from '@actions/github/lib/utils'
import type { Dispatcher } from 'undici'
import type { Problem } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'

/**
 * How GitHub is reached. `token` is '' for anonymous reading; `apiUrl` has no slash at its end; `files` is the dispatcher for
 * downloads, whose size the download itself bounds.
 */
export type GitHubAccess = {
  api: InstanceType<typeof GitHub>
  apiUrl: string
  token: string
  files: Dispatcher
}

/** Status of an answer that was not a success; `undefined` when there was none. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && 'status' in error && typeof error.status === 'number' && 'response' in error
    ? error.status
    : undefined

const messageOf = (error: unknown): string =>
  printable(new Untrusted(error instanceof Error ? error.message : String(error)), 200)

/** Why GitHub did not answer the question, for a person. `what` is what we wanted, e.g. "the release v0.2.2". */
export const apiProblem = (
  error: unknown,
  what: string,
  access: { token: string; apiUrl: string },
): Problem => {
  const status = statusOf(error)
  const because =
    status === undefined
      ? `${access.apiUrl} did not answer: ${messageOf(error)}`
      : `the answer was status ${status}: ${messageOf(error)}`
  const problem = (code: string, next: string): Problem => ({
    code,
    what: `GitHub did not tell about ${what}`,
    because,
    next,
  })
  if (status === 401)
    return problem(
      'GITHUB_TOKEN_INVALID',
      'check the input `token`: it has expired, or it belongs to another server',
    )
  if (isRateLimited(error))
    return problem(
      'GITHUB_RATE_LIMIT',
      access.token === ''
        ? 'pass `token`: without one, GitHub answers 60 questions an hour'
        : 'wait until the limit is reset, then run again',
    )
  if (status === 403)
    return problem('GITHUB_FORBIDDEN', 'give the token the permission `contents: read` for this repository')
  return problem(
    'GITHUB_UNREACHABLE',
    'run again; if it stays so, check the connection, the proxy and https://www.githubstatus.com',
  )
}

const isRateLimited = (error: unknown): boolean => {
  const status = statusOf(error)
  return status === 429 || (status === 403 && /rate limit/i.test(messageOf(error)))
}
