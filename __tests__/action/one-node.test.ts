import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRelease, writeDist } from '../standin/release.ts'
import { serving } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

/** Without an intake WAL only a drain that everybody obeys makes a stop safe. */
let s: Scenario
let first = ''

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  s = await openScenario({
    runs,
    releases: [],
    nodes: 1,
    walOn: false,
    drain: true,
    config: { releases: { directory: 'dist' } },
  })
  await writeDist(next, s.at('workspace', 'dist'))
}, 60_000)
afterAll(() => s?.end())

test('from the folder of a build, one node is compared with itself before its stop, and promoted', async () => {
  const [artifacts, metadata] = ['artifacts.json', 'metadata.json'].map(name =>
    readFileSync(s.at('workspace', 'dist', name), 'utf8'),
  )
  const job = await s.run({ tag: 'service-v0.2.2', artifacts: artifacts ?? '', metadata: metadata ?? '' })
  expectEnd(job, 'success', { outcome: 'promoted', verdict: 'pass', version: 'v0.2.2', data: 'kept' })
  expect(job.lines.join('\n')).toContain('baseline  ')
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  expect(truth).toMatchObject([serving('v0.2.2')])
  first = job.outputs['rollout-id'] ?? ''
}, 120_000)

test('a restore by hand brings the snapshot back and sets aside what was written since', async () => {
  const job = await s.run({ mode: 'rollback', 'rollback-data': 'restore' })
  expectEnd(job, 'success', {
    outcome: 'rolled-back',
    'reason-code': 'by-hand',
    version: 'v0.2.1',
    data: 'restored',
  })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  expect(truth).toMatchObject([{ ...serving('v0.2.1'), restored: true }])
  expect(truth[0]?.setAside).toHaveLength(1)
}, 120_000)

test('the release again is a new rollout', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'success', { outcome: 'promoted', version: 'v0.2.2' })
  expect(job.outputs['rollout-id']).not.toBe(first)
  expect((await s.status()).truth).toMatchObject([serving('v0.2.2')])
}, 120_000)

test('every write is in the live data or in what was set aside', async () => {
  const lost = await s.check()
  expect(lost.acknowledged).toBeGreaterThan(100)
  expect(lost.aside).toBeGreaterThan(0)
  expect(lost.missing).toEqual([])
}, 60_000)
