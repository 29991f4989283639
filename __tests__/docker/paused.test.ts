import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeOn } from '../../src/node/server.ts'
import { containerServer } from '../../src/service/docker.ts'
import { localShell } from '../../src/shell/local.ts'
import { type DockerHost, openDocker } from './host.ts'
import { base } from './images.ts'

/*
 * A database below another process of its container, which is writing a table at the moment of the copy: it stands still, all of it, and what
 * it was writing is no part of a file that the copy shares.
 */

let host: DockerHost
const dir = mkdtempSync(join(tmpdir(), 'paused-'))
const data = join(dir, 'data')
const table = join(data, 'store', '000009.sst')

beforeAll(async () => {
  host = await openDocker()
  base(host, '/usr/bin/busybox')
  const context = join(dir, 'image')
  mkdirSync(context)
  for (const name of ['busybox', 'flock']) copyFileSync(join('/usr/bin', name), join(context, name))
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM standin-base\nCOPY busybox /bin/sh\nCOPY flock /bin/flock\n',
  )
  host.docker('build', '--quiet', '--tag', 'acme/db:v1.0.0', context)
  mkdirSync(join(data, 'store'), { recursive: true })
  for (const [name, text] of [
    ['CURRENT', 'MANIFEST-000001\n'],
    ['MANIFEST-000001', 'm'],
    ['LOCK', ''],
    ['000005.sst', 'whole'],
  ] as const)
    writeFileSync(join(data, 'store', name), text)
  writeFileSync(join(dir, 'config.yaml'), '')
  const writes = 'exec 3>>/db/store/000009.sst; while :; do echo row >&3; done'
  const mounts = ['--volume', `${data}:/db`, '--volume', `${join(dir, 'config.yaml')}:/config.yaml`]
  host.docker(
    'run',
    '--detach',
    '--name',
    'db',
    ...mounts,
    'acme/db:v1.0.0',
    '/bin/sh',
    '-c',
    `flock /db/store/LOCK sh -c '${writes}'; :`,
  )
})
afterAll(async () => {
  await host?.close()
  rmSync(dir, { recursive: true, force: true })
})

test('a table that is being written is no shared file of a checkpoint', async () => {
  await expect.poll(() => statSync(table, { throwIfNoEntry: false })?.size ?? 0).toBeGreaterThan(0)
  const service = containerServer({
    kind: 'docker',
    container: 'db',
    image: 'acme/db',
    tag: '{version}',
    socket: host.socket,
    program: 'none',
  })
  const config = {
    name: 'db-1',
    url: 'http://127.0.0.1:9',
    install: join(dir, 'opt'),
    data,
    config: join(dir, 'config.yaml'),
  }
  const node = nodeOn(localShell(), service, config, {
    binary: 'db',
    immutable: ['*.sst'],
    drain: { kind: 'none' },
    stopLimit: 5000,
    startLimit: 5000,
    confirmWithin: 60_000,
    stageLimit: 60_000,
  })
  const leased = await node.lease({
    rollout: 'r-1',
    process: 'p-1',
    holder: 'a test',
    doing: '',
    ttl: 60_000,
    lines: [],
    run: '',
    over: 'expired',
  })
  const token = leased.now.lease === 'free' ? 0 : leased.now.lease.token
  const grip = { token, stop: new AbortController().signal, progress: () => undefined }
  await node.act({ do: 'adopt', version: 'v1.0.0' }, grip)
  const { now, facts } = await node.act({ do: 'snapshot', kind: 'rehearsal', name: 'a' }, grip)
  expect(now.snapshots).toMatchObject([{ name: 'a', sealed: true }])
  const copy = join(dir, '.data-snapshots', 'a', 'data', 'store')
  const size = statSync(join(copy, '000009.sst')).size
  await expect.poll(() => statSync(table).size).toBeGreaterThan(size)
  expect(statSync(join(copy, '000009.sst'))).toMatchObject({ size, nlink: 1 })
  if (facts.checkpoint === 'link')
    expect(statSync(join(copy, '000005.sst')).ino).toBe(statSync(join(data, 'store', '000005.sst')).ino)
  expect(readFileSync(join(copy, '000005.sst'), 'utf8')).toBe('whole')
})
