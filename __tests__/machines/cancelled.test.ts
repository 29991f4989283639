import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { momentsIn, seed } from '../fleet/moments.ts'
import type { CompositeResult } from '../runner/composite.ts'
import { buildRelease } from '../standin/release.ts'
import { serving } from './fleet.ts'
import { adoptAll, type MachineScenario, openMachineScenario } from './scenario.ts'

/**
 * A job is cancelled at moments spread over each of its steps, with the signals and the times of GitHub's runner. Its last step puts
 * everything back well within four minutes, or what is left is armed, named, and comes home by itself. `KILLS` is how many moments each
 * step has.
 */
const STEPS = ['plan', 'snapshot', 'canary', 'promote'] as const
type Step = (typeof STEPS)[number]
const ENOUGH = 240_000
const WINDOW = 30_000

let s: MachineScenario
let took: Record<Step, number>

beforeAll(async () => {
  console.log(`moments chosen by SEED=${seed}`)
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  const config = { lease: { ttl: '10s', wait: '0s' }, switch: { 'confirm-within': `${WINDOW / 1000}s` } }
  s = await openMachineScenario({ machines: 2, runs, releases: [runs, next], walOn: true, config })
  await adoptAll(s)
  const job = await s.run({ tag: 'v0.2.2' })
  expect(job.outputs['outcome'], job.lines.join('\n')).toBe('promoted')
  const ms = (step: Step): number => job.steps.find(one => one.id === step)?.ms ?? 0
  took = { plan: ms('plan'), snapshot: ms('snapshot'), canary: ms('canary'), promote: ms('promote') }
  await goBack()
}, 300_000)
afterAll(() => s?.end(), 60_000)

async function goBack(): Promise<void> {
  const back = await s.run({ mode: 'rollback', tag: 'v0.2.1' })
  expect(back.outputs['outcome'], back.lines.join('\n')).toBe('rolled-back')
}

/** The job, and how long it took from the cancel to its end, ms; a step that is over before its moment is left alone. */
async function cancelled(step: Step, after: number): Promise<{ job: CompositeResult; ended: number }> {
  let current = ''
  let at: number | undefined
  const job = await s.run(
    { tag: 'v0.2.2' },
    {
      afterCancel: ENOUGH,
      onStep: (id, _pid, one) => {
        current = id
        if (id !== step) return
        setTimeout(() => {
          if (current !== step) return
          at = performance.now()
          one.cancel()
        }, after)
      },
    },
  )
  return { job, ended: at === undefined ? 0 : performance.now() - at }
}

const MOMENTS = STEPS.flatMap(step =>
  momentsIn(`cancelled ${step}`, 1000).map(({ after }) => ({ step, at: after / 1000 })),
)
const longest = new Map<Step, number>()

test.each(MOMENTS)('cancelled in $step, at $at of it', async ({ step, at }) => {
  const { job, ended } = await cancelled(step, at * took[step])
  const log = `SEED=${seed}\n${job.lines.filter(l => !/^  (?:INPUT|ROLLOUT)_/.test(l)).join('\n')}`
  longest.set(step, Math.max(longest.get(step) ?? 0, ended))
  expect(ended, log).toBeLessThan(ENOUGH)
  const { outcome = '' } = job.outputs
  expect(['promoted', 'rolled-back', 'unchanged', 'needs-operator'], log).toContain(outcome)
  if (ended > 0 && outcome !== 'promoted') expect(job.conclusion, log).not.toBe('success')
  if (outcome === 'needs-operator') {
    // named in the summary with the line that disarms it, and at home without anybody
    expect(job.summary, log).toContain('**Armed**')
    await sleep(WINDOW + 40_000)
    const settled = await s.run({ mode: 'recover' })
    expect(settled.outputs['version'], log + settled.lines.join('\n')).toBe('v0.2.1')
  }
  const { truth, said } = await s.status()
  expect(said.code, log + said.text).toBe(0)
  const version = outcome === 'promoted' ? 'v0.2.2' : 'v0.2.1'
  for (const node of truth) expect(node, log).toMatchObject(serving(version))
  if (outcome === 'promoted') await goBack()
})

test('no acknowledged write is missing', async () => {
  for (const [step, ms] of longest)
    console.log(`${step}: at most ${Math.round(ms / 100) / 10} s from the cancel to the end of the job`)
  expect(await s.missing()).toEqual([])
})
