import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serving } from '../action/ground-truth.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import { when } from '../runner/when.ts'
import { buildRelease } from '../standin/release.ts'
import { type DockerHost, openDocker } from './host.ts'
import { publish } from './images.ts'

/** The runner is gone with everything it had: whoever comes settles containers from what the nodes say, and where nobody comes they bring themselves home. */
let host: DockerHost
let s: Scenario
const WINDOW = 12_000

beforeAll(async () => {
  host = await openDocker()
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  for (const release of [runs, next]) publish(host, release)
  const config = { lease: { ttl: '6s', wait: '0s' }, switch: { 'confirm-within': `${WINDOW / 1000}s` } }
  s = await openScenario({ runs, releases: [runs, next], nodes: 2, host, config })
})
afterAll(async () => {
  await s?.end()
  await host?.close()
})

const armed = (): boolean => s.fleet.nodes.some(node => existsSync(`${node.install}/state/switch`))
async function home(): Promise<void> {
  const until = Date.now() + WINDOW + 60_000
  while (armed()) {
    if (Date.now() > until) throw new Error('a node is still armed')
    await sleep(200)
  }
}

/** The old version in one container each, looked after by Docker as before. */
async function settled(): Promise<void> {
  const { truth, said } = await s.status()
  expect(said.code, said.text).toBe(0)
  for (const node of truth) {
    expect(node).toMatchObject(serving('v0.2.1'))
    expect(node.pids).toHaveLength(1)
  }
  for (const node of s.fleet.nodes) {
    expect(host.docker('inspect', '--format', '{{.HostConfig.RestartPolicy.Name}}', node.name)).toBe(
      'unless-stopped',
    )
    expect(existsSync(`${node.install}/state/held`)).toBe(false)
  }
  const { docker } = host
  expect(docker('ps', '--all', '--format', '{{.Names}}')).not.toContain('rehearsal')
  expect(docker('network', 'ls', '--format', '{{.Name}}')).not.toContain('rehearsal')
}

/** With `KILLS=1` half of them. */
const moments = [
  ['between the stop and the start of the canary', /^canary +db-1 takes a checkpoint/, 0],
  ['right behind its start', /^canary +db-1 is started/, 200],
  ['while the copy is rehearsed', /^snapshot +db-1 proves/, 700],
  ['while the later node is proven', /^promote +db-2 proves/, 1500],
] as const
const some = process.env['KILLS'] === '1' ? moments.slice(0, 2) : moments

test.each(some)(
  'the runner dies %s: every node comes home by itself, with its data',
  async (_, sign, after) => {
    const job = await s.run(
      { tag: 'v0.2.2' },
      { onLine: when(sign, one => void setTimeout(() => one.killRunner(), after)) },
    )
    expect(job.conclusion).toBe('lost')
    await home()
    const done = await s.run({ mode: 'recover' })
    expect(done.outputs['reason-code'], done.lines.join('\n')).toBe('confirmation-lost')
    await settled()
  },
)

test.each([
  ['while the server is paused for a copy', /^snapshot +db-1 takes a checkpoint/],
  ['while the canary is watched', /^watch /],
] as const)('the runner dies %s: somebody comes at once, and recovers', async (_, sign) => {
  const job = await s.run({ tag: 'v0.2.2' }, { onLine: when(sign, one => one.killRunner()) })
  expect(job.conclusion).toBe('lost')
  const done = await s.run({ mode: 'recover' })
  expect(['runner-lost', 'confirmation-lost']).toContain(done.outputs['reason-code'])
  await settled()
})

test('Docker itself is away for a while on the way back of a switch: it is waited for', async () => {
  const job = await s.run({ tag: 'v0.2.2' }, { onLine: when(/^watch /, one => one.killRunner()) })
  expect(job.conclusion).toBe('lost')
  await host.stop()
  await sleep(WINDOW + 5000)
  expect(armed()).toBe(true)
  await host.start()
  await home()
  await s.run({ mode: 'recover' })
  await settled()
})

test('no write was lost', async () => {
  expect((await s.check()).missing).toEqual([])
})
