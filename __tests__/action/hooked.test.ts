import { createServer } from 'node:http'
import { readFileSync, rmSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Tree } from '../local-fleet/rollout-yaml.ts'
import { buildRelease } from '../standin/release.ts'
import { serving } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

let s: Scenario
const got: unknown[] = []
const receiver = createServer((request, response) => {
  let body = ''
  request.on('data', text => (body += String(text)))
  request.on('end', () => {
    got.push(JSON.parse(body))
    response.end()
  })
})

beforeAll(async () => {
  await new Promise<void>(resolve => void receiver.listen(0, '127.0.0.1', resolve))
  const at: AddressInfo | string | null = receiver.address()
  const port = typeof at === 'object' && at ? at.port : 0
  const [runs, next, bad] = [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3', faults: { hidesData: true } }),
  ]
  const last = await buildRelease({ version: '0.2.4' })
  const secret = 'printf "%s" "$ROLLOUT_KEY_BACKEND" | base64; echo "$ROLLOUT_KEY_BACKEND"'
  const hooks = [
    { at: 'end', post: `http://127.0.0.1:${port}/in`, on: ['promoted'] },
    { at: 'end', post: 'http://127.0.0.1:1/dead' },
    {
      at: 'end',
      run: `${secret}; echo "::error::from a hook"; echo "$ROLLOUT_OUTCOME"; exit 9`,
      keys: ['backend'],
    },
    { at: 'end', run: 'sleep 60', limit: '1s' },
  ]
  s = await openScenario({ runs, releases: [runs, next, bad, last], nodes: 1, config: { hooks } })
}, 90_000)
afterAll(async () => {
  receiver.close()
  await s?.end()
})

test('everybody is told how it ended; who cannot be told is named, and changes nothing', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'success', { outcome: 'promoted', version: 'v0.2.2' })
  expect(got).toMatchObject([
    { schema: 1, outcome: 'promoted', from: 'v0.2.1', to: 'v0.2.2', repository: 'progressdb/ProgressDB' },
  ])
  const log = job.lines.join('\n')
  expect(log).toMatch(/^hook +post 127\.0\.0\.1:\d+: told$/m)
  expect(log).toMatch(/^hook +post 127\.0\.0\.1:1: not told: .*; the outcome stands$/m)
  expect(log).toMatch(/^hook +run .*: not told: ended with 9; the outcome stands$/m)
  expect(log).toMatch(/^hook +run sleep 60: not told: ran longer than 1 s; the outcome stands$/m)
  expect(log).toMatch(/^hook +\| promoted$/m)
  expect(log).not.toMatch(/^::error::from a hook/m)
  const kept = readFileSync(join(job.outputs['report'] ?? '', 'hooks.log'), 'utf8')
  for (const text of [log, kept]) {
    expect(text).not.toContain(s.fleet.keys.probe)
    expect(text).not.toContain(Buffer.from(s.fleet.keys.probe).toString('base64').slice(0, 20))
  }
}, 120_000)

test('an end that changed nothing is told to nobody', async () => {
  const job = await s.run({ tag: 'v0.2.3' })
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'rehearsal-failed' })
  expect(job.lines.join('\n')).not.toMatch(/^hook /m)
  expect(got).toHaveLength(1)
}, 120_000)

describe('on the way', () => {
  const asked = (): string[] => readFileSync(s.at('asked'), 'utf8').trim().split('\n')
  /** Each says where it was called; `more` comes behind. */
  const note = 'echo "$ROLLOUT_AT $ROLLOUT_NODE $ROLLOUT_RESULT" >>'
  const hook = (at: string, more = '', over: Tree = {}): Tree => ({
    at,
    run: `${note} ${s.at('asked')}; ${more}`,
    ...over,
  })
  const POINTS = [
    'before-snapshot',
    'after-snapshot',
    'before-canary',
    'before-node',
    'after-node',
    'after-canary',
    'confirm-promotion',
    'before-promote',
    'after-promote',
  ]
  const hooks = (over: Record<string, Tree> = {}): void => {
    rmSync(s.at('asked'), { force: true })
    s.configure({ hooks: POINTS.map(at => over[at] ?? hook(at)) })
  }

  test('what says no before the canary leaves everything as it was, and what comes after does not hide it', async () => {
    const loud = 'echo "::error::no"; echo "$ROLLOUT_KEY_BACKEND"; exit 7'
    hooks({
      'before-canary': hook('before-canary', loud, { keys: ['backend'] }),
      'after-canary': hook('after-canary', 'exit 8', { 'on-failure': 'fail' }),
    })
    const job = await s.run({ tag: 'v0.2.4' })
    expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'hook-failed', version: 'v0.2.2' })
    expect(asked()).toEqual([
      'before-snapshot  ',
      'after-snapshot  passed',
      'before-canary  ',
      'after-canary  failed',
    ])
    const log = job.lines.join('\n')
    expect(log).toMatch(/HOOK_FAILED +before-canary: run echo .* ended with 7/)
    expect(log).toMatch(/^hook +after-canary$/m)
    const kept = readFileSync(join(job.outputs['report'] ?? '', 'hooks.log'), 'utf8')
    expect(kept).toContain('::error::no')
    for (const text of [log, kept, job.summary]) expect(text).not.toContain(s.fleet.keys.probe)
    expect(log).not.toMatch(/^::error::no/m)
    expect(job.summary).toContain('hook-failed')
    expect(job.summary).toMatch(
      /<summary>Hooks<\/summary>[^]*- `before-snapshot` run .*: well[^]*- `before-canary` run .* ended with 7/,
    )
  }, 120_000)

  test('a promotion that nobody confirms goes back, with its data', async () => {
    hooks({ 'confirm-promotion': hook('confirm-promotion', 'sleep 60', { limit: '1s' }) })
    const job = await s.run({ tag: 'v0.2.4' })
    expectEnd(job, 'failure', {
      outcome: 'rolled-back',
      'reason-code': 'hook-failed',
      version: 'v0.2.2',
      data: 'kept',
    })
    expect(asked()).toEqual([
      'before-snapshot  ',
      'after-snapshot  passed',
      'before-canary  ',
      'before-node db-1 ',
      'after-node db-1 passed',
      'after-canary  passed',
      'confirm-promotion  ',
      'after-promote  failed',
    ])
    for (const node of (await s.status()).truth) expect(node).toMatchObject(serving('v0.2.2'))
  }, 120_000)

  test('hooks that only warn, flood and hang stop nobody, and are called at every point once', async () => {
    hooks({
      'before-node': hook('before-node', 'exit 3', { 'on-failure': 'warn' }),
      'after-node': hook('after-node', 'yes x | head -c 100000000; exit 4', { limit: '20s' }),
      'after-promote': hook('after-promote', 'sleep 60', { limit: '1s' }),
    })
    const job = await s.run({ tag: 'v0.2.4' })
    expectEnd(job, 'success', { outcome: 'promoted', version: 'v0.2.4' })
    expect(asked().map(line => line.split(' ')[0])).toEqual(POINTS)
    const log = job.lines.join('\n')
    expect(log).toMatch(/ended with 3; it goes on all the same/)
    expect(job.summary).toMatch(/- `after-node db-1` run .*: ended with 4; it went on all the same: `x/)
    expect(log).toMatch(/ran longer than 1 s; it goes on all the same/)
    expect(statSync(join(job.outputs['report'] ?? '', 'hooks.log')).size).toBeLessThan(200_000)
  }, 120_000)

  test('no write was lost', async () => {
    expect((await s.check()).missing).toEqual([])
  })
})
