import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { drainCommands } from '../../src/drain/commands.ts'
import type { HAProxyDrain } from '../../src/config/config.ts'
import { type HAProxy, startHAProxy } from './haproxy.ts'
import { type Named, namedServers } from './servers.ts'

/* The driver's commands, as a node runs them, against a real HAProxy. */

const shells = ['dash', 'bash', 'busybox'] as const
let dir = ''
let haproxy: HAProxy
let nodes: Named[] = []
/** How long a server takes for a request, ms. */
let takes = 0

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'haproxy-'))
  nodes = await namedServers(['db-1', 'db-2'], () => takes)
  haproxy = await startHAProxy(dir, nodes)
})
afterEach(async () => {
  takes = 0
  await haproxy.start()
  for (const name of ['db-1', 'db-2']) await haproxy.ask(`set server db/${name} state ready`)
})
afterAll(async () => {
  await haproxy?.kill()
  for (const node of nodes) node.server.close()
  rmSync(dir, { recursive: true, force: true })
})

const settings = (over: Partial<HAProxyDrain> = {}): HAProxyDrain => ({
  kind: 'haproxy',
  sockets: [haproxy.socket],
  via: [],
  backends: ['db'],
  server: '{name}',
  limit: 3000,
  atLimit: 'fail',
  ...over,
})

type Ran = { code: number | null; said: string; progress: string[] }
type How = { shell?: (typeof shells)[number]; path?: string; traffic?: string }

/** As `drain.sh` runs it: descriptor 8 is for how far it is. */
function run(kind: 'out' | 'in' | 'check', over: Partial<HAProxyDrain> = {}, how: How = {}): Promise<Ran> {
  const command = drainCommands(settings(over), { name: 'db-1' })?.[kind] ?? 'exit 99'
  const { shell = 'dash', path = process.env['PATH'] ?? '', traffic = 'in' } = how
  return new Promise(resolve => {
    let [said, told] = ['', '']
    const ran = spawn(`/bin/${shell}`, [...(shell === 'busybox' ? ['sh'] : []), '-c', command], {
      env: { PATH: path, NODE_NAME: 'db-1', NODE_TRAFFIC: traffic },
      stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
    })
    ran.stdout?.on('data', text => (said += String(text)))
    ran.stderr?.on('data', text => (said += String(text)))
    const eighth: unknown = Object.values(ran.stdio)[8]
    if (eighth instanceof Readable) eighth.on('data', text => (told += String(text)))
    ran.on('close', code => resolve({ code, said: said.trim(), progress: told.trim().split('\n') }))
  })
}

describe.each(shells)('under %s', shell => {
  it('takes a server out, and lets it in again', async () => {
    expect(await run('check', {}, { shell })).toMatchObject({ code: 0, said: '' })
    expect(await run('out', {}, { shell })).toMatchObject({ code: 0, said: '' })
    expect(await haproxy.states()).toEqual({ 'db-1': 'MAINT', 'db-2': expect.stringMatching(/^UP/) })
    for (let i = 0; i < 4; i++) expect(await (await fetch(haproxy.url)).text()).toBe('db-2')
    expect(await run('out', {}, { shell })).toMatchObject({ code: 0 })
    expect(await run('in', {}, { shell })).toMatchObject({ code: 0, said: '' })
    expect(await haproxy.states()).toMatchObject({ 'db-1': 'UP' })
    expect(await run('in', {}, { shell })).toMatchObject({ code: 0 })
  })
})

it('waits for the requests that are under way, and says how many there are', async () => {
  takes = 1500
  const under = [fetch(haproxy.url), fetch(haproxy.url)].map(async asked => (await asked).status)
  await sleep(300)
  const { code, progress } = await run('out')
  expect(code).toBe(0)
  expect(progress).toContain('progress=drained 0 1 requests')
  expect(progress.at(-1)).toBe('progress=drained 1 1 requests')
  expect(await Promise.all(under)).toEqual([200, 200])
})

it('fails where one does not end in time, or ends it where that is wanted', async () => {
  takes = 8000
  const under = [fetch(haproxy.url), fetch(haproxy.url)].map(asked =>
    asked.then(
      response => response.status,
      () => 'cut off',
    ),
  )
  await sleep(300)
  const failed = await run('out', { limit: 1000 })
  expect(failed.code).toBe(1)
  expect(failed.said).toBe(
    'HAProxy: 1 requests still under way 1 s after it was drained (at-limit: close would end them)',
  )
  expect((await haproxy.states())['db-1']).toMatch(/^DRAIN/)
  expect(await run('out', { limit: 1000, atLimit: 'close' })).toMatchObject({ code: 0 })
  expect((await haproxy.states())['db-1']).toBe('MAINT')
  const ends = await Promise.all(under)
  expect(ends.toSorted((a, b) => String(a).localeCompare(String(b)))[0]).toBe(200)
  expect(ends.filter(end => end === 200)).toHaveLength(1)
}, 30_000)

it('says in advance why it could not', async () => {
  const refused = async (over: Partial<HAProxyDrain>, how: How = {}): Promise<string> => {
    const { code, said } = await run('check', over, how)
    expect(code).toBe(1)
    return said.replaceAll(dir, '…')
  }
  expect(await refused({ server: 'node-{name}' })).toBe('HAProxy: …/a.sock: there is no server db/node-db-1')
  expect(await refused({ backends: ['db', 'api'] })).toBe('HAProxy: …/a.sock: there is no server api/db-1')
  expect(await refused({ sockets: [haproxy.socket, join(dir, 'none.sock')] })).toBe(
    'HAProxy: …/none.sock: No such file or directory',
  )
  expect(await refused({ sockets: [haproxy.userSocket] })).toBe(
    'HAProxy: …/u.sock: its level is user, and only an admin may change the state of a server',
  )
  await haproxy.ask('set server db/db-1 state maint')
  expect(await refused({})).toBe('HAProxy: db/db-1 is MAINT: somebody else has taken it out of traffic')
  expect(await run('check', {}, { traffic: '3' })).toMatchObject({ code: 0 })
  await haproxy.kill()
  expect(await refused({})).toBe('HAProxy: …/a.sock: Connection refused')
  expect(await refused({ sockets: [haproxy.tcp] })).toBe(`HAProxy: ${haproxy.tcp}: Connection refused`)
})

it('stops at what HAProxy refuses', async () => {
  expect(await run('out', { sockets: [haproxy.userSocket] })).toMatchObject({
    code: 1,
    said: expect.stringMatching(/u\.sock: Permission denied/),
  })
})

it('is reached over TCP, and asked with python3 where there is no perl', async () => {
  const bin = join(dir, 'bin')
  const { mkdirSync, symlinkSync } = await import('node:fs')
  mkdirSync(bin)
  for (const tool of ['awk', 'sleep']) symlinkSync(`/usr/bin/${tool}`, join(bin, tool))
  expect(await run('out', {}, { path: bin })).toMatchObject({
    code: 1,
    said: `HAProxy: neither perl nor python3 is here to ask ${haproxy.socket} with`,
  })
  symlinkSync('/usr/bin/python3', join(bin, 'python3'))
  for (const sockets of [[haproxy.tcp], [haproxy.socket]]) {
    expect(await run('check', { sockets }, { path: bin })).toMatchObject({ code: 0, said: '' })
    expect(await run('out', { sockets }, { path: bin })).toMatchObject({ code: 0, said: '' })
    expect((await haproxy.states())['db-1']).toBe('MAINT')
    expect(await run('in', { sockets }, { path: bin })).toMatchObject({ code: 0, said: '' })
  }
  expect(await run('check', { sockets: ['127.0.0.1:1'] }, { path: bin })).toMatchObject({
    code: 1,
    said: 'HAProxy: 127.0.0.1:1: Connection refused',
  })
  expect(await run('out', { sockets: [haproxy.tcp] })).toMatchObject({ code: 0, said: '' })
  expect((await haproxy.states())['db-1']).toBe('MAINT')
})

it('does not call a server let in that HAProxy takes for down', async () => {
  const [first] = nodes
  await run('out')
  first?.server.closeAllConnections()
  await new Promise(resolve => first?.server.close(resolve))
  const { code, said } = await run('in')
  await new Promise<void>(resolve => void first?.server.listen(first.port, '127.0.0.1', resolve))
  expect(code).toBe(1)
  expect(said).toMatch(/^HAProxy: db\/db-1 is DOWN.* 3 s after it was let in$/)
}, 20_000)
