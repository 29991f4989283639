import { createHash } from 'node:crypto'
import type { Context } from 'openapi-backend'
import {
  assetOf,
  deploymentOf,
  type Given,
  type MadeDeployment,
  type MadeStatus,
  type NewDeployment,
  type NewStatus,
  type Place,
  releaseOf,
  statusOf,
} from './world.ts'
import { runOf } from './run.ts'

export type Reply = { status: number; headers?: Record<string, string>; body?: unknown }

export type State = {
  place: Place
  given: Given
  downloads: string
  deployments: (MadeDeployment & { statuses: MadeStatus[] })[]
  violations: string[]
}

const NOT_FOUND: Reply = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' },
}

type NewBody = NewDeployment & NewStatus & { auto_merge?: boolean; required_contexts?: string[] }
/** The body was checked against the description before it gets here. */
type Call = {
  params: Record<string, string>
  query: Record<string, string>
  headers: Record<string, string>
  body: NewBody
}
type Handle = (call: Call) => Reply

/** What each operation of the description does, by operation id. */
export const handlers = (state: State): Record<string, (context: Context) => Reply> => {
  const operations: Record<string, Handle> = {
    'repos/list-releases': call => listReleases(state, call),
    'repos/get-release-by-tag': ({ params }) =>
      releaseWhere(state, ({ tag, draft }) => tag === params.tag && draft !== true),
    'repos/get-release': ({ params }) =>
      releaseWhere(state, release => releaseId(state, release) === Number(params.release_id)),
    'repos/get-release-asset': call => asset(state, call),
    'repos/list-deployments': call => listDeployments(state, call),
    'repos/create-deployment': ({ body }) => createDeployment(state, body),
    'repos/get-deployment': ({ params }) =>
      withDeployment(state, params, found => ({ status: 200, body: shown(found) })),
    'repos/list-deployment-statuses': ({ params }) =>
      withDeployment(state, params, ({ statuses }) => ({ status: 200, body: statuses.toReversed() })),
    'repos/create-deployment-status': ({ params, body }) =>
      withDeployment(state, params, found => createStatus(state, found, body)),
    'actions/get-workflow-run': ({ params }) => workflowRun(state, Number(params.run_id)),
  }
  return Object.fromEntries(
    Object.entries(operations).map(([id, handle]) => [
      id,
      (context: Context) => ours(state, context, handle),
    ]),
  )
}

const ours = ({ place }: State, { request }: Context, handle: Handle): Reply => {
  const named: Record<string, unknown> = request.params
  const params = Object.fromEntries(
    Object.entries(named).map(([name, value]) => [name, decodeURIComponent(String(value))]),
  )
  if (params.owner !== place.owner || params.repo !== place.repo) return NOT_FOUND
  return handle({ params, query: request.query, headers: request.headers, body: request.requestBody })
}

const releaseId = ({ given }: State, release: Given['releases'][number]): number =>
  given.releases.indexOf(release) + 1

const numbers = (state: State, release: Given['releases'][number]) => {
  const id = releaseId(state, release)
  return { id, assets: Object.keys(release.files).map((name, at) => ({ name, id: id * 1000 + at })) }
}

const listReleases = (state: State, { query, headers }: Call): Reply => {
  const { given, place } = state
  // Drafts are shown to those who may write; here that is everyone with a token.
  const seen = given.releases.filter(release => release.draft !== true || headers.authorization !== undefined)
  const most = Number(query.per_page ?? 30)
  return {
    status: 200,
    body: seen
      .toReversed()
      .slice(0, most)
      .map(release => releaseOf(place, release, numbers(state, release))),
  }
}

const releaseWhere = (state: State, is: (release: Given['releases'][number]) => boolean): Reply => {
  const release = state.given.releases.find(is)
  return release === undefined
    ? NOT_FOUND
    : { status: 200, body: releaseOf(state.place, release, numbers(state, release)) }
}

const asset = (state: State, { params, headers }: Call): Reply => {
  const id = Number(params.asset_id)
  const release = state.given.releases[Math.floor(id / 1000) - 1]
  const name = Object.keys(release?.files ?? {})[id % 1000]
  if (release === undefined || name === undefined) return NOT_FOUND
  if (headers.accept !== 'application/octet-stream')
    return { status: 200, body: assetOf(state.place, release, { name, id }) }
  const location = `${state.downloads}/${state.given.releases.indexOf(release)}/${encodeURIComponent(name)}?sig=${createHash('sha256').update(name).digest('hex')}`
  return { status: 302, headers: { location } }
}

/** GitHub keeps the statuses of a deployment at another address. */
const shown = (deployment: State['deployments'][number]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(deployment).filter(([key]) => key !== 'statuses'))

const listDeployments = ({ deployments }: State, { query }: Call): Reply => {
  const keys = ['sha', 'ref', 'task', 'environment'] as const
  const found = deployments.filter(deployment =>
    keys.every(key => query[key] === undefined || query[key] === deployment[key]),
  )
  return { status: 200, body: found.toReversed().map(shown) }
}

const createDeployment = (state: State, wanted: NewBody): Reply => {
  const { given, deployments, place } = state
  const exists =
    given.releases.some(({ tag }) => tag === wanted.ref) || given.refs?.includes(wanted.ref) === true
  if (!exists)
    return {
      status: 422,
      body: { message: `No ref found for: ${wanted.ref}`, documentation_url: 'https://docs.github.com/rest' },
    }
  // The two defaults that make real deployments fail: merging, and waiting for the checks of the very run that deploys.
  if (wanted.auto_merge !== false) return { status: 202, body: { message: 'Auto-merged main into topic' } }
  if (wanted.required_contexts?.length !== 0)
    return { status: 409, body: { message: 'Conflict: Commit status checks failed' } }
  const made = deploymentOf(place, deployments.length + 1, wanted)
  deployments.push({ ...made, statuses: [] })
  return { status: 201, body: made }
}

const withDeployment = (
  state: State,
  params: Record<string, string>,
  then: (found: State['deployments'][number]) => Reply,
): Reply => {
  const found = state.deployments.find(({ id }) => id === Number(params.deployment_id))
  return found === undefined ? NOT_FOUND : then(found)
}

const createStatus = ({ place }: State, found: State['deployments'][number], wanted: NewStatus): Reply => {
  if ((wanted.description ?? '').length > 140)
    return {
      status: 422,
      body: { message: 'description is too long', documentation_url: 'https://docs.github.com/rest' },
    }
  const made = statusOf(place, found, { ...wanted, id: found.id * 1000 + found.statuses.length })
  found.statuses.push(made)
  return { status: 201, body: made }
}

const workflowRun = ({ given, place }: State, id: number): Reply => {
  const run = given.runs?.find(candidate => candidate.id === id)
  return run === undefined ? NOT_FOUND : { status: 200, body: runOf(place, run) }
}
