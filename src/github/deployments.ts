import { type Problem, unreachable } from '../domain/errors.ts'
import type { Mode, Outcome } from '../domain/event.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { GitHubApi } from './client.ts'

export type DeploymentState = 'queued' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive'
export type DeploymentId = number

/** One rollout as GitHub records it. `ref` must exist in the repository: the tag, or the commit of the workflow. No part is a secret. */
export type Deployment = {
  ref: string
  task: 'deploy' | 'rollback'
  environment: string
  description: string
  payload: { rollout: string; version: string; from: string; planHash: string; run: string }
}

/** `logUrl` is the page of the run, '' when there is none. */
export type DeploymentStatus = { state: DeploymentState; description: string; logUrl: string }

/** The durable record on GitHub. No call throws: a record that could not be written is a warning, never the outcome. */
export interface Deployments {
  /** The deployment of this rollout: found by its id when an earlier step or job made it, else created. */
  open(deployment: Deployment): Promise<DeploymentId | undefined>
  /** `success` also makes the deployments that this product recorded before inactive. */
  status(id: DeploymentId, status: DeploymentStatus): Promise<void>
}

/** What a rollout's end is called on a deployment. `refused`: nothing was changed because something was wrong. `waiting`: parked for a person. */
export const deploymentState = (end: {
  outcome: Outcome
  mode: Mode
  refused: boolean
  waiting: boolean
}): DeploymentState | 'none' => {
  switch (end.outcome) {
    case 'promoted':
      return 'success'
    case 'stopped':
      return end.waiting ? 'in_progress' : 'none'
    case 'rolled-back':
      return end.mode === 'rollback' ? 'success' : 'failure'
    case 'unchanged':
      return end.refused ? 'failure' : 'none'
    case 'needs-operator':
      return 'error'
    default:
      return unreachable(end.outcome)
  }
}

/** Marks the payloads that are ours: GitHub makes a deployment of its own for each job with an environment. */
const MARK = 'progressdb-rollout'
const DESCRIPTION = 140

type Where = { owner: string; repo: string }

/** `repository` is `owner/name`, the one the workflow runs in. `warn` is told what could not be recorded. */
export const githubDeployments = (
  api: GitHubApi,
  repository: string,
  warn: (problem: Problem) => void,
): Deployments => {
  const [owner = '', repo = ''] = repository.split('/')
  const where = { owner, repo }
  return {
    open: deployment =>
      recording(warn, async () => (await existing(api, where, deployment)) ?? create(api, where, deployment)),
    status: async (id, status) => {
      await recording(warn, async () => {
        await say(api, where, id, status)
        if (status.state === 'success') await retireOthers(api, where, id)
      })
    },
  }
}

const recording = async <T>(
  warn: (problem: Problem) => void,
  write: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await write()
  } catch (error) {
    warn({
      code: 'DEPLOYMENT_NOT_RECORDED',
      what: 'the rollout could not be recorded as a deployment on GitHub',
      because: printable(new Untrusted(error instanceof Error ? error.message : String(error)), 200),
      next: 'nothing for the fleet; to have the record, give the job `permissions: deployments: write` and check that the tag exists in this repository',
    })
    return undefined
  }
}

const oneLine = (text: string): string => printable(new Untrusted(text), DESCRIPTION)

const payloadOf = (payload: unknown): Record<string, unknown> => {
  const value: unknown = typeof payload === 'string' ? parsed(payload) : payload
  return value !== null && typeof value === 'object' ? { ...value } : {}
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const existing = async (
  api: GitHubApi,
  where: Where,
  { environment, task, payload }: Deployment,
): Promise<DeploymentId | undefined> => {
  const { data } = await api.rest.repos.listDeployments({ ...where, environment, task, per_page: 30 })
  return data.find(
    ({ payload: of }) => payloadOf(of).by === MARK && payloadOf(of).rollout === payload.rollout,
  )?.id
}

const create = async (api: GitHubApi, where: Where, deployment: Deployment): Promise<DeploymentId> => {
  const { data } = await api.rest.repos.createDeployment({
    ...where,
    ref: deployment.ref,
    task: deployment.task,
    environment: deployment.environment,
    description: oneLine(deployment.description),
    payload: { by: MARK, ...deployment.payload },
    // Left to its defaults GitHub would merge branches, and refuse while checks of this very run are pending.
    auto_merge: false,
    required_contexts: [],
  })
  if ('id' in data) return data.id
  throw new Error('GitHub answered without a deployment')
}

const say = async (
  api: GitHubApi,
  where: Where,
  id: DeploymentId,
  status: DeploymentStatus,
): Promise<void> => {
  await api.rest.repos.createDeploymentStatus({
    ...where,
    deployment_id: id,
    state: status.state,
    description: oneLine(status.description),
    // GitHub's own rule leaves out production environments; the ones before are made inactive by hand.
    auto_inactive: false,
    ...(status.logUrl === '' ? {} : { log_url: status.logUrl }),
  })
}

const retireOthers = async (api: GitHubApi, where: Where, id: DeploymentId): Promise<void> => {
  const { data: current } = await api.rest.repos.getDeployment({ ...where, deployment_id: id })
  const { data: others } = await api.rest.repos.listDeployments({
    ...where,
    environment: current.environment,
    per_page: 30,
  })
  for (const other of others.filter(({ id: of, payload }) => of !== id && payloadOf(payload).by === MARK)) {
    const { data: statuses } = await api.rest.repos.listDeploymentStatuses({
      ...where,
      deployment_id: other.id,
      per_page: 1,
    })
    if (statuses[0]?.state !== 'success') continue
    await say(api, where, other.id, {
      state: 'inactive',
      description: `replaced by ${current.ref}`,
      logUrl: '',
    })
  }
}
