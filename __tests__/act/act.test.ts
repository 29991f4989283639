import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outlivesJobs, serving } from '../action/ground-truth.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import { buildRelease } from '../standin/release.ts'
import { type ActResult, runInAct } from './act.ts'

/** Where scripts/tools.sh finds act, or can make it. In CI it is there, or the test fails. */
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const path = (process.env['PATH'] ?? '').split(delimiter)
const possible =
  process.env['CI'] === 'true' ||
  existsSync(join(cache, 'progressdb-rollout')) ||
  path.some(folder => existsSync(join(folder, 'go')))

if (!possible) test.skip('act is not here, and Go, which builds it, is not in PATH', () => {})
else describe('in a runner that this project did not write', inAct)

function inAct(): void {
  let s: Scenario

  beforeAll(async () => {
    const runs = await buildRelease({ version: '0.2.1' })
    // errors begin after the rehearsal's short life, so that only the canary shows them
    const errors = await buildRelease({ version: '0.2.2', faults: { errorRate: 0.6, faultsAfter: 12_000 } })
    const good = await buildRelease({ version: '0.2.3' })
    const config = { canary: { watch: '15s' } }
    s = await openScenario({ runs, releases: [runs, errors, good], nodes: 2, config })
  }, 90_000)
  afterAll(() => s?.end())

  const expectEnd = async (job: ActResult, code: number, outputs: Record<string, string>): Promise<void> => {
    expect(job.code, job.text).toBe(code)
    expect(job.outputs, job.text).toMatchObject(outputs)
    for (const key of [s.fleet.keys.probe, s.fleet.keys.admin]) expect(job.text).not.toContain(key)
    const { truth, said } = await s.status()
    expect(said.code).toBe(0)
    for (const node of truth) {
      expect(node).toMatchObject({ ...serving(outputs['version'] ?? ''), restored: false, setAside: [] })
      expect(outlivesJobs(node.pids[0] ?? 0)).toBe(true)
    }
  }

  test('a bad release goes back with its data, and the job is red', async () => {
    const job = await runInAct(s, 'v0.2.2')
    await expectEnd(job, 1, { outcome: 'rolled-back', verdict: 'fail', version: 'v0.2.1', data: 'kept' })
    expect(job.text).toMatch(/exit status 2/)
  }, 240_000)

  test('a good one is promoted, and the job is green', async () => {
    const job = await runInAct(s, 'v0.2.3')
    await expectEnd(job, 0, { outcome: 'promoted', verdict: 'pass', version: 'v0.2.3', data: 'kept' })
  }, 240_000)

  test('no acknowledged write was lost', async () => {
    const lost = await s.check()
    expect(lost.acknowledged).toBeGreaterThan(300)
    expect(lost.missing).toEqual([])
  }, 60_000)
}
