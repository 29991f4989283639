import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRelease } from '../standin/release.ts'
import { probeThreads, serving, type Truth } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

let s: Scenario
let before: Truth[] = []
/** Hash of the plan before its rehearsal, and after it. */
let planned = ''
let approved = ''

beforeAll(async () => {
  const [runs, next, later] = [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3' }),
  ]
  s = await openScenario({ runs, releases: [runs, next, later], nodes: 2 })
}, 60_000)
afterAll(() => s?.end())

const old = async (): Promise<Truth[]> => {
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
  return truth
}

test('cancelled while the canary is watched: every node is on the old version again, and the job is not green', async () => {
  let told = 0
  let heard = Infinity
  const job = await s.run(
    { tag: 'v0.2.2' },
    {
      onLine: (line, running) => {
        if (told === 0 && line.startsWith('watch ')) {
          told = performance.now()
          running.cancel()
        } else if (line.startsWith('stopping ')) heard = performance.now() - told
      },
    },
  )
  expectEnd(job, 'cancelled', {
    outcome: 'rolled-back',
    'reason-code': 'cancelled',
    version: 'v0.2.1',
    data: 'kept',
  })
  expect(heard).toBeLessThan(1000)
  expect(job.steps.find(step => step.id === 'report')?.conclusion).toBe('failure')
  before = await old()
}, 120_000)

test('stop-after plan changes nothing and takes no lease', async () => {
  const job = await s.run({ tag: 'v0.2.2', 'stop-after': 'plan' })
  expectEnd(job, 'success', { outcome: 'stopped', 'reason-code': 'planned', version: 'v0.2.1' })
  planned = job.outputs['plan-hash'] ?? ''
  expect(planned).toMatch(/^[0-9a-f]{64}$/)
  expect(await old()).toEqual(before)
}, 60_000)

test('stop-after rehearse takes the approved hash and waits with a complete plan, and every node still serves the old version', async () => {
  const job = await s.run({ tag: 'v0.2.2', 'stop-after': 'rehearse', 'plan-hash': planned })
  expectEnd(job, 'success', { outcome: 'stopped', 'reason-code': 'awaiting-approval', version: 'v0.2.1' })
  approved = job.outputs['plan-hash'] ?? ''
  expect(approved).not.toBe(planned)
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  expect(said.text).toContain('awaiting-approval')
  const id = job.outputs['rollout-id'] ?? ''
  for (const [i, node] of truth.entries()) expect(node).toMatchObject({ ...before[i], lease: id })
}, 90_000)

test('another plan than the approved one is refused, and what waits goes on waiting', async () => {
  const job = await s.run({ tag: 'v0.2.2', 'plan-hash': 'f'.repeat(64) })
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'plan-changed' })
  for (const node of await s.truth()) expect(node).toMatchObject({ runs: 'v0.2.1', ready: true })
}, 60_000)

test('the approved plan goes on to the canary, on an empty runner, and waits there', async () => {
  const job = await s.run({ tag: 'v0.2.2', 'plan-hash': approved, 'stop-after': 'canary' })
  expectEnd(job, 'success', { outcome: 'stopped', 'reason-code': 'awaiting-approval', version: 'mixed' })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  const id = job.outputs['rollout-id'] ?? ''
  expect(truth).toMatchObject([
    { ...serving('v0.2.2'), lease: id },
    { ...serving('v0.2.1'), lease: id },
  ])
}, 120_000)

test('a third job on an empty runner watches again before it promotes', async () => {
  const job = await s.run({ tag: 'v0.2.2', 'plan-hash': approved })
  expectEnd(job, 'success', { outcome: 'promoted', verdict: 'pass', version: 'v0.2.2' })
  const canary = job.steps.find(step => step.id === 'canary')
  expect(canary?.ms).toBeGreaterThan(3000)
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.2'))
}, 120_000)

test('a rollback by hand takes over what waits after its canary, and frees every node of it', async () => {
  const waits = await s.run({ tag: 'v0.2.3', 'stop-after': 'canary' })
  expectEnd(waits, 'success', { outcome: 'stopped', version: 'mixed' })
  const job = await s.run({ mode: 'rollback', reason: 'not today' })
  expectEnd(job, 'success', {
    outcome: 'rolled-back',
    'reason-code': 'by-hand',
    version: 'v0.2.2',
    data: 'kept',
  })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject({ ...serving('v0.2.2'), restored: false })
}, 150_000)

test('the probe takes away what it wrote', async () => {
  for (const node of s.fleet.nodes) expect(await probeThreads(node, s.fleet)).toEqual([])
})

test('through all of it no write was lost', async () => {
  expect((await s.check()).missing).toEqual([])
}, 60_000)
