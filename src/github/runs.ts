import { askable, type Holding, type RunPage } from '../domain/holder.ts'
import type { Lease } from '../domain/node.ts'
import type { GitHubClient } from './client.ts'

/**
 * Whether the run behind a lease has ended, as GitHub says. A later attempt begins only when the one before has ended. What GitHub
 * does not show, for whatever reason, is unknown. Never throws.
 */
export async function holding(
  { api, token }: Pick<GitHubClient, 'api' | 'token'>,
  lease: Lease,
  here: RunPage | undefined,
): Promise<Holding> {
  const asked = askable(lease, here)
  if ('is' in asked) return asked
  if (token === '') return { is: 'unknown', why: 'there is no `token` to ask GitHub with', next: ALLOW }
  const [owner = '', repo = ''] = asked.repository.split('/')
  try {
    const { data } = await api.rest.actions.getWorkflowRun({ owner, repo, run_id: asked.run })
    const attempt = data.run_attempt ?? 1
    if (attempt > asked.attempt) return { is: 'ended' }
    return { is: attempt === asked.attempt && data.status === 'completed' ? 'ended' : 'going-on' }
  } catch (error) {
    return unknown(error)
  }
}

const ALLOW = 'add `actions: read` to the `permissions:` of the job, which lets it see that a run has ended'

function unknown(error: unknown): Holding {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (status === 401 || status === 403 || status === 404)
    return { is: 'unknown', why: `GitHub does not show that run to this token (${status})`, next: ALLOW }
  return { is: 'unknown', why: 'GitHub could not be asked' }
}
