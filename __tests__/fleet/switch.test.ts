import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { existsSync } from 'node:fs'
import { serving } from '../action/ground-truth.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import { when } from '../runner/when.ts'
import { buildRelease } from '../standin/release.ts'

/**
 * The runner is gone with everything it had, and nobody comes: the nodes, plain processes here, bring themselves home. Machines of
 * systemd do the same in machines/switch.test.ts.
 */
let s: Scenario
const WINDOW = 12_000

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  const config = { lease: { ttl: '6s', wait: '0s' }, switch: { 'confirm-within': `${WINDOW / 1000}s` } }
  s = await openScenario({ runs, releases: [runs, next], nodes: 2, config })
})
afterAll(() => s?.end())

const armed = (): boolean => s.fleet.nodes.some(node => existsSync(`${node.install}/state/switch`))

/** Within the window plus one restart. */
async function home(within = WINDOW + 40_000): Promise<void> {
  const until = Date.now() + within
  while (armed()) {
    if (Date.now() > until) throw new Error('a node is still armed')
    await sleep(200)
  }
}

/** With `KILLS=1` every second one: machines/switch.test.ts meets them all. */
const moments = [
  ['while the canary is paused for a copy', /^snapshot +db-1 takes a checkpoint/, 0],
  ['while the copy is rehearsed', /^snapshot +db-1 proves/, 0],
  ['between the stop and the start of the canary', /^canary +db-1 takes a checkpoint/, 0],
  ['right behind its start', /^canary +db-1 is started/, 200],
  ['while the rollback point is proven', /^canary +db-1 proves/, 0],
  ['while the canary is watched', /^watch /, 0],
  ['between the stop and the start of a later node', /^promote +db-2 takes a checkpoint/, 0],
  ['while the later node is watched', /^promote +db-2 proves/, 1500],
] as const
const some = moments.filter((_, i) => process.env['KILLS'] !== '1' || i % 2 === 0)

test.each(some)('the whole runner dies %s: every node comes home with its data', async (_, sign, after) => {
  const job = await s.run(
    { tag: 'v0.2.2' },
    { onLine: when(sign, one => void setTimeout(() => one.killRunner(), after)) },
  )
  expect(job.conclusion).toBe('lost')
  await home()
  const settled = await s.run({ mode: 'recover' })
  expect(settled.conclusion, settled.lines.join('\n')).toBe('failure')
  expect(settled.outputs['reason-code'], settled.lines.join('\n')).toBe('confirmation-lost')
  const { truth, said } = await s.status()
  expect(said.code, said.text).toBe(0)
  for (const node of truth) {
    expect(node).toMatchObject(serving('v0.2.1'))
    expect(node.pids).toHaveLength(1)
  }
})

test('an approval that comes too late finds the node at home, and never upgrades it anew', async () => {
  const config = { 'approve-within': '60s' }
  s.configure(config)
  const waits = await s.run({ tag: 'v0.2.2', 'stop-after': 'canary' })
  expect(waits.outputs).toMatchObject({ outcome: 'stopped', 'reason-code': 'awaiting-approval' })
  expect(waits.summary).toMatch(/\*\*Armed\*\*[^]*db-1 goes back by itself at [\d:]+ UTC[^]*flock /)
  await home(100_000)
  const status = await s.byHand('status')
  expect([status.code, status.text]).toEqual([4, expect.stringContaining('confirmation-lost')])
  const late = await s.run({ tag: 'v0.2.2' })
  expect(late.conclusion).toBe('failure')
  expect(late.outputs, late.lines.join('\n')).toMatchObject({
    outcome: 'rolled-back',
    'reason-code': 'confirmation-lost',
    version: 'v0.2.1',
  })
  for (const node of (await s.status()).truth) expect(node).toMatchObject(serving('v0.2.1'))
  s.configure()
})

test('a promoted node never goes back', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expect(job.outputs, job.lines.join('\n')).toMatchObject({ outcome: 'promoted' })
  expect(armed()).toBe(false)
  await sleep(WINDOW + 3000)
  for (const node of (await s.status()).truth) expect(node).toMatchObject(serving('v0.2.2'))
})

test('no write was lost', async () => {
  expect((await s.check()).missing).toEqual([])
})
