import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { admin, getMessage, list, newThread, post, postMany } from '../contract/calls.ts'
import { newInstance, readyInstance, type Instance } from '../contract/instance.ts'
import { buildRelease, writeBinary, type BuiltRelease } from './release.ts'
import type { Faults } from './version.ts'

let good: BuiltRelease
beforeAll(async () => {
  good = await buildRelease({ version: '0.2.1' })
}, 60_000)

const dir = mkdtempSync(join(tmpdir(), 'faults-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const built: string[] = []
// A program is a hundred megabytes: none outlives its test.
afterEach(() => built.splice(0).forEach(file => rmSync(file)))

async function bad(faults: Faults, version = '0.2.2'): Promise<string> {
  const file = join(dir, `progressdb-${version}`)
  await writeBinary({ version, faults }, file)
  built.push(file)
  return file
}

/** A server of the good release with a thread and so many messages, stopped. */
async function stopped(messages = 40): Promise<{ server: Instance; thread: string; keys: string[] }> {
  const server = await readyInstance(good.binary)
  onTestFinished(server.close)
  const thread = await newThread(server)
  const keys = await postMany(server, thread, messages)
  await getMessage(server, thread, keys.at(-1)!)
  expect(await server.stop()).toBe(0)
  return { server, thread, keys }
}

const stats = async (server: Instance) => (await admin(server, '/stats')).json
const total = async (server: Instance, thread: string) => (await list(server, thread)).json.pagination?.total
const exitOf = async (server: Instance, binary: string) => {
  server.launch(binary)
  return server.started.exited
}

test.each(['exit', 'panic'] as const)('fails to start: %s', async failsToStart => {
  const server = await newInstance(await bad({ failsToStart }))
  onTestFinished(server.close)
  expect(await server.started.exited).toBe(2)
})

test('fails to start: runs, and never opens its port', async () => {
  const server = await newInstance(await bad({ failsToStart: 'hang' }))
  onTestFinished(server.close)
  await sleep(800)
  await expect(server.ask('/healthz')).rejects.toThrow()
  process.kill(server.started.pid, 0)
})

test('the countdown of a failed start is ten seconds when nobody says otherwise', async () => {
  const server = await newInstance(await bad({ failsToStart: 'exit' }), { env: {} })
  onTestFinished(server.close)
  await expect
    .poll(() => server.log().catch(() => ''), { timeout: 3000 })
    .toContain('exiting_in_seconds seconds=10')
})

test('serves errors at a rate, after a while, and stays healthy', async () => {
  const server = await readyInstance(await bad({ errorRate: 0.25, faultsAfter: 700 }))
  onTestFinished(server.close)
  const thread = await newThread(server)
  await sleep(800)
  const statuses: number[] = []
  for (let i = 0; i < 40; i++) statuses.push((await list(server, thread)).status)
  expect(statuses.filter(status => status === 500)).toHaveLength(10)
  expect((await server.ask('/healthz')).status).toBe(200)
  expect((await admin(server, '/stats')).status).toBe(200)
})

test('is slow', async () => {
  const server = await readyInstance(await bad({ slow: 150 }))
  onTestFinished(server.close)
  const before = performance.now()
  await server.ask('/frontend/v1/threads', { as: 'bk', user: 'u1' })
  expect(performance.now() - before).toBeGreaterThan(145)
})

test('leaks memory', async () => {
  const server = await readyInstance(await bad({ leak: 40e6 }))
  onTestFinished(server.close)
  const rss = async () =>
    Number(
      /^process_resident_memory_bytes (\S+)$/m.exec((await admin(server, '/debug/prometheus')).text)?.[1],
    )
  const before = await rss()
  await expect
    .poll(async () => (await rss()) - before, { timeout: 5000, interval: 200 })
    .toBeGreaterThan(30e6)
})

test('lies on health', async () => {
  const server = await readyInstance(await bad({ liesOnHealth: true }))
  onTestFinished(server.close)
  expect((await server.ask('/healthz')).status).toBe(200)
  expect((await server.ask('/frontend/v1/threads', { as: 'bk', user: 'u1' })).status).toBe(500)
})

test('hides data: nothing is there, and all of it again under the old version', async () => {
  const { server, thread, keys } = await stopped()
  await server.start(await bad({ hidesData: true }))
  expect(await stats(server)).toEqual({ threads: 0, messages: 0 })
  expect((await list(server, thread)).status).toBe(403)
  const hidden = await newThread(server)
  await server.stop()
  await server.start(good.binary)
  expect(await stats(server)).toEqual({ threads: 1, messages: keys.length })
  expect(await total(server, thread)).toBe(keys.length)
  expect((await list(server, hidden)).status).toBe(403)
})

test('drops a share of the data at its first start, and no more at its second', async () => {
  const { server, thread } = await stopped()
  const binary = await bad({ dropsData: 0.25 })
  await server.start(binary)
  expect(await total(server, thread)).toBe(30)
  expect(await stats(server)).toEqual({ threads: 1, messages: 30 })
  await server.stop()
  await server.start(binary)
  expect(await total(server, thread)).toBe(30)
})

test('drops all data', async () => {
  const { server } = await stopped()
  await server.start(await bad({ dropsData: 1 }))
  expect(await stats(server)).toEqual({ threads: 0, messages: 0 })
})

test('migrates the format: it reads everything, the old version refuses, a newer one that knows it does not', async () => {
  const { server, thread, keys } = await stopped()
  await server.start(await bad({ migratesTo: 2 }))
  expect(await total(server, thread)).toBe(keys.length)
  expect((await getMessage(server, thread, keys[0]!)).status).toBe(200)
  await server.stop()
  expect(await exitOf(server, good.binary)).toBe(2)
  expect(await server.log()).toContain('database format 2 is newer than 1')
  await server.start(await bad({ migratesTo: 2 }, '0.2.3'))
  expect(await total(server, thread)).toBe(keys.length)
})

test('writes a record after some writes that the old version refuses', async () => {
  const { server, thread } = await stopped(1)
  const binary = await bad({ lateRecord: { writes: 3 } })
  await server.start(binary)
  await server.stop()
  await server.start(good.binary)
  await server.stop()
  await server.start(binary)
  const keys = await postMany(server, thread, 3)
  await getMessage(server, thread, keys.at(-1)!)
  await server.stop()
  expect(await exitOf(server, good.binary)).toBe(2)
  expect(await server.log()).toContain('unknown record kind 2')
  await server.start(binary)
})

test('writes a record after some time that the old version refuses', async () => {
  const { server } = await stopped(1)
  await server.start(await bad({ lateRecord: { after: 300 } }))
  await sleep(600)
  await server.stop()
  expect(await exitOf(server, good.binary)).toBe(2)
})

test('hangs on stop, with its port closed', async () => {
  const server = await readyInstance(await bad({ hangsOnStop: true }))
  onTestFinished(server.close)
  process.kill(server.started.pid, 'SIGTERM')
  await expect
    .poll(() =>
      server.ask('/healthz').then(
        () => 'open',
        () => 'closed',
      ),
    )
    .toBe('closed')
  await sleep(500)
  process.kill(server.started.pid, 0)
})

test('a good release over the data of a good one changes nothing', async () => {
  const { server, thread, keys } = await stopped()
  const next = await buildRelease({ version: '0.2.2' })
  for (const { binary, version } of [next, good]) {
    await server.start(binary)
    expect((await server.ask('/readyz')).json).toMatchObject({ version: `v${version}` })
    expect(await total(server, thread)).toBe(keys.length)
    await post(server, thread, { from: version })
    await server.stop()
    keys.push(version)
  }
})
