import { afterEach, expect, test } from 'vitest'
import type { Problem } from '../../src/domain/errors.ts'
import { type GitHubClient, githubClient } from '../../src/github/client.ts'
import {
  type Deployment,
  deploymentState,
  type Deployments,
  githubDeployments,
} from '../../src/github/deployments.ts'
import { type GitHubDouble, startGitHubDouble } from './double.ts'

let double: GitHubDouble
let client: GitHubClient
let warnings: Problem[] = []
afterEach(async () => {
  await client.close()
  await double.close()
  expect(double.violations).toEqual([])
})

const start = async (): Promise<Deployments> => {
  double = await startGitHubDouble({
    owner: 'acme',
    repo: 'db',
    releases: [
      { tag: 'v0.2.2', files: {} },
      { tag: 'v0.2.1', files: {} },
    ],
    token: 't0k3n',
  })
  client = githubClient({
    apiUrl: double.url,
    token: 't0k3n',
    proxy: { https: '', except: '' },
    patience: { attempts: 2, first: 1, longest: 10 },
  })
  warnings = []
  return githubDeployments(client.api, 'acme/db', problem => warnings.push(problem))
}

const deployment = (rollout: string, changed: Partial<Deployment> = {}): Deployment => ({
  ref: 'v0.2.2',
  task: 'deploy',
  environment: 'production',
  description: 'v0.2.1 to v0.2.2',
  payload: {
    rollout,
    version: 'v0.2.2',
    from: 'v0.2.1',
    planHash: 'abc',
    run: 'https://github.com/acme/db/actions/runs/1',
  },
  ...changed,
})
const said = (state: 'success' | 'failure' | 'in_progress', description = 'promoted') => ({
  state,
  description,
  logUrl: 'https://github.com/acme/db/actions/runs/1',
})

test('a rollout is one deployment, found again by a later step, and asks GitHub to merge or wait for nothing', async () => {
  const deployments = await start()
  const id = await deployments.open(deployment('r-1'))
  expect(await deployments.open(deployment('r-1'))).toBe(id)
  await deployments.status(id ?? 0, said('in_progress', 'canary'))
  await deployments.status(id ?? 0, said('success'))
  expect(double.deployments).toHaveLength(1)
  expect(double.deployments[0]).toMatchObject({
    ref: 'v0.2.2',
    task: 'deploy',
    environment: 'production',
    payload: { rollout: 'r-1' },
  })
  expect(double.deployments[0]?.statuses.map(({ state }) => state)).toEqual(['in_progress', 'success'])
  expect(warnings).toEqual([])
})

test('a success makes our earlier one inactive, and nobody else’s', async () => {
  const deployments = await start()
  const first = await deployments.open(deployment('r-1', { ref: 'v0.2.1' }))
  await deployments.status(first ?? 0, said('success'))
  const jobs = await client.api.rest.repos.createDeployment({
    owner: 'acme',
    repo: 'db',
    ref: 'v0.2.1',
    auto_merge: false,
    required_contexts: [],
  })
  const failed = await deployments.open(deployment('r-2'))
  await deployments.status(failed ?? 0, said('failure'))
  const back = await deployments.open(deployment('r-3', { task: 'rollback', ref: 'v0.2.1' }))
  await deployments.status(back ?? 0, said('success'))
  const last = double.deployments.map(({ statuses }) => statuses.at(-1)?.state)
  expect(last).toEqual(['inactive', undefined, 'failure', 'success'])
  expect(jobs.status).toBe(201)
})

test('texts are one printable line of at most 140 characters', async () => {
  const deployments = await start()
  const id = await deployments.open(deployment('r-1', { description: `::error::\n${'x'.repeat(500)}` }))
  await deployments.status(id ?? 0, said('in_progress', 'y'.repeat(500)))
  expect(double.deployments[0]?.description).toMatch(/^[^\n]{1,140}$/)
  expect(double.deployments[0]?.description).not.toContain('::error')
  expect(double.deployments[0]?.statuses[0]?.description).toHaveLength(140)
})

test('what cannot be recorded is a warning', async () => {
  const deployments = await start()
  expect(await deployments.open(deployment('r-1', { ref: 'v9.9.9' }))).toBeUndefined()
  double.faults.push({
    on: 'POST',
    times: 1,
    answer: {
      status: 403,
      body: '{"message":"Resource not accessible by integration"}',
      headers: { 'content-type': 'application/json' },
    },
  })
  expect(await deployments.open(deployment('r-1'))).toBeUndefined()
  double.faults.push({ on: 'POST', times: 9, answer: 'reset' })
  await deployments.status(1, said('success'))
  expect(warnings.map(({ code }) => code)).toEqual([
    'DEPLOYMENT_NOT_RECORDED',
    'DEPLOYMENT_NOT_RECORDED',
    'DEPLOYMENT_NOT_RECORDED',
  ])
  expect(JSON.stringify(warnings)).not.toContain('t0k3n')
  expect(double.deployments).toEqual([])
})

test('a write that may have happened is not repeated', async () => {
  const deployments = await start()
  double.faults.push({ on: 'POST', times: 1, answer: { status: 502 } })
  expect(await deployments.open(deployment('r-1'))).toBeUndefined()
  expect(double.requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
})

test('what an outcome is called', async () => {
  await start()
  const of = (
    outcome: Parameters<typeof deploymentState>[0]['outcome'],
    more: Partial<Parameters<typeof deploymentState>[0]> = {},
  ) => deploymentState({ outcome, mode: 'release', refused: false, waiting: false, ...more })
  expect(of('promoted')).toBe('success')
  expect(of('stopped')).toBe('none')
  expect(of('stopped', { waiting: true })).toBe('in_progress')
  expect(of('rolled-back')).toBe('failure')
  expect(of('rolled-back', { mode: 'rollback' })).toBe('success')
  expect(of('unchanged')).toBe('none')
  expect(of('unchanged', { refused: true })).toBe('failure')
  expect(of('needs-operator')).toBe('error')
})
