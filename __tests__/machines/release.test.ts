import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectEnd } from '../action/scenario.ts'
import { buildRelease } from '../standin/release.ts'
import { serving } from './fleet.ts'
import type { Machine } from './machine.ts'
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

const names = (): string[] => s.fleet.machines.map(m => `deploy@${m.name}`)

test('init looks at no machine whose key nobody vouches for, and shows what to compare', async () => {
  const said = await s.init(names(), { knownHosts: '', as: 'deploy' })
  expect(said.code, said.text).toBe(3)
  for (const m of s.fleet.machines)
    expect(said.text).toMatch(
      new RegExp(
        `SSH_HOST_UNKNOWN +${m.name}: .*has; it shows ssh-ed25519 ${fingerprintOn(m).replaceAll('+', '\\+')}`,
      ),
    )
  expect(readFileSync(s.at('repository', '.github', 'rollout.known_hosts.not-compared'), 'utf8')).toContain(
    `${s.fleet.machines[0]?.address} ${s.fleet.machines[0]?.hostKey}`,
  )
  expect(existsSync(s.at('repository', '.github', 'rollout.yml'))).toBe(false)
})

/** As the console of the machine shows it. */
const fingerprintOn = (m: Machine): string =>
  m.run('ssh-keygen', '-lf', '/etc/ssh/ssh_host_ed25519_key.pub').split(' ')[1] ?? ''

test('init says what it may not read, and who may', async () => {
  const said = await s.init(names(), { knownHosts: s.fleet.knownHosts, as: 'deploy' })
  expect(said.code, said.text).toBe(3)
  expect(said.text.match(/CONFIG_NOT_READABLE/g)).toHaveLength(3)
  expect(said.text).toContain('--as root')
})

test('init writes a fleet file with where each line came from, and changes nothing there', async () => {
  const before = s.fleet.machines.map(stateOf)
  const said = await s.init([...names(), '--as', 'root'], { knownHosts: s.fleet.knownHosts, as: 'admin' })
  expect(said.code, said.text).toBe(0)
  expect(s.fleet.machines.map(stateOf)).toEqual(before)
  const written = (path: string): string => readFileSync(s.at('repository', '.github', path), 'utf8')
  const fleet = written('rollout.yml')
  expect(fleet).toMatch(
    /^systemd: \{ unit: progressdb\.service \} +# .*: the unit that starts \/usr\/local\/bin\/progressdb$/m,
  )
  expect(fleet).toMatch(
    /^data: \/srv\/db\/progressdb +# .*: server\.db_path in \/etc\/progressdb\/config\.yaml$/m,
  )
  expect(fleet).toMatch(/^config: \/etc\/progressdb\/config\.yaml +# .*: --config of the unit$/m)
  expect(
    fleet.match(
      /port: 8080 \} +# server\.port in its configuration; it answers there as v?0\.2\.1; runs as progressdb/g,
    ),
  ).toHaveLength(3)
  expect(written('rollout.sudoers')).toContain('deploy ALL=(progressdb) NOPASSWD: /bin/sh -s')
  expect(written('workflows/recover.yml')).toContain('ssh-known-hosts: ${{ vars.ROLLOUT_KNOWN_HOSTS }}')
  const again = await s.init(names(), { knownHosts: s.fleet.knownHosts, as: 'deploy' })
  expect(again.text).toContain('INIT_FILE_EXISTS')
  s.configure()
})

const stateOf = (m: Machine): string =>
  m.run(
    'sh',
    '-c',
    'systemctl show -p MainPID,FragmentPath progressdb; find /etc /opt /srv /usr/local -newer /etc/hostname | sort',
  )

test('whoever drives the nodes later cannot adopt them', async () => {
  const refused = await s.byHand(['adopt', '--yes'])
  expect(refused.code, refused.text).toBe(3)
  expect(refused.text).toContain('ADOPT_NEEDS_ROOT')
})

test('a wrong unit is told by plan and adopt alike, with the one that is there', async () => {
  s.configure({ systemd: { unit: 'database.service' } })
  const adopted = await s.byHand(['adopt', '--as', 'root', '--yes'], 'admin')
  const planned = await s.run({ mode: 'plan', tag: 'v0.2.2' })
  s.configure()
  for (const said of [adopted.text, planned.lines.join('\n')]) {
    expect(said).toMatch(/UNIT_NOT_FOUND {2}db-3: systemd knows no unit database.service/)
    expect(said).toContain('on db-3 there is progressdb.service')
  }
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

test('a bad one goes back, and the old version still serves', async () => {
  const job = await s.run({ tag: 'v0.2.3' })
  expectEnd(job, 'failure', { outcome: 'rolled-back', version: 'v0.2.2', data: 'kept' })
  for (const node of await s.truth()) expect(node).toMatchObject(serving('v0.2.2'))
})

test('the documented rights give no shell as root, and the users are apart', () => {
  const [first] = s.fleet.machines
  const as = (user: string, command: string): string =>
    first?.run('su', user, '-s', '/bin/sh', '-c', `${command} 2>&1; echo "exit $?"`) ?? ''
  for (const command of [
    'sudo -n /bin/sh -c id',
    'sudo -n -u root /bin/sh -s </dev/null',
    'sudo -n systemctl --no-pager --no-block start ssh.service',
    'sudo -n systemctl --no-pager --no-block stop progressdb.service ssh.service',
    'sudo -n systemctl --no-pager edit progressdb.service',
    'sudo -n systemctl status progressdb.service',
    'sudo -n /usr/local/lib/progressdb-rollout/progressdb.service/hold x',
    'sudo -n visudo -c',
  ]) {
    expect(as('deploy', command), command).toMatch(/password is required[^]*exit 1/)
  }
  for (const path of ['/opt/progressdb', '/opt/progressdb/releases', '/opt/progressdb/state/lease'])
    expect(as('progressdb', `test -w ${path}`)).toContain('exit 1')
  expect(as('deploy', 'test -w /usr/local/lib/progressdb-rollout/progressdb.service/hold')).toContain(
    'exit 1',
  )
  expect(as('progressdb', 'sudo -n -l')).toMatch(/exit 1/)
})

test('a rehearsed server cannot reach the live data', () => {
  const [first] = s.fleet.machines
  const look = '/usr/bin/ls /srv/db/progressdb.node/data/store /opt/progressdb/state'
  const unit = 'progressdb-rollout-rehearsal-progressdb.service'
  const override = `/run/systemd/system/${unit}.d`
  first?.run(
    'sh',
    '-c',
    `mkdir -p ${override} && printf '[Service]\\nExecStart=\\nExecStart=${look}\\nWorkingDirectory=/\\nReadWritePaths=\\n' >${override}/x.conf && systemctl daemon-reload && systemctl start ${unit}; sleep 1; rm -r ${override}; systemctl daemon-reload`,
  )
  const said = first?.run('journalctl', '--no-pager', '-o', 'cat', '-n', '20', '-u', unit) ?? ''
  expect(said).toMatch(/data\/store': (?:Permission denied|No such file)/)
  expect(said).toMatch(/state': Permission denied/)
})

test('a start by hand with another release than the one that opened the data is refused', () => {
  const [first] = s.fleet.machines
  const said = first?.run(
    'sh',
    '-c',
    `cd /opt/progressdb && now=$(readlink current) && other=$(ls -d releases/v0.2.1-*) && systemctl stop progressdb &&
    ln -sfn "$other" current && { systemctl start progressdb; systemctl is-active progressdb; }
    ln -sfn "$now" current; systemctl reset-failed progressdb; systemctl start progressdb; systemctl is-active progressdb
    journalctl --no-pager -o cat -n 60 -u progressdb | grep 'not started'`,
  )
  expect(said).toMatch(/^(?:failed|activating)\nactive\nnot started \(not-active\)/m)
})

test('a rollback by hand; no acknowledged write is missing', async () => {
  const job = await s.run({ mode: 'rollback', tag: 'v0.2.1' })
  expectEnd(job, 'success', { outcome: 'rolled-back', 'reason-code': 'by-hand', version: 'v0.2.1' })
  for (const node of await s.truth()) expect(node).toMatchObject(serving('v0.2.1'))
  expect(await s.missing()).toEqual([])
  expect(s.writer.acknowledged.length).toBeGreaterThan(200)
})

test('an adoption is taken back: the unit starts what it started before', async () => {
  const undone = await s.byHand(['adopt', '--undo', '--as', 'root'], 'admin')
  expect(undone.code, undone.text).toBe(0)
  for (const m of s.fleet.machines) {
    expect(m.run('readlink', '-f', '/usr/local/bin/progressdb').trim()).toBe('/usr/local/bin/progressdb')
    expect(m.run('readlink', '-f', '/srv/db/progressdb').trim()).toBe('/srv/db/progressdb')
    m.run('systemctl', 'restart', 'progressdb.service')
    expect(
      m.run('sh', '-c', 'ls /etc/sudoers.d /etc/systemd/system /usr/local/lib | grep -c rollout || :').trim(),
    ).toBe('0')
  }
})
