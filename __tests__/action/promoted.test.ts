import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRelease } from '../standin/release.ts'
import { outlivesJobs, serving, type Truth } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

let s: Scenario
let before: Truth[] = []

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  s = await openScenario({ runs, releases: [runs, next] })
}, 60_000)
afterAll(() => s?.end())

test('a good release is promoted on three nodes, which outlive the job', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'success', {
    outcome: 'promoted',
    verdict: 'pass',
    version: 'v0.2.2',
    'target-version': 'v0.2.2',
    'previous-version': 'v0.2.1',
    data: 'kept',
  })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) {
    expect(node).toMatchObject(serving('v0.2.2'))
    expect(node.pids).toHaveLength(1)
    expect(outlivesJobs(node.pids[0] ?? 0)).toBe(true)
  }
  before = truth
}, 120_000)

test('the same release again finds everything there and touches nothing', async () => {
  expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', {
    outcome: 'unchanged',
    'reason-code': 'already-there',
    version: 'v0.2.2',
  })
  expect((await s.status()).truth).toEqual(before)
}, 60_000)

test('mode rollback goes back to the release before, and keeps every write', async () => {
  const job = await s.run({ mode: 'rollback', tag: 'previous', reason: 'the numbers look odd' })
  expectEnd(job, 'success', {
    outcome: 'rolled-back',
    'reason-code': 'by-hand',
    version: 'v0.2.1',
    data: 'kept',
  })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth)
    expect(node).toMatchObject({ ...serving('v0.2.1'), restored: false, setAside: [] })
  before = truth
}, 120_000)

test('asked for twice it goes back once', async () => {
  expectEnd(await s.run({ mode: 'rollback' }), 'success', {
    outcome: 'unchanged',
    'reason-code': 'already-there',
    version: 'v0.2.1',
  })
  expect((await s.status()).truth).toEqual(before)
}, 60_000)

test('through all of it no write was lost', async () => {
  const lost = await s.check()
  expect(lost.acknowledged).toBeGreaterThan(300)
  expect(lost.missing).toEqual([])
}, 60_000)
