import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serving } from '../action/ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { when } from '../runner/when.ts'
import { keyPair, openSshd } from '../shell/sshd.ts'
import { buildRelease } from '../standin/release.ts'

/* The balancer is a machine of its own that no node reaches: whoever drives the rollout tells it, over ssh. */

type Machine = Awaited<ReturnType<typeof openSshd>>
const folder = mkdtempSync(join(tmpdir(), 'via-'))
const key = keyPair(folder, 'rollout')
const machines: Machine[] = []
let s: Scenario

beforeAll(async () => {
  const first = await openSshd('127.0.0.2')
  machines.push(first, await openSshd('127.0.0.3', first.port), await openSshd('127.0.0.9', first.port))
  for (const machine of machines) machine.authorize(key.public)
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  const ssh = {
    key: key.private,
    knownHosts: machines.map(m => m.knownHosts).join(''),
    user: first.user,
    port: first.port,
  }
  s = await openScenario({
    runs,
    releases: [runs, next],
    nodes: 2,
    ssh,
    balanced: true,
    config: {
      drain: { haproxy: { via: `127.0.0.9:${first.port}` } },
      lease: { ttl: '6s', wait: '0s' },
      switch: { 'confirm-within': '12s' },
    },
  })
}, 120_000)
afterAll(async () => {
  await s?.end()
  for (const machine of machines) await machine.close()
  rmSync(folder, { recursive: true, force: true })
})

const states = async (): Promise<Record<string, string>> => (await s.balancer?.states()) ?? {}
const UP = { 'db-1': expect.stringMatching(/^UP/), 'db-2': expect.stringMatching(/^UP/) }

test('a way to it that is closed is found in the plan', async () => {
  machines.at(-1)?.authorize('')
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'plan-refused' })
  const log = job.lines.join('\n')
  expect(log).toContain('DRAIN_NOT_POSSIBLE')
  expect(log).toMatch(/balancer 127\.0\.0\.9:\d+/)
  machines.at(-1)?.authorize(key.public)
})

test('whose runner is gone, a node goes back by itself and stays out of traffic, until recover lets it in', async () => {
  const job = await s.run(
    { tag: 'v0.2.2' },
    { onLine: when(/^canary +db-1 proves/, one => one.killRunner()) },
  )
  expect(job.conclusion).toBe('lost')
  for (let tries = 0; existsSync(`${s.fleet.nodes[0]?.install}/state/switch`); tries++) {
    if (tries > 300) throw new Error('still armed')
    await sleep(200)
  }
  expect((await s.truth())[0]).toMatchObject({ runs: 'v0.2.1', ready: true })
  expect((await states())['db-1']).toBe('MAINT')
  const status = await s.byHand('status')
  expect([status.code, status.text]).toEqual([4, expect.stringContaining('out of traffic')])
  const refused = await s.run({ tag: 'v0.2.2' })
  expect(refused.conclusion).toBe('failure')
  const settled = await s.run({ mode: 'recover' })
  expect(settled.outputs['reason-code'], settled.lines.join('\n')).toBe('confirmation-lost')
  expect(await states()).toMatchObject(UP)
  expect((await s.status()).said.code).toBe(0)
})

test('a release is promoted, and no request has failed through all of it', async () => {
  expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', { outcome: 'promoted', version: 'v0.2.2' })
  expect(await states()).toMatchObject(UP)
  for (const node of (await s.status()).truth) expect(node).toMatchObject(serving('v0.2.2'))
  const lost = await s.check()
  expect(lost.missing).toEqual([])
  console.log(`${s.load?.requests()} requests, ${lost.acknowledged} acknowledged writes`)
  expect(s.load?.failures).toEqual([])
})
