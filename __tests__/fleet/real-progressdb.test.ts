import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outlivesJobs, serving } from '../action/ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { when } from '../runner/when.ts'
import { type BuiltRelease, writeDist } from '../standin/release.ts'
import { realRelease } from './real-release.ts'

/** Two real servers, each of which says its version in readyz: 0.2.1, and a newer one that says 0.2.2. */
const OLD = process.env['PROGRESSDB_BIN_OLD'] ?? ''
const NEW = process.env['PROGRESSDB_BIN'] ?? ''
const [FROM, TO] = ['0.2.1', '0.2.2']

/** Messages on each node before anything happens. */
const MESSAGES = 2000

if (OLD === '' || NEW === '')
  test.skip('PROGRESSDB_BIN_OLD and PROGRESSDB_BIN name no ProgressDB 0.2.1 and 0.2.2: set both to roll real servers out', () => {})
else describe('real servers', realServers)

function realServers(): void {
  let s: Scenario
  let home = ''
  let next: BuiltRelease

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'real-'))
    const runs = await realRelease(OLD, FROM, join(home, 'old'))
    next = await realRelease(NEW, TO, join(home, 'new'))
    await writeDist(next, join(home, 'dist'))
    s = await openScenario({
      runs,
      releases: [runs, next],
      server: 'real',
      nodes: 3,
      messages: MESSAGES,
      config: { releases: { directory: join(home, 'dist') }, canary: { watch: '8s' } },
    })
  }, 120_000)
  afterAll(async () => {
    await s?.end()
    await rm(home, { recursive: true, force: true })
  })

  test('a release is promoted on three nodes, which outlive the job', async () => {
    const job = await s.run({ tag: `v${TO}` })
    expectEnd(job, 'success', { outcome: 'promoted', verdict: 'pass', version: `v${TO}`, data: 'kept' })
    expect(job.orphans).toEqual([])
    const { truth, said } = await s.status()
    expect(said.code).toBe(0)
    for (const node of truth) {
      expect(node).toMatchObject({ ...serving(`v${TO}`), restored: false, setAside: [] })
      expect(outlivesJobs(node.pids[0] ?? 0)).toBe(true)
    }
  }, 240_000)

  test('by hand it goes back, and keeps what was written meanwhile', async () => {
    const job = await s.run({ mode: 'rollback', tag: 'previous', reason: 'the numbers look odd' })
    expectEnd(job, 'success', { outcome: 'rolled-back', version: `v${FROM}`, data: 'kept' })
    for (const node of (await s.status()).truth)
      expect(node).toMatchObject({ ...serving(`v${FROM}`), restored: false, setAside: [] })
  }, 240_000)

  test('a canary that breaks a limit goes back by itself, and keeps what was written meanwhile', async () => {
    const job = await s.run({ tag: `v${TO}`, config: strictConfig(s) })
    expectEnd(job, 'failure', { outcome: 'rolled-back', verdict: 'fail', version: `v${FROM}`, data: 'kept' })
    for (const node of (await s.status()).truth)
      expect(node).toMatchObject({ ...serving(`v${FROM}`), restored: false, setAside: [] })
  }, 240_000)

  test('nobody comes any more while the canary is watched: it brings itself home, and keeps what was written', async () => {
    s.configure({ lease: { ttl: '6s', wait: '0s' }, switch: { 'confirm-within': '12s' } })
    const lost = await s.run({ tag: `v${TO}` }, { onLine: when(/^watch /, one => one.killRunner()) })
    expect(lost.conclusion).toBe('lost')
    const armed = (): boolean => s.fleet.nodes.some(node => existsSync(join(node.install, 'state', 'switch')))
    for (const until = Date.now() + 60_000; armed(); ) {
      if (Date.now() > until) throw new Error('a node is still armed')
      await sleep(200)
    }
    for (const node of (await s.status()).truth)
      expect(node).toMatchObject({ ...serving(`v${FROM}`), lease: expect.any(String), restored: false })
    const job = await s.run({ mode: 'recover' })
    expectEnd(job, 'failure', { 'reason-code': 'confirmation-lost', version: `v${FROM}`, data: 'kept' })
    for (const node of (await s.status()).truth) expect(node).toMatchObject(serving(`v${FROM}`))
    s.configure()
  }, 240_000)

  test('the snapshot restored on demand: what came later is set aside, and the new version reads it', async () => {
    const there = await s.run({ tag: `v${TO}` })
    expectEnd(there, 'success', { outcome: 'promoted', version: `v${TO}` })
    const job = await s.run({ mode: 'rollback', 'rollback-data': 'restore' })
    expectEnd(job, 'success', { outcome: 'rolled-back', version: `v${FROM}`, data: 'restored' })
    for (const node of (await s.status()).truth) {
      expect(node).toMatchObject({ ...serving(`v${FROM}`), restored: true })
      expect(node.setAside).toHaveLength(1)
    }
  }, 300_000)

  test('through all of it no acknowledged write was lost', async () => {
    const lost = await s.check(next)
    console.log(
      `${lost.acknowledged} writes acknowledged, ${lost.missing.length} missing, ${lost.aside} of them set aside`,
    )
    expect(lost.acknowledged).toBeGreaterThan(1000)
    expect(lost.missing).toEqual([])
  }, 120_000)
}

/** The same fleet file with a limit that no server keeps. */
function strictConfig(s: Scenario): string {
  const limits = { metrics: [{ name: 'goroutines', series: 'go_goroutines', max: 1 }] }
  const name = join('.github', 'strict.yml')
  const text = readFileSync(s.at('workspace', '.github', 'rollout.yml'), 'utf8')
  writeFileSync(s.at('workspace', name), `${text}${stringify(limits)}`)
  return name
}
