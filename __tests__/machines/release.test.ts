import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectEnd } from '../action/scenario.ts'
import { buildRelease } from '../standin/release.ts'
import { serving } from './fleet.ts'
import { type MachineScenario, openMachineScenario } from './scenario.ts'

/** Three machines with systemd and sshd: adopted, upgraded, rolled back; what is said is what their own tools show. */

let s: MachineScenario
beforeAll(async () => {
  const [runs, good, bad] = [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3', faults: { errorRate: 0.5, faultsAfter: 4000 } }),
  ]
  s = await openMachineScenario({ machines: 3, runs, releases: [runs, good, bad] })
}, 120_000)
afterAll(() => s?.end(), 60_000)

test('whoever drives the nodes later cannot adopt them', async () => {
  const refused = await s.byHand(['adopt', '--yes'])
  expect(refused.code, refused.text).toBe(3)
  expect(refused.text).toContain('ADOPT_NEEDS_ROOT')
})

test('an adoption shows what it will do, does nothing without a yes, and restarts nothing', async () => {
  const before = s.fleet.machines.map(m =>
    m.run('systemctl', 'show', '--property=MainPID', 'progressdb.service'),
  )
  const shown = await s.byHand(['adopt', '--as', 'root'], 'admin')
  expect(shown.code, shown.text).toBe(3)
  expect(shown.text).toContain('ADOPT_NOT_AGREED')
  const done = await s.byHand(['adopt', '--as', 'root', '--yes'], 'admin')
  expect(done.code, done.text).toBe(0)
  const after = s.fleet.machines.map(m =>
    m.run('systemctl', 'show', '--property=MainPID', 'progressdb.service'),
  )
  expect(after).toEqual(before)
})

test('a good release is promoted', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'success', { outcome: 'promoted', verdict: 'pass', version: 'v0.2.2', data: 'kept' })
  for (const node of await s.truth()) expect(node).toMatchObject(serving('v0.2.2'))
}, 240_000)
