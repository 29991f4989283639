import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serving } from '../action/ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { realRelease } from '../fleet/real-release.ts'
import { type BuiltRelease, writeDist } from '../standin/release.ts'
import { type DockerHost, openDocker } from './host.ts'
import { publish } from './images.ts'

/** The same two real servers as in fleet/real-progressdb.test.ts, each in an image of its own. */
const OLD = process.env['PROGRESSDB_BIN_OLD'] ?? ''
const NEW = process.env['PROGRESSDB_BIN'] ?? ''

if (OLD === '' || NEW === '')
  test.skip('PROGRESSDB_BIN_OLD and PROGRESSDB_BIN name no ProgressDB 0.2.1 and 0.2.2: set both to roll real images out', () => {})
else describe('real servers in containers', realServers)

function realServers(): void {
  let host: DockerHost
  let s: Scenario
  let home = ''
  let next: BuiltRelease

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'real-'))
    host = await openDocker()
    const runs = await realRelease(OLD, '0.2.1', join(home, 'old'))
    next = await realRelease(NEW, '0.2.2', join(home, 'new'))
    await writeDist(next, join(home, 'dist'))
    for (const release of [runs, next]) publish(host, release)
    const config = { releases: { directory: join(home, 'dist') }, canary: { watch: '8s' } }
    s = await openScenario({ runs, releases: [runs, next], host, server: 'real', messages: 2000, config })
  })
  afterAll(async () => {
    await s?.end()
    await host?.close()
    await rm(home, { recursive: true, force: true })
  })

  test('are promoted, go back by hand with every write, and with the snapshot on demand', async () => {
    expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', {
      outcome: 'promoted',
      version: 'v0.2.2',
      data: 'kept',
    })
    for (const node of (await s.status()).truth) expect(node).toMatchObject(serving('v0.2.2'))
    const back = await s.run({ mode: 'rollback', reason: 'the numbers look odd' })
    expectEnd(back, 'success', { outcome: 'rolled-back', version: 'v0.2.1', data: 'kept' })
    expectEnd(await s.run({ tag: 'v0.2.2' }), 'success', { outcome: 'promoted', version: 'v0.2.2' })
    const restored = await s.run({ mode: 'rollback', 'rollback-data': 'restore' })
    expectEnd(restored, 'success', { outcome: 'rolled-back', version: 'v0.2.1', data: 'restored' })
    for (const node of (await s.status()).truth)
      expect(node).toMatchObject({ ...serving('v0.2.1'), restored: true })
  })

  test('through all of it no acknowledged write was lost', async () => {
    const lost = await s.check(next)
    console.log(
      `${lost.acknowledged} writes acknowledged, ${lost.missing.length} missing, ${lost.aside} of them set aside`,
    )
    expect(lost.acknowledged).toBeGreaterThan(500)
    expect(lost.missing).toEqual([])
  })
}
