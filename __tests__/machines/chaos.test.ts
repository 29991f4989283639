import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seed, sequence } from '../fleet/moments.ts'
import { buildRelease } from '../standin/release.ts'
import { type Moment, NEXT, RUNS, survives, WINDOW } from './chaos.ts'
import { type FaultName, readyForSkew } from './faults.ts'
import type { MachineFleet } from './fleet.ts'
import { adoptAll, type MachineScenario, openMachineScenario } from './scenario.ts'

/**
 * Whatever happens to a machine in the middle of a release, while clients write: links, power, kernels, servers, disks and clocks. Where
 * and when is drawn from `SEED`. `CHAOS` is how many moments each fault has (4, and 20 for links), which takes an hour for each kind of
 * fleet; with 0 a cut link and one other fault have one, always the same.
 */
const COUNT = Number(process.env['CHAOS'] ?? 4)
const CUTS = Number(process.env['CHAOS'] ?? 20)
const SEED = COUNT === 0 ? 1 : seed
const OTHERS: readonly FaultName[] = ['slow', 'reboot', 'freeze', 'full', 'crash', 'readonly', 'eio']

/** One in each equal part of a release, so that every part is met; mostly on the canary, and sometimes the runner dies as well. */
function momentsOf(kind: MachineFleet['kind']): Moment[] {
  const others: readonly FaultName[] = kind === 'process' ? [...OTHERS, 'skew'] : OTHERS
  const few = others.slice(Math.floor(sequence(`${SEED} ${kind}`)() * others.length)).slice(0, 1)
  const faults: readonly FaultName[] = ['cut', ...(COUNT === 0 ? few : others)]
  return faults.flatMap(fault => {
    const random = sequence(`${SEED} ${kind} ${fault}`)
    const count = Math.max(1, fault === 'cut' ? CUTS : COUNT)
    return Array.from({ length: count }, (_, i) => ({
      fault,
      machine: random() < 0.6 ? 0 : 1,
      at: Math.round(((i + random()) / count) * 1000) / 1000,
      // of a clock: for as long as a job may take
      lasts: fault === 'skew' ? 40_000 : 1000 + Math.round(random() * 29_000),
      lost: fault === 'skew' || random() < 0.3,
    }))
  })
}

describe.each(['unit', 'process'] as const)('servers: %s', kind => {
  let s: MachineScenario
  let duration = 0

  beforeAll(async () => {
    console.log(`${kind}: moments chosen by SEED=${SEED}`)
    const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
    const config = { lease: { ttl: '6s', wait: '0s' }, switch: { 'confirm-within': `${WINDOW / 1000}s` } }
    s = await openMachineScenario({ machines: 2, runs, releases: [runs, next], walOn: true, kind, config })
    if (kind === 'unit') await adoptAll(s)
    else {
      for (const m of s.fleet.machines) readyForSkew(m)
      const adopted = await s.byHand(['adopt', '--yes'])
      expect(adopted.code, adopted.text).toBe(0)
    }
    const began = performance.now()
    const job = await s.run({ tag: NEXT })
    expect(job.outputs['outcome'], job.lines.join('\n')).toBe('promoted')
    duration = performance.now() - began
    const back = await s.run({ mode: 'rollback', tag: RUNS })
    expect(back.outputs['outcome'], back.lines.join('\n')).toBe('rolled-back')
  }, 300_000)
  afterAll(() => s?.end(), 60_000)

  test.each(momentsOf(kind))(
    '$fault at $at of a release, on machine $machine for $lasts ms, runner lost: $lost',
    async moment => {
      console.log(`${kind} ${moment.fault}: ${await survives(s, moment, duration)}`)
    },
  )

  test('no acknowledged write is missing', async () => {
    expect(await s.missing()).toEqual([])
    expect(s.writer.acknowledged.length).toBeGreaterThan(200)
  })
})
