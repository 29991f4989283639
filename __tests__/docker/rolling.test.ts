import { afterAll, beforeAll, expect, test } from 'vitest'
import { serving } from '../action/ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { type BuiltRelease, buildRelease } from '../standin/release.ts'
import { type DockerHost, openDocker } from './host.ts'
import { publish } from './images.ts'

/* Three containers behind a real HAProxy, and clients that try nothing again: no request may fail because a node was moved. */

let host: DockerHost
let s: Scenario
let bad: BuiltRelease

beforeAll(async () => {
  host = await openDocker()
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  bad = await buildRelease({ version: '0.2.3', faults: { slow: 400, faultsAfter: 12_000 } })
  for (const release of [runs, next, bad]) publish(host, release)
  const config = { canary: { watch: '15s' }, judge: { 'p95-floor': '100ms', 'min-samples': 3 } }
  s = await openScenario({ runs, releases: [runs, next, bad], host, balanced: true, config })
})
afterAll(async () => {
  await s?.end()
  await host?.close()
})

test('clients see no request fail, promoted and rolled back', async () => {
  expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', { outcome: 'promoted', version: 'v0.2.2' })
  expectEnd(await s.run({ tag: 'v0.2.3' }), 'failure', {
    outcome: 'rolled-back',
    version: 'v0.2.2',
    'reason-code': 'latency-higher',
  })
  expectEnd(await s.run({ mode: 'rollback', tag: 'v0.2.1' }), 'success', {
    outcome: 'rolled-back',
    version: 'v0.2.1',
  })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
  const lost = await s.check(bad)
  expect(lost.missing).toEqual([])
  console.log(`${s.load?.requests()} requests, ${lost.acknowledged} acknowledged writes`)
  expect(lost.acknowledged).toBeGreaterThan(500)
  expect(s.load?.failures).toEqual([])
})
