import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { checkSentinel, compareCounts, NOBODY } from '../../src/domain/invariants.ts'
import { judge } from '../../src/domain/judge/threshold.ts'
import type { Watch, WatchPolicy } from '../../src/domain/measurement.ts'
import { scrapeSource } from '../../src/metrics/scrape.ts'
import { createObserver } from '../../src/observe.ts'
import { type HttpClient, httpClient } from '../../src/probe/http.ts'
import { createProbe } from '../../src/probe/probe.ts'
import { createFleet, type Fleet, startNode, stopNode } from '../local-fleet/fleet.ts'
import { buildRelease } from '../standin/release.ts'
import type { Faults } from '../standin/version.ts'

let dir: string
let fleet: Fleet
let client: HttpClient

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'probe-'))
  client = httpClient()
  const release = await buildRelease({ version: '0.2.1' })
  fleet = await createFleet({ dir, nodes: 2, release, messages: 300, walOn: true })
}, 60_000)
afterEach(async () => {
  await client.close()
  await fleet.close()
  rmSync(dir, { recursive: true, force: true })
})

const policy: WatchPolicy = {
  watch: 4_000,
  warmUp: 500,
  deadline: 10_000,
  rate: 20,
  block: 1_000,
  minSamples: 20,
  failedAboveBaseline: 0.02,
  failedMax: 0.1,
  breakerBlocks: 2,
  p95Ratio: 2,
  p95Floor: 100,
  errorBudget: 0.1,
  noDataBlocks: 2,
  diskReserve: 0.05,
  metrics: [{ name: 'heap', series: 'go_heap_alloc_bytes', maxRatio: 20, required: true }],
  onInconclusive: 'rollback',
}

const nodeOf = (name: string) => {
  const node = fleet.nodes.find(n => n.name === name)
  if (!node) throw new Error(`no node ${name}`)
  return node
}
const target = (name: string) => ({ id: name, url: nodeOf(name).url })

const probeOf = () =>
  createProbe(client.ask, systemClock, {
    profile: 'progressdb',
    rollout: 'r-1',
    user: 'rollout-probe',
    keys: { backend: fleet.keys.probe, admin: fleet.keys.admin },
    patience: 3_000,
  })

/** Puts db-1 on 0.2.2 with these faults; answers when it is ready. */
const upgrade = async (faults: Faults): Promise<void> => {
  const next = await buildRelease({ version: '0.2.2', faults })
  const node = nodeOf('db-1')
  await stopNode(node)
  node.pid = (await startNode(node, next.binary, fleet.env)).pid
}

const watchUntilDecided = async () => {
  const observe = createObserver({
    probe: probeOf(),
    metrics: scrapeSource(client.ask, { path: '/admin/debug/prometheus', key: fleet.keys.admin }),
    machine: async id => ({ diskFree: { is: 'value', value: 0.5 }, process: String(nodeOf(id).pid) }),
    url: id => nodeOf(id).url,
    clock: systemClock,
  })
  const from = systemClock.now()
  const watch: Watch = {
    from,
    canary: ['db-1'],
    baseline: ['db-2'],
    blocks: [],
    before: [],
    version: 'v0.2.2',
  }
  for (;;) {
    const verdict = judge(watch, policy, systemClock.now())
    if (verdict.is !== 'pending') return { verdict, watch }
    const start = systemClock.now()
    const plan = { canary: watch.canary, baseline: watch.baseline, from: start, to: start + policy.block }
    watch.blocks.push(
      await observe({ ...plan, rate: policy.rate, metrics: policy.metrics }, new AbortController().signal),
    )
  }
}

test('a good release keeps the data and passes its watch', async () => {
  const probe = probeOf()
  const sentinel = await probe.writeSentinel(target('db-1'))
  const before = await probe.counts(target('db-1'))
  expect(before).toMatchObject({ messages: 301 })
  await upgrade({})
  expect(await probe.waitReady(target('db-1'), { limit: 10_000, version: 'v0.2.2' })).toMatchObject({
    ready: true,
  })
  expect(compareCounts(before, await probe.counts(target('db-1')), NOBODY)).toMatchObject({
    ok: true,
    code: 'held',
  })
  expect(sentinel && checkSentinel(await probe.readSentinel(target('db-1'), sentinel)).ok).toBe(true)
  expect((await probe.journey(target('db-1'))).why).toBe('')
  const { verdict, watch } = await watchUntilDecided()
  expect(verdict).toMatchObject({ is: 'pass', code: 'all-passed' })
  expect(watch.blocks.length).toBeGreaterThanOrEqual(4)
}, 40_000)

test('a release that serves errors fails its watch before the watch is over', async () => {
  await upgrade({ errorRate: 0.4 })
  const { verdict, watch } = await watchUntilDecided()
  expect(verdict.is).toBe('fail')
  expect(['error-rate-higher', 'errors-breaker']).toContain(verdict.code)
  expect(watch.blocks.length).toBeLessThanOrEqual(4)
}, 40_000)

test('a slow release fails by latency', async () => {
  await upgrade({ slow: 400 })
  expect((await watchUntilDecided()).verdict).toMatchObject({ is: 'fail', code: 'latency-higher' })
}, 40_000)

test('a release that hides the data is healthy, and found out by the first count and by the sentinel', async () => {
  const probe = probeOf()
  const sentinel = await probe.writeSentinel(target('db-1'))
  const before = await probe.counts(target('db-1'))
  await upgrade({ hidesData: true })
  expect((await probe.ready(target('db-1'))).ready).toBe(true)
  expect(compareCounts(before, await probe.counts(target('db-1')), NOBODY).code).toBe('data-gone')
  expect(sentinel && checkSentinel(await probe.readSentinel(target('db-1'), sentinel)).code).toBe(
    'sentinel-missing',
  )
}, 40_000)
