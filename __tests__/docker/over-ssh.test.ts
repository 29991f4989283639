import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtAction } from '../action/built-action.ts'
import { parseConfig } from '../../src/config/file.ts'
import { serving } from '../action/ground-truth.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import { keyPair, openSshd } from '../shell/sshd.ts'
import { buildRelease } from '../standin/release.ts'
import { type DockerHost, openDocker } from './host.ts'
import { publish } from './images.ts'

/*
 * A machine that is reached over a real ssh, where a user in the group docker drives a container whose data belongs to somebody else: looked
 * at by init, adopted, and released to. Users and their rights live in an /etc of the test's own.
 */

const folder = mkdtempSync(join(tmpdir(), 'docker-ssh-'))
const key = keyPair(folder, 'rollout')
let host: DockerHost
let machine: Awaited<ReturnType<typeof openSshd>>
let s: Scenario

beforeAll(async () => {
  ownEtc()
  execFileSync('groupadd', ['--force', 'docker'])
  execFileSync('useradd', [
    '--no-create-home',
    '--home-dir',
    join(folder, 'home'),
    '--shell',
    '/bin/sh',
    'deploy',
  ])
  execFileSync('usermod', ['--password', '*', '--append', '--groups', 'docker', 'deploy'])
  mkdirSync(join(folder, 'home'))
  chmodSync(folder, 0o755)
  execFileSync('chown', ['deploy:', join(folder, 'home')])
  host = await openDocker()
  execFileSync('chgrp', ['docker', host.socket])
  chmodSync(join(host.socket, '..'), 0o755)
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  for (const release of [runs, next]) publish(host, release)
  machine = await openSshd('127.0.0.2', undefined, [`SetEnv DOCKER_HOST=unix://${host.socket}`])
  machine.authorize(key.public)
  s = await openScenario({
    runs,
    releases: [runs, next],
    host,
    nodes: 1,
    adopted: false,
    ssh: { key: key.private, knownHosts: machine.knownHosts, user: 'deploy', port: machine.port },
  })
  chmodSync(s.at(), 0o755)
})
afterAll(async () => {
  await s?.end()
  await machine?.close()
  await host?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What is written below /etc from here on is seen by this test alone. */
function ownEtc(): void {
  const [upper, work] = [join(folder, 'etc'), join(folder, 'work')]
  for (const dir of [upper, work]) mkdirSync(dir)
  const layers = `lowerdir=/etc,upperdir=${upper},workdir=${work}`
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, '/etc'])
}

async function init(...words: string[]): Promise<{ code: number; text: string }> {
  const action = await builtAction()
  const dir = mkdtempSync(join(folder, 'use-'))
  const cwd = join(folder, 'repository')
  mkdirSync(cwd, { recursive: true })
  const env = { PATH: '/usr/bin:/bin', HOME: folder, ROLLOUT_DIR: dir, INPUT_SSH_KEY: key.private }
  const args = [join(action, 'dist', 'index.mjs'), 'init', ...words, '--ssh-known-hosts', machine.knownHosts]
  return new Promise(resolve => {
    execFile(process.execPath, args, { env, cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr }),
    )
  })
}

test('init finds the container, and what of it the machine sees', async () => {
  const at = `deploy@127.0.0.2:${machine.port}`
  const closed = await init(at)
  expect(closed.code, closed.text).toBe(3)
  expect(closed.text).toMatch(/CONFIG_NOT_READABLE.*deploy may not read.*--as root/s)
  const { code, text } = await init(at, '--as', 'root')
  expect(code, text).toBe(0)
  const [node] = s.fleet.nodes
  expect(text).toContain(`container db-1 as 1000:1000, data in ${node?.data}, port ${node?.port}`)
  expect(text).toMatch(/adopt +records what runs, and restarts nothing/)
  const written = readFileSync(join(folder, 'repository', '.github', 'rollout.yml'), 'utf8')
  const config = parseConfig(written, 'rollout.yml', { repository: 'progressdb/ProgressDB' })
  expect(config.service).toEqual({
    kind: 'docker',
    container: 'db-1',
    image: `${host.registry}/progressdb/progressdb`,
    tag: '{version}',
    socket: host.socket,
    program: '/usr/local/bin/progressdb',
  })
  expect(config.nodes).toMatchObject([
    { data: node?.data, config: node?.config, listens: { port: node?.port } },
  ])
  expect(written).not.toContain('of two lines')
})

test('adopt says which right is missing, and with it the container is released to', async () => {
  const refused = await s.byHand('adopt')
  expect(refused.code, refused.text).toBe(3)
  expect(refused.text).toMatch(/SUDO_.*deploy ALL=\(root\) NOPASSWD: \/bin\/sh -s/s)
  writeFileSync('/etc/sudoers.d/rollout', 'deploy ALL=(root) NOPASSWD: /bin/sh -s\n', { mode: 0o440 })
  const adopted = await s.byHand('adopt')
  expect(adopted.code, adopted.text).toBe(0)
  const job = await s.run({ tag: 'v0.2.2' })
  expect(job.outputs, job.lines.join('\n')).toMatchObject({ outcome: 'promoted', version: 'v0.2.2' })
  const { truth } = await s.status()
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.2'))
  expect((await s.check()).missing).toEqual([])
})

test('who may not speak to Docker is told so', async () => {
  execFileSync('gpasswd', ['--delete', 'deploy', 'docker'])
  const { code, text } = await s.byHand('status')
  expect(code).not.toBe(0)
  expect(text).toMatch(/DOCKER_REFUSED.*deploy may not speak to Docker.*usermod -aG docker deploy/s)
})
