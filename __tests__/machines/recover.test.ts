import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectEnd } from '../action/scenario.ts'
import { filesWith, namedSecrets } from '../hostile/secrets.ts'
import { watchProcesses } from '../hostile/processes.ts'
import type { CompositeOptions, CompositeResult, RunningJob } from '../runner/composite.ts'
import { when } from '../runner/when.ts'
import { buildRelease } from '../standin/release.ts'
import { serving } from './fleet.ts'
import { adoptAll, type MachineScenario, openMachineScenario, tells } from './scenario.ts'

/** What dies on the way on real machines: the runner, a machine's network, a release that does not start. A fresh runner mends it. */

let s: MachineScenario
const leaks: string[] = []

beforeAll(async () => {
  const [runs, good, broken] = [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3', faults: { failsToStart: 'panic' } }),
  ]
  s = await openMachineScenario({
    machines: 3,
    runs,
    releases: [runs, good, broken],
    config: { lease: { ttl: '10m', wait: '0s' } },
  })
  await adoptAll(s)
}, 240_000)
afterAll(() => s?.end(), 60_000)

let jobs = 0
/** A job of a run that GitHub shows to go on until `ended`. Its processes are watched for secrets. */
async function run(
  inputs: Record<string, string>,
  onLine?: (line: string, job: RunningJob) => void,
): Promise<CompositeResult> {
  s.runs.push({ id: ++jobs, status: 'in_progress' })
  const watch = watchProcesses(namedSecrets(s.secrets))
  const options: Partial<CompositeOptions> = {
    onStep: (_, pid) => watch.step(pid),
    ...(onLine ? { onLine } : {}),
  }
  const job = await s.run(inputs, options)
  leaks.push(...watch.end().leaks)
  return job
}
const ended = (id: number): void => {
  const found = s.runs.find(r => r.id === id)
  if (found) Object.assign(found, { status: 'completed', conclusion: 'failure' })
}
async function everyMachineServes(version: string): Promise<void> {
  const { truth, said } = await s.status()
  expect(said.code, said.text).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving(version))
}

test.each([
  ['while the canary is watched', /^watch /],
  ['between the stop and the start of a machine in a later wave', /^promote +db-2 takes a checkpoint/],
])(
  'the runner is lost %s; a fresh one settles the fleet once that run is known to have ended',
  async (_, sign) => {
    const job = await run(
      { tag: 'v0.2.2' },
      when(sign, one => one.killRunner()),
    )
    expect(job.conclusion).toBe('lost')
    const held = await s.byHand(['status'])
    expect(held.code).toBe(4)
    expect(held.text).toMatch(new RegExp(`lease +db-1 is held by .*run ${jobs} attempt 1`))
    ended(jobs)
    const settled = await run({ mode: 'recover' })
    expectEnd(settled, 'failure', {
      outcome: 'rolled-back',
      'reason-code': 'runner-lost',
      version: 'v0.2.1',
      data: 'kept',
    })
    for (const [i, shown] of (await s.truth()).entries()) tells(settled.summary, `db-${i + 1}`, shown)
    await everyMachineServes('v0.2.1')
  },
)

test('a broken deploy: a release that does not start is met by a copy alone, and the old version still serves', async () => {
  const job = await run({ tag: 'v0.2.3' })
  expectEnd(job, 'failure', { outcome: 'unchanged', 'reason-code': 'rehearsal-failed', version: 'v0.2.1' })
  for (const [i, shown] of (await s.truth()).entries()) tells(job.summary, `db-${i + 1}`, shown)
  await everyMachineServes('v0.2.1')
})

test('a machine that cannot be reached any more does not keep the others from going back, and is settled when it can', async () => {
  const [, second] = s.fleet.machines
  const job = await run(
    { tag: 'v0.2.2' },
    when(/^promote +db-2 is started/, () => second?.cut()),
  )
  expectEnd(job, 'failure', { outcome: 'needs-operator', 'reason-code': 'node-unreachable' })
  expect(job.summary).toMatch(/\| db-2 .*unreachable/)
  second?.heal()
  const truth = await s.truth()
  expect([truth[0], truth[2]].map(node => node?.exe)).toEqual(['v0.2.1', 'v0.2.1'])
  ended(jobs)
  const settled = await run({ mode: 'recover' })
  expectEnd(settled, 'failure', { outcome: 'rolled-back', version: 'v0.2.1' })
  await everyMachineServes('v0.2.1')
})

test('a canary that waits for its approval is promoted from another machine', async () => {
  const waits = await run({ tag: 'v0.2.2', 'stop-after': 'canary' })
  expectEnd(waits, 'success', { outcome: 'stopped', 'reason-code': 'awaiting-approval' })
  const job = await run({ tag: 'v0.2.2', 'plan-hash': waits.outputs['plan-hash'] ?? '' })
  expectEnd(job, 'success', { outcome: 'promoted', version: 'v0.2.2' })
  for (const [i, shown] of (await s.truth()).entries()) tells(job.summary, `db-${i + 1}`, shown)
  await everyMachineServes('v0.2.2')
})

test('no acknowledged write is missing', async () => {
  expect(await s.missing()).toEqual([])
  expect(s.writer.acknowledged.length).toBeGreaterThan(500)
})

test('no secret stood in an argument, an environment of a child, or a file on runner and machines', () => {
  expect(leaks).toEqual([])
  const secrets = namedSecrets(s.secrets)
  const allowed = /(?:^|\/)(?:keys|config|config\.yaml)$/
  // a runner that was killed cleans up nothing: its key lies where the next job of that runner finds an empty folder
  const killed = /^runner-[13]\/_temp\/[^/]+\/ssh\/key$/
  const runner = filesWith(s.at(), secrets).filter(({ path }) => !allowed.test(path) && !killed.test(path))
  expect(runner).toEqual([])
  for (const m of s.fleet.machines) {
    // what it has written itself, beside the files of this machine below it; its data lies on a disk of its own
    for (const folder of [join(m.root, '../over/upper'), m.disk()]) {
      const found = filesWith(folder, secrets)
      expect(
        found.filter(({ path }) => !allowed.test(path)),
        `${m.name} ${folder}`,
      ).toEqual([])
    }
    const log = m.run('journalctl', '--no-pager', '-o', 'cat')
    for (const secret of Object.values(s.secrets))
      expect(log).not.toContain(secret.trim().split('\n').at(-2) ?? secret)
  }
})
