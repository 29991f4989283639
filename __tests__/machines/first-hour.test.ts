import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectEnd } from '../action/scenario.ts'
import type { CompositeResult } from '../runner/composite.ts'
import { ready } from '../local-fleet/server-process.ts'
import { buildRelease } from '../standin/release.ts'
import { DATA } from './fleet.ts'
import type { Machine } from './machine.ts'
import { type MachineScenario, openMachineScenario } from './scenario.ts'

/** Everything that goes wrong in the first hour, on real machines, told by one plan: each with the line to paste. */

let s: MachineScenario
let job: CompositeResult

/** Addresses of the first machine beside its own, and one that is nobody's. */
const NETWORK = '198.18.78'
const ELSEWHERE = {
  unknown: `${NETWORK}.31`,
  changed: `${NETWORK}.32`,
  refused: `${NETWORK}.33`,
  away: `${NETWORK}.99`,
}

const machine = (name: string): Machine => {
  const found = s.fleet.machines.find(m => m.name === name)
  if (!found) throw new Error(`no machine ${name}`)
  return found
}

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  s = await openMachineScenario({ machines: 4, runs, releases: [runs, next] })
  const adopted = await s.byHand(['adopt', 'db-1', 'db-3', '--as', 'root', '--yes'], 'admin')
  expect(adopted.code, adopted.text).toBe(0)

  const [one, two, three] = [machine('db-1'), machine('db-2'), machine('db-3')]
  one.run('rm', '/etc/sudoers.d/progressdb-rollout-progressdb')
  two.run(
    'sh',
    '-c',
    'cd /etc/systemd/system && mv progressdb.service progressdb-main.service && systemctl daemon-reload && systemctl start progressdb-main',
  )
  three.run('chown', '-R', 'root:', `${DATA}.node/data`)

  for (const address of [ELSEWHERE.unknown, ELSEWHERE.changed, ELSEWHERE.refused])
    one.run('ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0')
  appendFileSync(
    join(one.root, 'etc/ssh/sshd_config.d/test.conf'),
    `Match LocalAddress ${ELSEWHERE.refused}\n  AuthorizedKeysFile none\n`,
  )
  one.run('systemctl', 'reload', 'ssh')

  const nodes = [
    ...s.fleet.machines.map(({ name, address }) => ({ name, host: address, port: 8080 })),
    ...Object.entries(ELSEWHERE).map(([name, host]) => ({ name, host, port: 8080 })),
  ]
  s.configure({ nodes })
  const knownHosts = [
    s.fleet.knownHosts.trim(),
    `${ELSEWHERE.changed} ${two.hostKey}`,
    `${ELSEWHERE.refused} ${one.hostKey}`,
    `${ELSEWHERE.away} ${one.hostKey}`,
    '',
  ].join('\n')
  job = await s.run({ mode: 'plan', tag: 'v0.2.2', 'ssh-known-hosts': knownHosts })
}, 300_000)
afterAll(() => s?.end(), 60_000)

/** One problem as the log tells it: its first line, why, and what to do. */
const told = (code: string): string => {
  const at = job.lines.findIndex(line => line.startsWith(`error  ${code} `))
  return at < 0 ? '' : job.lines.slice(at, at + 3).join('\n')
}

test('one plan tells all of it, and changes nothing', () => {
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'plan-refused', data: 'untouched' })
  expect(
    job.lines
      .filter(line => line.startsWith('error  '))
      .toSorted()
      .map(line => line.split(' ')[2]),
  ).toEqual([
    'DATA_NOT_SERVICES',
    'NODE_NOT_ADOPTED',
    'SSH_HOST_KEY_CHANGED',
    'SSH_HOST_UNKNOWN',
    'SSH_KEY_REFUSED',
    'SSH_UNREACHABLE',
    'SUDO_WANTS_PASSWORD',
    'UNIT_NOT_FOUND',
  ])
})

test('no known host', () => {
  expect(told('SSH_HOST_UNKNOWN')).toMatch(
    new RegExp(`unknown: .*\\n.*\\n +next .*ssh-keyscan .*${ELSEWHERE.unknown}`),
  )
})
test('a changed host key', () => {
  expect(told('SSH_HOST_KEY_CHANGED')).toMatch(
    new RegExp(`changed: ${ELSEWHERE.changed} shows another host key`),
  )
})
test('a key that one node refuses: the others accept it', () => {
  expect(told('SSH_KEY_REFUSED')).toMatch(
    /refused: .*\n +because db-3, .* accept it: the key is fine, refused lacks it\n +next +add to 198\.18\.78\.33:~deploy\/\.ssh\/authorized_keys: +ssh-ed25519 /,
  )
})
test('sudo wants a password', () => {
  expect(told('SUDO_WANTS_PASSWORD')).toMatch(
    /db-1: deploy may not work as progressdb.*\n.*a password is required\n +next +on db-1.*deploy ALL=\(progressdb\) NOPASSWD: \/bin\/sh -s/,
  )
})
test('a wrong unit', () => {
  expect(told('UNIT_NOT_FOUND')).toMatch(
    /db-2: systemd knows no unit progressdb\.service.*\n +next +correct `systemd: \{ unit: … \}`; on db-2 there is progressdb-main\.service/,
  )
})
test("data that is not the service's", () => {
  expect(told('DATA_NOT_SERVICES')).toMatch(
    /db-3: its data folder belongs to root, and its unit runs as progressdb\n.*\n +next +if it is the right folder, on db-3: +sudo chown -R progressdb: '\/srv\/db\/progressdb'/,
  )
})
test('never adopted', () => {
  expect(told('NODE_NOT_ADOPTED')).toMatch(
    /db-4 was never adopted.*\n +next +progressdb-rollout adopt db-4 --as root/,
  )
})
test('unreachable', () => {
  expect(told('SSH_UNREACHABLE')).toMatch(/away: .*198\.18\.78\.99/)
})

test('the page says of each node what is known of it', () => {
  expect(job.summary).toMatch(/\| away \|.*unreachable/)
  expect(job.summary).toMatch(/\| db-2 \|.*could not be looked at/)
})

describe('an adoption is refused, and changes nothing, where', () => {
  /** What `adopt` says of the fourth machine after something was done there; that is undone again. */
  async function adopting(does: string, undoes: string): Promise<string> {
    const four = machine('db-4')
    four.run('sh', '-ec', does)
    try {
      await ready(s.fleet.urlOf(four), 30_000).catch(() => {
        throw new Error(four.run('journalctl', '--no-pager', '-n', '30', '-u', 'progressdb'))
      })
      const said = await s.byHand(['adopt', 'db-4', '--as', 'root', '--yes'], 'admin')
      expect(said.code, said.text).toBe(3)
      expect(
        four.run('sh', '-c', 'ls /usr/local/lib/progressdb-rollout /opt/progressdb 2>&1 || :'),
      ).not.toContain('guard')
      return said.text
    } finally {
      four.run('sh', '-ec', undoes)
    }
  }
  const unitFile = '/etc/systemd/system/progressdb.service.d/test.conf'
  const dropIn = (lines: string): string =>
    `mkdir -p ${unitFile.slice(0, -10)} && printf '[Service]\n${lines}\n' >${unitFile} && systemctl daemon-reload && systemctl restart progressdb`
  const without = `rm -f ${unitFile} && systemctl daemon-reload && systemctl restart progressdb`

  test('the binary was replaced since the server was started', async () => {
    const text = await adopting(
      'cd /usr/local/bin && mv progressdb progressdb.old && cp progressdb.old progressdb && echo >>progressdb',
      'cd /usr/local/bin && mv progressdb.old progressdb',
    )
    expect(text).toMatch(/BINARY_REPLACED +db-4/)
  })

  test('the binary belongs to a package', async () => {
    const text = await adopting(
      `cd $(mktemp -d) && mkdir -p p/DEBIAN p/usr/bin && cp /usr/local/bin/progressdb p/usr/bin/ &&
      printf 'Package: progressdb\nVersion: 0.2.1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: x\n' >p/DEBIAN/control &&
      dpkg-deb --build -Znone p p.deb >/dev/null && dpkg --install p.deb >/dev/null && ${dropIn('ExecStart=\\nExecStart=/usr/bin/progressdb --config /etc/progressdb/config.yaml')}`,
      `${without}; dpkg --purge progressdb >/dev/null`,
    )
    expect(text).toMatch(/PACKAGE_OWNS_BINARY +db-4.*package progressdb \(dpkg\)/)
  })

  test('the data would have to move under a server that would lose sight of it', async () => {
    const text = await adopting(
      dropIn(`PrivateTmp=yes\\nProtectSystem=strict\\nReadWritePaths=${DATA}`),
      without,
    )
    expect(text).toMatch(/DATA_CANNOT_MOVE +db-4/)
  })
})

test('init goes through the jump host of your own configuration, and vouches for its key as for any other', async () => {
  const [four, two] = [machine('db-4'), machine('db-2')]
  appendFileSync(
    s.at('.ssh', 'config'),
    `Host far\n  HostName ${four.address}\n  ProxyJump root@jump\nHost jump\n  HostName ${two.address}\n`,
  )
  const lines = s.fleet.knownHosts.split('\n')
  const ofNode = lines.filter(line => line.startsWith(`${four.address} `)).join('\n')
  const without = await s.init(['deploy@far', '--as', 'root'], { knownHosts: `${ofNode}\n`, as: 'admin' })
  expect(without.code, without.text).toBe(3)
  expect(without.text).toMatch(
    /SSH_HOST_UNKNOWN +the jump host: nobody has said which host key 198\.18\.78\.12 has/,
  )
  const said = await s.init(['deploy@far', '--as', 'root'], { knownHosts: s.fleet.knownHosts, as: 'admin' })
  expect(said.code, said.text).toBe(0)
  const fleet = readFileSync(s.at('repository', '.github', 'rollout.yml'), 'utf8')
  expect(fleet).toMatch(/^ssh: \{ user: deploy, jump: root@198\.18\.78\.12 \}/m)
  expect(fleet).toContain(`{ name: far, host: ${four.address}, port: 8080 }`)
  expect(readFileSync(s.at('repository', '.github', 'rollout.known_hosts'), 'utf8')).toContain(
    `${two.address} ${two.hostKey}`,
  )
})
