import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyPair, openSshd } from '../shell/sshd.ts'
import { buildRelease } from '../standin/release.ts'
import { serving } from './ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from './scenario.ts'

/** Three nodes behind three real sshd; HTTP goes through the connections, so that no node needs an open port. */

type Machine = Awaited<ReturnType<typeof openSshd>>
const folder = mkdtempSync(join(tmpdir(), 'over-ssh-'))
const key = keyPair(folder, 'rollout')
const machines: Machine[] = []
let knownHosts = ''
let s: Scenario

beforeAll(async () => {
  const first = await openSshd('127.0.0.2')
  machines.push(first, await openSshd('127.0.0.3', first.port), await openSshd('127.0.0.4', first.port))
  for (const machine of machines) machine.authorize(key.public)
  knownHosts = machines.map(m => m.knownHosts).join('')
  const [runs, good, bad] = [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3', faults: { errorRate: 0.5, faultsAfter: 4000 } }),
  ]
  const ssh = { key: key.private, knownHosts, user: first.user, port: first.port }
  s = await openScenario({ runs, releases: [runs, good, bad], ssh })
}, 120_000)
afterAll(async () => {
  await s?.end()
  for (const machine of machines) await machine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Where the connections of a job were kept; gone when it has ended. */
const sockets = (dir: string): string =>
  `/tmp/pdbr-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`

test('a good release is promoted', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'success', { outcome: 'promoted', verdict: 'pass', version: 'v0.2.2', data: 'kept' })
  const { truth, said } = await s.status()
  expect(said.code).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.2'))
  const dir = dirname(job.outputs['report'] ?? '')
  expect(existsSync(join(dir, 'ssh', 'known_hosts'))).toBe(true)
  expect(existsSync(join(dir, 'ssh', 'key'))).toBe(false)
  expect(existsSync(sockets(dir))).toBe(false)
}, 180_000)

test('a bad one goes back, and what the servers wrote is in the report', async () => {
  const job = await s.run({ tag: 'v0.2.3' })
  expectEnd(job, 'failure', { outcome: 'rolled-back', version: 'v0.2.2', data: 'kept' })
  const { truth } = await s.status()
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.2'))
  const report = job.outputs['report'] ?? ''
  expect(existsSync(report)).toBe(true)
  expect(readFileSync(join(report, 'db-1.server.log'), 'utf8')).toContain('v0.2.2')
  expect(job.lines.join('\n')).not.toContain(key.private.split('\n')[2])
}, 180_000)

test('a plan tells everything that is wrong with the way to the nodes at once, and compares them', async () => {
  const [, second, third] = machines
  second?.authorize('')
  await third?.stop()
  const job = await s.run({ mode: 'plan', tag: 'v0.2.3' })
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'plan-refused' })
  const log = job.lines.join('\n')
  expect(log).toContain('SSH_KEY_REFUSED  db-2')
  expect(log).toContain('db-1 accepts it: the key is fine, db-2 lacks it')
  expect(log).toContain(
    `add to 127.0.0.3:~${machines[0]?.user}/.ssh/authorized_keys:  ${key.public.split(' ').slice(0, 2).join(' ')}`,
  )
  expect(log).toContain('SSH_UNREACHABLE  db-3')
  second?.authorize(key.public)
  await third?.start()
}, 60_000)

test('without known hosts or key nothing is tried', async () => {
  const job = await s.run({ mode: 'plan', tag: 'v0.2.3', 'ssh-key': '', 'ssh-known-hosts': '' })
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'plan-refused' })
  const log = job.lines.join('\n')
  expect(log).toContain('SSH_KNOWN_HOSTS_MISSING')
  expect(log).toContain('SSH_KEY_MISSING')
}, 60_000)

test('a rollback by hand from another machine, then no write was lost', async () => {
  const job = await s.run({ mode: 'rollback', tag: 'v0.2.1' })
  expectEnd(job, 'success', { outcome: 'rolled-back', 'reason-code': 'by-hand', version: 'v0.2.1' })
  const lost = await s.check()
  expect(lost.acknowledged).toBeGreaterThan(300)
  expect(lost.missing).toEqual([])
}, 180_000)
