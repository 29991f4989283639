import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serving, type Truth } from '../action/ground-truth.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import type { CompositeResult } from '../runner/composite.ts'
import { buildRelease, type BuiltRelease } from '../standin/release.ts'
import { type Moment, momentsIn, seed } from './moments.ts'

/**
 * Each step's process dies at moments spread over its whole length. Whatever it was doing, `settle` of the same job leaves every node
 * on one release and serving, or says `needs-operator` where going back would lose writes.
 */
const STEPS = ['plan', 'snapshot', 'canary', 'promote'] as const
type Step = (typeof STEPS)[number]

console.log(`moments chosen by SEED=${seed}`)

/** Runs the release once undisturbed, to know how long each step takes, and goes back by hand. */
async function measured(s: Scenario, tag: string): Promise<Record<Step, number>> {
  const job = await s.run({ tag })
  expect(job.outputs['outcome'], job.lines.join('\n')).toBe('promoted')
  await goBack(s)
  const took = (step: Step): number => job.steps.find(one => one.id === step)?.ms ?? 0
  return { plan: took('plan'), snapshot: took('snapshot'), canary: took('canary'), promote: took('promote') }
}

async function goBack(s: Scenario): Promise<void> {
  const kept = await s.run({ mode: 'rollback', tag: 'v0.2.1' })
  if (kept.outputs['outcome'] === 'rolled-back') return
  const restored = await s.run({ mode: 'rollback', tag: 'v0.2.1', 'rollback-data': 'restore' })
  expect(restored.outputs['outcome'], kept.lines.concat(restored.lines).join('\n')).toBe('rolled-back')
}

/** A step that is over before its moment is left alone; so is the one after it. */
const killed = (s: Scenario, tag: string, at: { step: Step } & Moment): Promise<CompositeResult> => {
  let current = ''
  return s.run(
    { tag },
    {
      onStep: (id, _pid, job) => {
        current = id
        if (id === at.step)
          setTimeout(() => (current === at.step ? job.killStep(at.scope) : undefined), at.after)
      },
    },
  )
}

/** What `ps`, links and HTTP show: one release everywhere, in service, and nothing left over. */
function oneRelease(truth: Truth[], log: string): string {
  const [version = ''] = truth.map(node => node.runs)
  for (const node of truth) {
    expect(node, log).toMatchObject(serving(version))
    expect(node.pids, log).toHaveLength(1)
  }
  return version
}

const logOf = (job: CompositeResult, at: Moment): string =>
  [
    `killed (${at.scope}) after ${at.after} ms, SEED=${seed}`,
    ...job.lines.filter(line => !/^  (INPUT|ROLLOUT)_/.test(line)),
  ].join('\n')

describe('the old version reads what the new one writes', () => {
  let s: Scenario
  let durations: Record<Step, number>

  beforeAll(async () => {
    const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
    s = await openScenario({ runs, releases: [runs, next], nodes: 2, writes: 10 })
    durations = await measured(s, 'v0.2.2')
  })
  afterAll(() => s?.end())

  test.each(STEPS)('%s', async step => {
    for (const moment of momentsIn(step, durations[step])) {
      const job = await killed(s, 'v0.2.2', { step, ...moment })
      const log = logOf(job, moment)
      const { truth, said } = await s.status()
      const version = oneRelease(truth, log)
      expect(['promoted', 'rolled-back', 'unchanged'], log).toContain(job.outputs['outcome'])
      // a plan that died before it had asked every node knows no version
      const unasked = step === 'plan' && job.outputs['version'] === 'unknown'
      if (!unasked) expect(job.outputs['version'], log).toBe(version)
      if (job.outputs['outcome'] !== 'promoted') expect(job.conclusion, log).toBe('failure')
      expect(version, log).toBe(job.outputs['outcome'] === 'promoted' ? 'v0.2.2' : 'v0.2.1')
      expect(said.code, log + said.text).toBe(0)
      if (version === 'v0.2.2') await goBack(s)
    }
  })

  test('no write was lost', async () => {
    expect((await s.check()).missing).toEqual([])
  })
})

describe('the old version cannot read what the new one writes', () => {
  let s: Scenario
  let durations: Record<Step, number>
  let migrates: BuiltRelease

  beforeAll(async () => {
    const runs = await buildRelease({ version: '0.2.1' })
    migrates = await buildRelease({ version: '0.3.0', faults: { migratesTo: 2 } })
    s = await openScenario({ runs, releases: [runs, migrates], nodes: 2, writes: 10 })
    durations = await measured(s, 'v0.3.0')
  })
  afterAll(() => s?.end())

  test.each(['canary', 'promote'] as const)('%s', async step => {
    for (const moment of momentsIn(`migrating ${step}`, durations[step])) {
      const job = await killed(s, 'v0.3.0', { step, ...moment })
      const log = logOf(job, moment)
      const { truth } = await s.status()
      for (const node of truth)
        expect(node, log).toMatchObject({ ready: true, drained: false, staging: false, locked: false })
      const { outcome = '' } = job.outputs
      if (outcome === 'needs-operator') {
        expect(['cancel-would-lose-writes', 'held-by-policy'], log).toContain(job.outputs['reason-code'])
        const recovered = await s.run({ mode: 'recover', 'rollback-data': 'restore' })
        expect(recovered.outputs['outcome'], log + recovered.lines.join('\n')).toBe('rolled-back')
      } else {
        expect(['promoted', 'rolled-back', 'unchanged'], log).toContain(outcome)
        oneRelease(truth, log)
        if (outcome === 'promoted') await goBack(s)
      }
      oneRelease(await s.truth(), log)
    }
  })

  test('every write is in the live data or readable from what was set aside', async () => {
    expect((await s.check(migrates)).missing).toEqual([])
  })
})
