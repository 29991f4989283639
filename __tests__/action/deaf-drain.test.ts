import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRelease } from '../standin/release.ts'
import { serving } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

let s: Scenario

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  s = await openScenario({ runs, releases: [runs, next], nodes: 2, drain: true, disobeys: true })
}, 60_000)
afterAll(() => s?.end())

test('a drain that lets writes through is found before the node is stopped', async () => {
  const [before] = await s.truth()
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'failure', {
    outcome: 'unchanged',
    'reason-code': 'step-failed',
    version: 'v0.2.1',
    data: 'untouched',
  })
  expect(job.lines.join('\n')).toContain('DRAIN_LETS_WRITES_THROUGH')
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
  expect(truth[0]?.pids).toEqual(before?.pids)
  expect((await s.check()).missing).toEqual([])
}, 120_000)
