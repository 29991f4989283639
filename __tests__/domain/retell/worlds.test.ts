import { expect, test } from 'vitest'
import type { Event } from '../../../src/domain/event.ts'
import type { NodeId, Observed } from '../../../src/domain/node.ts'
import { report } from '../../../src/domain/report.ts'
import type { ReportInput } from '../../../src/domain/report/input.ts'
import { exhaust, seeded } from '../model/choose.ts'
import { good, natures as named } from '../model/stories.ts'
import { type Scenario, World } from '../model/world.ts'
import { told } from './context.ts'

const natures = Object.values(named)

test('every path of one undrained node with at most one fault is told as it was', { timeout: 60_000 }, () => {
  const outcomes = new Set<string>()
  for (const nature of natures.filter(({ drain }) => !drain)) {
    const runs = exhaust(1, choose => lived(new World({ nodes: 1, waveSize: 1, nature }, choose), outcomes))
    expect(runs).toBeGreaterThan(10)
  }
  expect([...outcomes].toSorted()).toEqual([
    'needs-operator',
    'promoted',
    'rolled-back',
    'stopped',
    'unchanged',
  ])
})

test('random worlds are told as they were', { timeout: 120_000 }, () => {
  const first = Number(process.env['MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const outcomes = new Set<string>()
  for (let seed = first; seed < first + 300; seed++) {
    const { choose, random } = seeded(seed, 0.04)
    const pick = <T>(of: T[], or: T): T => of[Math.floor(random() * of.length)] ?? or
    const request: Scenario['request'] = {
      stopAfter: pick(['none', 'none', 'plan', 'rehearse', 'canary'], 'none'),
    }
    const onInconclusive = pick<'rollback' | 'hold'>(['rollback', 'hold'], 'hold')
    const world = new World(
      { nodes: 4, waveSize: 2, nature: pick(natures, good), request, onInconclusive },
      choose,
    )
    try {
      lived(world, outcomes)
    } catch (problem) {
      throw new Error(`seed ${seed}: ${problem instanceof Error ? problem.message : String(problem)}`, {
        cause: problem,
      })
    }
  }
  // which outcomes so few random worlds come to is chance
  expect(outcomes.size).toBeGreaterThan(1)
})

/** A job with faults, whatever follows it, and a rollback by hand; each told as soon as it has ended. */
function lived(world: World, outcomes: Set<string>): void {
  for (const request of [{}, {}, { mode: 'recover' }, { mode: 'status' }, { mode: 'rollback' }] as const) {
    world.job(request.mode ? { ...request, stopAfter: 'none' } : request)
    const journal = world.journals.at(-1) ?? []
    const input = told(journal)
    truthful(world, journal, input)
    expect(report(input).markdown.length).toBeGreaterThan(100)
    outcomes.add(input.outcome)
  }
}

function truthful(world: World, journal: readonly Event[], input: ReportInput): void {
  const last = journal.at(-1)
  if (last?.type === 'concluded') {
    expect([input.outcome, input.code, input.why, input.data]).toEqual([
      last.outcome,
      last.code,
      last.why,
      last.data,
    ])
  } else {
    expect([input.outcome, input.code]).toEqual(['needs-operator', 'unfinished-rollout'])
    expect(input.owed).not.toEqual([])
  }
  for (const told of input.nodes) {
    if (told.state !== 'serving') continue
    const seen = lastAnswer(journal, told.name)
    expect(seen?.ready).toBe(true)
    expect(seen?.traffic).not.toBe('drained')
    expect(typeof seen?.running === 'object' && seen.running.version).toBe(told.now)
    // it may have gone back by itself since: that it is armed, and until when, is said beside it
    if (seen?.armed) {
      expect(input.armed.map(({ node }) => node)).toContain(told.name)
      continue
    }
    // and so it is
    const real = world.of(told.name)
    expect(real.running !== 'stopped' && real.running.version).toBe(told.now)
    expect(real.inTraffic).toBe(true)
  }
  for (const node of input.nodes) {
    if (node.wentBack) expect(node.now).toBe('v1.0.0')
    expect(node.gaps.every(gap => gap.ms >= 0)).toBe(true)
  }
  expect(input.timeline.every(segment => segment.end >= segment.start)).toBe(true)
}

const lastAnswer = (journal: readonly Event[], id: NodeId): Observed | undefined =>
  journal
    .flatMap(e => (e.type === 'done' && e.fact.is === 'observed' && e.fact.node === id ? [e.fact.now] : []))
    .at(-1)
