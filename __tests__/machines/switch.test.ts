import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectEnd } from '../action/scenario.ts'
import { ready } from '../local-fleet/server-process.ts'
import type { RunningJob } from '../runner/composite.ts'
import { when } from '../runner/when.ts'
import { buildRelease } from '../standin/release.ts'
import { fileOf, serving } from './fleet.ts'
import type { Machine } from './machine.ts'
import { adoptAll, type MachineScenario, openMachineScenario } from './scenario.ts'

/** Nobody comes: the machines bring themselves home, with systemd's timer and the rights of the user that drives them. */

let s: MachineScenario
const WINDOW = 20_000

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  s = await openMachineScenario({
    machines: 2,
    runs,
    releases: [runs, next],
    walOn: true,
    config: {
      lease: { ttl: '6s', wait: '0s' },
      switch: {
        'confirm-within': `${WINDOW / 1000}s`,
        'on-fire': 'echo "$SWITCH_EVENT $SWITCH_REASON" >>/home/deploy/told',
      },
    },
  })
  await adoptAll(s)
}, 240_000)
afterAll(() => s?.end(), 60_000)

const switchOf = (m: Machine): string =>
  m.run('sh', '-c', 'cat /opt/progressdb/state/switch 2>/dev/null || :')
const timer = (m: Machine): string =>
  m.run('sh', '-c', 'systemctl is-active progressdb-rollout-switch-progressdb.timer || :').trim()

/** Waits until no machine is armed any more. */
async function quiet(within = WINDOW + 60_000): Promise<void> {
  const until = Date.now() + within
  while (s.fleet.machines.some(m => switchOf(m) !== '')) {
    if (Date.now() > until)
      throw new Error(
        s.fleet.machines
          .map(m =>
            m.run(
              'journalctl',
              '--no-pager',
              '-n',
              '60',
              '-u',
              'progressdb-rollout-switch-progressdb.service',
            ),
          )
          .join('\n'),
      )
    await sleep(500)
  }
}

/** `first`: what db-1 serves before the rollout is settled; where its wave had passed, it is not armed any more, and stays. */
async function cameHome(first = 'v0.2.1'): Promise<void> {
  await quiet()
  await Promise.all(s.fleet.machines.map(m => ready(s.fleet.urlOf(m), 30_000)))
  for (const [i, node] of (await s.truth()).entries()) {
    // a node that was never armed keeps the lease of the run that died, and one that was proving a copy the copy, until it is settled
    expect({ ...node, lease: '', staging: false }, `db-${i + 1}`).toMatchObject(
      serving(i === 0 ? first : 'v0.2.1'),
    )
    const m = s.fleet.machines[i]
    expect(m && timer(m)).toBe('inactive')
  }
  const { said } = await s.status()
  expect(said.code, said.text).toBe(4)
  expect(said.text).toContain('confirmation-lost')
  const settled = await s.run({ mode: 'recover' })
  expectEnd(settled, 'failure', { 'reason-code': 'confirmation-lost', version: 'v0.2.1' })
  expect(['rolled-back', 'unchanged']).toContain(settled.outputs['outcome'])
  const { truth, said: after } = await s.status()
  expect(after.code, after.text).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
}

const lost = async (sign: RegExp, { after = 0, also = (): void => undefined } = {}): Promise<void> => {
  const kill = (one: RunningJob): void => {
    one.killRunner()
    also()
  }
  const onLine = when(sign, one => void (after === 0 ? kill(one) : setTimeout(() => kill(one), after)))
  const job = await s.run({ tag: 'v0.2.2' }, { onLine })
  expect(job.conclusion).toBe('lost')
}

/** Moments of a rollout in which a machine is armed: the line that begins it, how long behind that (ms), and which machine. */
const MOMENTS = [
  ['while its canary is paused for a copy', /^snapshot +db-1 takes a checkpoint/, 0, 0],
  ['while the copy is rehearsed', /^snapshot +db-1 proves/, 0, 0],
  ['between the stop and the start', /^canary +db-1 takes a checkpoint/, 0, 0],
  ['right behind its start', /^canary +db-1 is started/, 200, 0],
  ['while its rollback point is proven', /^canary +db-1 proves/, 0, 0],
  ['while the canary is watched', /^watch /, 0, 0],
  ['between the stop and the start of a later wave', /^promote +db-2 takes a checkpoint/, 0, 1],
  ['while a later wave is watched', /^promote +db-2 proves/, 1500, 1],
] as const

const CIRCUMSTANCES: Record<string, (m: Machine) => void | Promise<void>> = {
  'and nothing else happens': () => undefined,
  'and its network': m => m.cut(),
  'and it is started again': m => m.reboot(),
  'and its network, and it is started again': async m => {
    m.cut()
    await m.reboot()
  },
}

/** Each of them in each circumstance; with `KILLS=1` in one. */
const TABLE = MOMENTS.flatMap((moment, i) =>
  Object.entries(CIRCUMSTANCES)
    .filter((_, j, { length }) => process.env['KILLS'] !== '1' || j === i % length)
    .map(([circumstance, befalls]) => ({ moment: moment[0], circumstance, at: moment, befalls })),
)

test.each(TABLE)('the runner is lost $moment, $circumstance: it comes home', async ({ at, befalls }) => {
  const [, sign, after, index] = at
  const machine = s.fleet.machines[index]
  if (!machine) throw new Error('no machine')
  await lost(sign, { after })
  await befalls(machine)
  await quiet()
  machine.heal()
  await cameHome(index === 0 ? 'v0.2.1' : 'v0.2.2')
})

test('the runner is lost and the network with it', async () => {
  const [first] = s.fleet.machines
  await lost(/^watch /, { also: () => first?.cut() })
  await quiet()
  expect(first && fileOf(first, 'home/deploy/told')).toMatch(/fired unconfirmed\nhome unconfirmed\n$/)
  first?.heal()
  await cameHome()
})

test('the machine is started again while it waits: the window begins anew, once', async () => {
  const [first] = s.fleet.machines
  if (!first) throw new Error('no machine')
  await lost(/^watch /)
  await first.reboot()
  await ready(s.fleet.urlOf(first), 30_000)
  // still the new version: the window has begun anew
  expect((await s.truth())[0]).toMatchObject({ exe: 'v0.2.2' })
  expect(timer(first)).toBe('active')
  await cameHome()
})

test('a machine that is started again twice does not wait twice', async () => {
  const [first] = s.fleet.machines
  if (!first) throw new Error('no machine')
  await lost(/^watch /)
  await first.reboot()
  await sleep(8000)
  await first.reboot()
  const began = Date.now()
  await quiet()
  expect(Date.now() - began).toBeLessThan(WINDOW)
  await cameHome()
})

test('a runner that comes back late is fenced off, and its job is red', async () => {
  const job = await s.run(
    { tag: 'v0.2.2' },
    {
      onLine: when(/^watch /, one => {
        one.freeze(WINDOW + 25_000)
      }),
    },
  )
  expectEnd(job, 'failure', { 'reason-code': 'confirmation-lost', version: 'v0.2.1' })
  for (const node of await s.truth()) expect(node).toMatchObject(serving('v0.2.1'))
})

test('a promoted machine never goes back', async () => {
  const job = await s.run({ tag: 'v0.2.2' })
  expectEnd(job, 'success', { outcome: 'promoted' })
  for (const m of s.fleet.machines) expect([switchOf(m), timer(m)]).toEqual(['', 'inactive'])
  await sleep(WINDOW + 8000)
  for (const node of await s.truth()) expect(node).toMatchObject(serving('v0.2.2'))
  const back = await s.run({ mode: 'rollback' })
  expectEnd(back, 'success', { outcome: 'rolled-back', version: 'v0.2.1' })
})

test('no acknowledged write is missing', async () => {
  expect(await s.missing()).toEqual([])
  expect(s.writer.acknowledged.length).toBeGreaterThan(500)
})
