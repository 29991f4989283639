import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Holding } from '../../src/domain/holder.ts'
import { githubClient } from '../../src/github/client.ts'
import { holding } from '../../src/github/runs.ts'
import { type GitHubDouble, startGitHubDouble } from './double.ts'

let github: GitHubDouble
beforeAll(async () => {
  github = await startGitHubDouble({
    owner: 'ana',
    repo: 'db',
    token: 'ghs_1',
    releases: [],
    runs: [
      { id: 1, status: 'in_progress' },
      { id: 2, status: 'completed', conclusion: 'failure' },
      { id: 3, status: 'queued', attempt: 2 },
    ],
  })
})
afterAll(() => github.close())

const here = { server: 'https://github.com', repository: 'ana/db', run: 9, attempt: 1 }
async function of(run: number, more: { attempt?: number; token?: string } = {}): Promise<Holding> {
  const { attempt = 1, token = 'ghs_1' } = more
  const client = githubClient({
    apiUrl: github.url,
    token,
    proxy: { https: '', except: '' },
    patience: { attempts: 1, first: 1, longest: 1 },
  })
  const lease = { rollout: 'r', process: 'p', token: 1, left: 9, parked: false, holder: '', doing: '' }
  const found = await holding(client, { ...lease, run: { ...here, run, attempt } }, here)
  await client.close()
  expect(github.violations).toEqual([])
  return found
}

test('a run has ended when GitHub says completed, or has begun a later attempt', async () => {
  expect(await of(1)).toEqual({ is: 'going-on' })
  expect(await of(2)).toEqual({ is: 'ended' })
  expect(await of(3, { attempt: 1 })).toEqual({ is: 'ended' })
  expect(await of(3, { attempt: 2 })).toEqual({ is: 'going-on' })
  // a run that shows less than the lease says is not the one that took it
  expect(await of(2, { attempt: 2 })).toEqual({ is: 'going-on' })
})

test.each([401, 403, 404])(
  'what is not shown is unknown (%i), and the line to add is named',
  async status => {
    github.faults.push({ on: 'GET /repos/ana/db/actions/runs/2', times: 1, answer: { status, body: '{}' } })
    const found = await of(2)
    expect(found).toMatchObject({ is: 'unknown', why: expect.stringContaining(String(status)) })
    expect(found).toHaveProperty('next', expect.stringContaining('actions: read'))
    expect(await of(404)).toMatchObject({ is: 'unknown' })
  },
)

test('without a token nothing is asked; a GitHub that does not answer says nothing', async () => {
  const before = github.requests.length
  expect(await of(2, { token: '' })).toMatchObject({
    is: 'unknown',
    next: expect.stringContaining('actions: read'),
  })
  expect(github.requests).toHaveLength(before)
  github.faults.push({ on: 'GET /repos/ana/db/actions/runs/2', times: 5, answer: { status: 502 } })
  expect(await of(2)).toEqual({ is: 'unknown', why: 'GitHub could not be asked' })
})
