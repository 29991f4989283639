import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRelease, type BuiltRelease } from '../standin/release.ts'
import { serving, type Truth } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

let s: Scenario
let hides: BuiltRelease
let migrates: BuiltRelease
let before: Truth[] = []

beforeAll(async () => {
  const runs = await buildRelease({ version: '0.2.1' })
  // errors begin after the rehearsal's short life, so that only the canary shows them
  const errors = await buildRelease({ version: '0.2.2', faults: { errorRate: 0.6, faultsAfter: 12_000 } })
  hides = await buildRelease({ version: '0.2.3', faults: { hidesData: true } })
  migrates = await buildRelease({
    version: '0.3.0',
    faults: { migratesTo: 2, errorRate: 0.6, faultsAfter: 12_000 },
  })
  const config = { canary: { watch: '20s' } }
  s = await openScenario({ runs, releases: [runs, errors, hides, migrates], nodes: 2, config })
}, 90_000)
afterAll(() => s?.end())

test('errors on the canary: it goes back with every write, and the job is red', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'failure', { outcome: 'rolled-back', verdict: 'fail', version: 'v0.2.1', data: 'kept' })
  expect(job.lines).toContain('##[error]Process completed with exit code 2.')
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject({ ...serving('v0.2.1'), restored: false })
  before = truth
}, 120_000)

test('a release that hides data is refused in the rehearsal, and no node ever runs it', async () => {
  const job = await s.run({ tag: 'v0.2.3' })
  expectEnd(job, 'failure', {
    outcome: 'unchanged',
    'reason-code': 'rehearsal-failed',
    version: 'v0.2.1',
    data: 'untouched',
  })
  expect(job.lines).toContain('##[error]Process completed with exit code 3.')
  expect((await s.status()).truth).toEqual(before)
}, 120_000)

test('one that migrates and then fails: the snapshot comes back, and what diverged is set aside', async () => {
  const job = await s.run({ tag: 'v0.3.0' })
  expectEnd(job, 'failure', { outcome: 'rolled-back', verdict: 'fail', version: 'v0.2.1', data: 'restored' })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  expect(truth.map(node => node.restored)).toEqual([true, false])
  expect(truth[0]?.setAside).toHaveLength(1)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
}, 120_000)

test('every write is in the live data, or the new version reads it from what was set aside', async () => {
  const lost = await s.check(migrates)
  expect(lost.aside).toBeGreaterThan(0)
  expect(lost.missing).toEqual([])
}, 60_000)
