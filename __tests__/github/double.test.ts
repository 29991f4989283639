import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { githubClient } from '../../src/github/client.ts'
import { type GitHubDouble, startGitHubDouble } from './double.ts'

let double: GitHubDouble
afterEach(() => double.close())

const start = async (): Promise<GitHubDouble> => {
  const runs = [{ id: 7, status: 'completed' as const, conclusion: 'failure' as const }]
  double = await startGitHubDouble({
    owner: 'acme',
    repo: 'db',
    releases: [{ tag: 'v1.0.0', files: { 'a.txt': 'a' } }],
    runs,
  })
  return double
}

test('the client that the product uses gets every operation, as the description has it', async () => {
  const { url, violations } = await start()
  const client = githubClient({ apiUrl: url, token: 'x', proxy: { https: '', except: '' } })
  const where = { owner: 'acme', repo: 'db' }
  const { repos, actions } = client.api.rest
  expect((await repos.listReleases(where)).data).toHaveLength(1)
  expect((await repos.getRelease({ ...where, release_id: 1 })).data.tag_name).toBe('v1.0.0')
  expect((await repos.getReleaseAsset({ ...where, asset_id: 1000 })).data.name).toBe('a.txt')
  expect((await actions.getWorkflowRun({ ...where, run_id: 7 })).data.conclusion).toBe('failure')
  await expect(actions.getWorkflowRun({ ...where, run_id: 8 })).rejects.toMatchObject({ status: 404 })
  await expect(repos.getReleaseByTag({ owner: 'acme', repo: 'other', tag: 'v1.0.0' })).rejects.toMatchObject({
    status: 404,
  })
  expect(violations).toEqual([])
  await client.close()
})

test('a request that breaks the description is refused and remembered', async () => {
  const { url, violations } = await start()
  const post = (body: unknown) =>
    fetch(`${url}/repos/acme/db/deployments`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  expect((await post({ environment: 'production' })).status).toBe(422)
  expect((await post({ ref: 'v1.0.0', required_contexts: 'none' })).status).toBe(422)
  expect(violations).toHaveLength(2)
})

test('GitHub’s defaults for deployments are there, so that forgetting them shows', async () => {
  const { url } = await start()
  const post = (body: unknown) =>
    fetch(`${url}/repos/acme/db/deployments`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  expect((await post({ ref: 'v1.0.0' })).status).toBe(202)
  expect((await post({ ref: 'v1.0.0', auto_merge: false })).status).toBe(409)
  expect((await post({ ref: 'v1.0.0', auto_merge: false, required_contexts: [] })).status).toBe(201)
  expect((await post({ ref: 'nowhere', auto_merge: false, required_contexts: [] })).status).toBe(422)
})

test('an answer of ours that breaks the description is an error, not a pass', async () => {
  const noText: string = JSON.parse('1')
  const broken = { tag: 'v2.0.0', files: { 'a.txt': 'a' }, digests: { 'a.txt': noText } }
  double = await startGitHubDouble({ owner: 'acme', repo: 'db', releases: [broken] })
  expect((await fetch(`${double.url}/repos/acme/db/releases/tags/v2.0.0`)).status).toBe(500)
  expect(double.violations).toHaveLength(1)
})

test('as a program: serves what lies in a folder until its input ends', async () => {
  await start()
  const folder = mkdtempSync(join(tmpdir(), 'double-'))
  mkdirSync(join(folder, 'v1.0.0'))
  writeFileSync(join(folder, 'v1.0.0', 'checksums.txt'), 'x')
  writeFileSync(join(folder, 'v1.0.0', 'NOTES.md'), 'hello')
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), 'acme/db', folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  const { url }: { url: string } = JSON.parse(String(line))
  const release: unknown = await (await fetch(`${url}/repos/acme/db/releases/tags/v1.0.0`)).json()
  expect(release).toMatchObject({ body: 'hello', assets: [{ name: 'checksums.txt' }] })
  const ended = once(child, 'exit')
  child.stdin.end()
  expect((await ended)[0]).toBe(0)
  rmSync(folder, { recursive: true })
})

test('a proxy for plain http is never used', async () => {
  vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:9')
  vi.stubEnv('http_proxy', 'http://127.0.0.1:9')
  const { url } = await start()
  const client = githubClient({
    apiUrl: url,
    token: '',
    proxy: { https: 'http://127.0.0.1:9', except: '' },
    patience: { attempts: 1, first: 1, longest: 1 },
  })
  vi.unstubAllEnvs()
  expect((await client.api.rest.repos.listReleases({ owner: 'acme', repo: 'db' })).status).toBe(200)
  await client.close()
})
