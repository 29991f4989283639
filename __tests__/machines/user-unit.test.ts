import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectEnd } from '../action/scenario.ts'
import { ready } from '../local-fleet/server-process.ts'
import { buildRelease } from '../standin/release.ts'
import { USER } from './fleet.ts'
import type { Machine } from './machine.ts'
import { type MachineScenario, openMachineScenario } from './scenario.ts'

/** Units of a user's own: nobody is root, and nothing on the machine belongs to anybody else. */

let s: MachineScenario
beforeAll(async () => {
  const [runs, good, bad] = [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3', faults: { errorRate: 0.5, faultsAfter: 4000 } }),
  ]
  s = await openMachineScenario({ machines: 2, runs, releases: [runs, good, bad], kind: 'user-unit' })
}, 120_000)
afterAll(() => s?.end(), 60_000)

/** What the user's own systemd shows. */
const show = (m: Machine, property: string): string =>
  m
    .run(
      'su',
      'deploy',
      '-s',
      '/bin/sh',
      '-c',
      `XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user show --value --property=${property} progressdb.service`,
    )
    .trim()

async function everyMachineServes(version: string): Promise<void> {
  const said = await s.byHand(['status'])
  expect(said.code, said.text).toBe(0)
  for (const m of s.fleet.machines) {
    expect(await ready(s.fleet.urlOf(m), 5000)).toBe(version)
    expect(show(m, 'ActiveState')).toBe('active')
    expect(m.run('readlink', `/proc/${show(m, 'MainPID')}/exe`)).toContain(
      `${USER.install}/releases/${version}-`,
    )
    expect(show(m, 'Restart')).toBe('on-failure')
  }
}

test('adoption needs nobody else, and leaves no file of root', async () => {
  const other = await s.byHand(['adopt', '--as', 'root', '--yes'], 'admin')
  expect(other.code).toBe(3)
  expect(other.text).toContain('nobody has to be root for them')
  const done = await s.byHand(['adopt', '--yes'])
  expect(done.code, done.text).toBe(0)
  expect(done.text).toContain('with nothing but its configuration between it and the live data')
  for (const m of s.fleet.machines)
    expect(
      m.run('sh', '-c', 'ls /etc/sudoers.d /usr/local/lib /etc/systemd/system | grep -c rollout || :').trim(),
    ).toBe('0')
})

test('a plan says what it costs, and what the unit says of restarts', async () => {
  const job = await s.run({ mode: 'plan', tag: 'v0.2.2' })
  expectEnd(job, 'success', { outcome: 'stopped' })
  const log = job.lines.join('\n')
  expect(log).toMatch(/^warning +the units are of the user that drives the nodes/m)
  expect(log).toMatch(
    /^unit +db-1 and db-2: Restart=on-failure .*TimeoutStopSec=30s.*set aside while a server is changed/m,
  )
})

test('a good release is promoted, a bad one goes back, and a rollback by hand goes further', async () => {
  expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', { outcome: 'promoted', version: 'v0.2.2' })
  await everyMachineServes('v0.2.2')
  expectEnd(await s.run({ tag: 'v0.2.3' }), 'failure', { outcome: 'rolled-back', version: 'v0.2.2' })
  await everyMachineServes('v0.2.2')
  const job = await s.run({ mode: 'rollback', tag: 'v0.2.1' })
  expectEnd(job, 'success', { outcome: 'rolled-back', 'reason-code': 'by-hand', version: 'v0.2.1' })
  await everyMachineServes('v0.2.1')
  expect(await s.missing()).toEqual([])
})

test('an adoption is taken back', async () => {
  const undone = await s.byHand(['adopt', '--undo'])
  expect(undone.code, undone.text).toBe(0)
  for (const m of s.fleet.machines) {
    expect(m.run('readlink', '-f', '/home/deploy/bin/progressdb').trim()).toBe('/home/deploy/bin/progressdb')
    expect(
      m
        .run('sh', '-c', 'ls -R /home/deploy/.local /home/deploy/.config 2>/dev/null | grep -c rollout || :')
        .trim(),
    ).toBe('0')
  }
})

test('where its user does not linger, its programs would end with the last session: that is told', async () => {
  const [first] = s.fleet.machines
  first?.run('loginctl', 'disable-linger', 'deploy')
  const said = await s.byHand(['adopt', 'db-1', '--yes'])
  first?.run('loginctl', 'enable-linger', 'deploy')
  expect(said.code).toBe(3)
  expect(said.text).toContain('UNIT_WITHOUT_LINGER')
})
