import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { serving } from '../action/ground-truth.ts'
import { when } from '../runner/when.ts'
import { type BuiltRelease, buildRelease } from '../standin/release.ts'

/*
 * Three nodes behind a real HAProxy, and clients that write and read through it all the time and try nothing again: no request may fail
 * because a node was moved.
 */

let runs: BuiltRelease
let next: BuiltRelease
let bad: BuiltRelease
const open: Scenario[] = []

beforeAll(async () => {
  runs = await buildRelease({ version: '0.2.1' })
  next = await buildRelease({ version: '0.2.2' })
  bad = await buildRelease({ version: '0.2.3', faults: { slow: 400, faultsAfter: 12_000 } })
}, 90_000)
afterAll(async () => {
  for (const s of open) await s.end()
})

async function behind(options: Partial<Parameters<typeof openScenario>[0]> = {}): Promise<Scenario> {
  const s = await openScenario({ runs, releases: [runs, next, bad], balanced: true, ...options })
  open.push(s)
  return s
}

const states = async (s: Scenario): Promise<string[]> => Object.values((await s.balancer?.states()) ?? {})
const UP = [/^UP/, /^UP/, /^UP/].map(form => expect.stringMatching(form))

/** The balancer is there again, and `recover` settles what waited for it. */
async function backAgain(s: Scenario): Promise<void> {
  await s.balancer?.start()
  const { outputs, lines } = await s.run({ mode: 'recover' })
  expect(outputs, lines.join('\n')).toMatchObject({ outcome: 'rolled-back', version: 'v0.2.1' })
}

describe('clients of a fleet that is moved', () => {
  test('see no request fail, promoted and rolled back', async () => {
    const s = await behind({
      config: { canary: { watch: '15s' }, judge: { 'p95-floor': '100ms', 'min-samples': 3 } },
    })
    expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', { outcome: 'promoted', version: 'v0.2.2' })
    expect(await states(s)).toEqual(UP)
    expectEnd(await s.run({ tag: 'v0.2.3' }), 'failure', {
      outcome: 'rolled-back',
      version: 'v0.2.2',
      'reason-code': 'latency-higher',
    })
    expect(await states(s)).toEqual(UP)
    expectEnd(await s.run({ mode: 'rollback', tag: 'v0.2.1' }), 'success', {
      outcome: 'rolled-back',
      version: 'v0.2.1',
    })
    expect(await states(s)).toEqual(UP)
    const { truth, said } = await s.status()
    expect(said.code).toBe(0)
    for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
    const lost = await s.check(bad)
    expect(lost.missing).toEqual([])
    console.log(`${s.load?.requests()} requests, ${lost.acknowledged} acknowledged writes`)
    expect(lost.acknowledged).toBeGreaterThan(500)
    expect(s.load?.failures).toEqual([])
  })
})

describe('a balancer that is away', () => {
  test('is found before anything is touched', async () => {
    const s = await behind()
    await s.balancer?.kill()
    const before = await s.truth()
    const job = await s.run({ tag: 'v0.2.2' })
    expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'plan-refused', data: 'untouched' })
    const log = job.lines.join('\n')
    expect(log).toContain('DRAIN_NOT_POSSIBLE')
    expect(log).toMatch(/db-1 could not be taken out of traffic/)
    expect(log).toMatch(/haproxy\/a\.sock: (No such file|Connection refused)/)
    expect(await s.truth()).toEqual(before)
  })

  test('on the way forward: no node is stopped under its clients, and what had gone forward comes back with its data', async () => {
    const s = await behind({ config: { waves: { size: 2, watch: '2s' } } })
    let away: Promise<void> | undefined
    const job = await s.run(
      { tag: 'v0.2.2' },
      { onLine: line => void (/passed/.test(line) && !away && (away = s.balancer?.kill())) },
    )
    expect(away).toBeDefined()
    await away
    expect(job.conclusion).toBe('failure')
    const log = job.lines.join('\n')
    expect(log).toContain('DRAIN_FAILED')
    // servers with an intake WAL are stopped without a drain on the way back, and wait for the balancer then
    expect(job.outputs, log).toMatchObject({ outcome: 'needs-operator', 'reason-code': 'drain-failed' })
    const truth = await s.truth()
    expect(truth.map(({ runs: version, ready }) => [version, ready])).toEqual([
      ['v0.2.1', true],
      ['v0.2.1', true],
      ['v0.2.1', true],
    ])
    await backAgain(s)
    expect(await states(s)).toEqual(UP)
    expect((await s.status()).said.code).toBe(0)
    expect((await s.check()).missing).toEqual([])
  })

  test('without an intake WAL on the way back: what serves is left serving, and recover settles it', async () => {
    const s = await behind({ walOn: false, nodes: 2 })
    let away: Promise<void> | undefined
    const job = await s.run(
      { tag: 'v0.2.2' },
      { onLine: line => void (/passed/.test(line) && !away && (away = s.balancer?.kill())) },
    )
    await away
    const log = job.lines.join('\n')
    expect(job.outputs, log).toMatchObject({ outcome: 'needs-operator', 'reason-code': 'drain-failed' })
    const truth = await s.truth()
    expect(truth.map(({ runs: version, ready }) => [version, ready])).toEqual([
      ['v0.2.2', true],
      ['v0.2.1', true],
    ])
    await backAgain(s)
    expect((await s.status()).said.code).toBe(0)

    // and a drain that holds nobody off keeps a node from being stopped, also on the way back
    expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', { outcome: 'promoted' })
    const ready = ['db-1', 'db-2'].map(name => `set server db/${name} state ready`)
    const saboteur = setInterval(() => void s.balancer?.ask(ready.join('; ')), 50)
    const back = await s.run({ mode: 'rollback', tag: 'v0.2.1' })
    clearInterval(saboteur)
    expect(back.conclusion).toBe('failure')
    expect(back.outputs['reason-code'], back.lines.join('\n')).toMatch(/^(step|drain)-failed$/)
    expect(back.lines.join('\n')).toMatch(/DRAIN_LETS_WRITES_THROUGH|DRAIN_FAILED/)
    for (const node of await s.truth()) expect(node).toMatchObject({ runs: 'v0.2.2', ready: true })
    expect((await s.check()).missing).toEqual([])
  })
})

describe('a balancer that lets a drained node in again by itself, as a reload does', () => {
  test('what was written through it is kept on the way back', async () => {
    const s = await behind({ nodes: 2 })
    const job = await s.run(
      { tag: 'v0.2.2' },
      {
        onLine: when(/^canary +db-1 proves/, one => {
          void s.balancer
            ?.ask('set server db/db-1 state ready')
            .then(() => sleep(1500))
            .then(() => one.killRunner())
        }),
      },
    )
    expect(job.conclusion).toBe('lost')
    const settled = await s.run({ mode: 'recover' })
    const log = settled.lines.join('\n')
    expect(log).toContain('DRAIN_LETS_WRITES_THROUGH')
    expect(settled.outputs, log).toMatchObject({ outcome: 'rolled-back', version: 'v0.2.1', data: 'kept' })
    expect(await states(s)).toEqual(UP.slice(1))
    const { truth, said } = await s.status()
    expect(said.code).toBe(0)
    for (const node of truth)
      expect(node).toMatchObject({ ...serving('v0.2.1'), restored: false, setAside: [] })
    const lost = await s.check()
    expect(lost).toMatchObject({ missing: [], aside: 0 })
    expect(s.load?.failures).toEqual([])
  })
})
