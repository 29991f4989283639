import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildRelease, type BuiltRelease } from '../standin/release.ts'
import { readAcknowledged, readFleet, readFolder, readNode, tally } from './checker.ts'
import { createFleet, killNode, startNode, stopNode, type Fleet, type FleetOptions } from './fleet.ts'
import { rolloutYaml } from './rollout-yaml.ts'
import { processesUnder } from './server-process.ts'
import { startWriter, type Writer, type WriterOptions } from './writer.ts'

let release: BuiltRelease
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  release = await buildRelease({ version: '0.2.1' })
}, 60_000)
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function fleet(options: Partial<FleetOptions> = {}): Promise<Fleet> {
  const dir = mkdtempSync(join(tmpdir(), 'fleet-'))
  ends.push(async () => rmSync(dir, { recursive: true, force: true }))
  const made = await createFleet({ dir, nodes: 1, release, messages: 1200, walOn: true, ...options })
  ends.push(made.close)
  return made
}

function writer(made: Fleet, options: Partial<WriterOptions> = {}): Writer {
  const started = startWriter({
    nodes: made.nodes,
    key: made.keys.writer,
    rate: 50,
    file: join(made.dir, 'acknowledged.jsonl'),
    ...options,
  })
  ends.push(started.stop)
  return started
}

const only = (made: Fleet) => made.nodes[0]!

test('three nodes serve their preloaded messages', async () => {
  const made = await fleet({ nodes: 3 })
  for (const node of made.nodes) {
    const answer = await fetch(`${node.url}/admin/stats`, { headers: { 'x-api-key': made.keys.admin } })
    expect(await answer.json()).toEqual({ threads: 3, messages: 1200 })
  }
  expect(new Set(processesUnder(made.dir))).toEqual(new Set(made.nodes.map(node => node.pid)))
  await made.close()
  expect(processesUnder(made.dir)).toEqual([])
})

test('with the intake WAL on, a writer loses nothing over a graceful restart and a kill', async () => {
  const made = await fleet()
  const node = only(made)
  const writes = writer(made)
  await sleep(500)
  await stopNode(node)
  node.pid = (await startNode(node, release.binary)).pid
  await sleep(500)
  await killNode(node)
  node.pid = (await startNode(node, release.binary)).pid
  await sleep(400)
  await writes.stop()
  expect(writes.failed()).toBeGreaterThan(0)
  expect(writes.acknowledged.length).toBeGreaterThan(40)
  const found = tally(
    writes.acknowledged,
    await readFleet(made.nodes, made.keys.checker, writes.acknowledged),
  )
  expect(found.missing).toEqual([])
  expect(found.line).toMatch(/^(\d+) writes acknowledged, \1 found$/)
  expect(await readAcknowledged(join(made.dir, 'acknowledged.jsonl'))).toEqual(writes.acknowledged)
})

test('with the intake WAL off, a kill loses what was acknowledged, and the checker says which', async () => {
  const made = await fleet({ walOn: false, batchTimeout: 2000 })
  const node = only(made)
  const writes = writer(made, { rate: 100 })
  await expect.poll(() => writes.acknowledged.length, { timeout: 6000 }).toBeGreaterThan(30)
  await killNode(node)
  await writes.stop()
  node.pid = (await startNode(node, release.binary)).pid
  const found = tally(
    writes.acknowledged,
    await readFleet(made.nodes, made.keys.checker, writes.acknowledged),
  )
  expect(found.missing.length).toBeGreaterThan(0)
  expect(found.found + found.missing.length).toBe(writes.acknowledged.length)
})

test('with the intake WAL off, a writer that obeys the drain loses nothing over a stop', async () => {
  const made = await fleet({ walOn: false })
  const node = only(made)
  const writes = writer(made, { obeyDrain: true, rate: 100 })
  await sleep(600)
  writeFileSync(node.drainMark, '')
  await sleep(300)
  const drained = writes.acknowledged.length
  await sleep(200)
  expect(writes.acknowledged.length).toBe(drained)
  await stopNode(node)
  node.pid = (await startNode(node, release.binary)).pid
  rmSync(node.drainMark)
  await expect.poll(() => writes.acknowledged.length).toBeGreaterThan(drained)
  await writes.stop()
  const found = tally(
    writes.acknowledged,
    await readFleet(made.nodes, made.keys.checker, writes.acknowledged),
  )
  expect(found.missing).toEqual([])
})

test('a folder nobody serves is read from a copy', async () => {
  const made = await fleet()
  const writes = writer(made)
  await expect.poll(() => writes.acknowledged.length, { timeout: 5000 }).toBeGreaterThan(20)
  await writes.stop()
  await killNode(only(made))
  const options = { keys: made.keys, writes: writes.acknowledged }
  const ids = await readFolder(only(made).data, release.binary, options)
  expect(writes.acknowledged.filter(write => !ids.has(write.id))).toEqual([])
  const broken = await buildRelease({ version: '0.2.9', faults: { failsToStart: 'exit' } })
  await expect(readFolder(only(made).data, broken.binary, options)).rejects.toThrow('ended with 2')
})

test('the checker finds nothing of a thread that is not there', async () => {
  const made = await fleet({ messages: 0 })
  const write = { node: 'db-1', thread: 't:1', key: 't:1:m:2', id: 'gone', at: 0 }
  const read = await readNode(only(made).url, made.keys.checker, [write])
  expect(tally([write], new Map([['db-1', read]]))).toMatchObject({
    acknowledged: 1,
    found: 0,
    missing: [write],
    line: '1 writes acknowledged, 0 found',
  })
})

test('the rollout file takes overrides and drops what is null', async () => {
  const made = await fleet({ messages: 0 })
  const file = parse(rolloutYaml(made, { canary: { watch: '3s' }, drain: null, from: 'v0.2.1' }))
  expect(file).toMatchObject({ local: true, canary: { nodes: 1, watch: '3s' }, from: 'v0.2.1' })
  expect(file).not.toHaveProperty('drain')
  expect(file.nodes).toEqual([{ name: 'db-1', port: only(made).port }])
})
