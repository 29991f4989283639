import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRelease } from '../standin/release.ts'
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
  s = await openScenario({ runs, releases: [runs, next, bad], nodes: 1, config: { hooks } })
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
