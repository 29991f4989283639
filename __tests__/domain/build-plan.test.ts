import { describe, expect, test } from 'vitest'
import { buildPlan } from '../../src/domain/build-plan.ts'
import type { Event } from '../../src/domain/event.ts'
import type { Lease, Observed } from '../../src/domain/node.ts'
import { plan } from './report/fixtures.ts'
import { fresh, Notes, old, point, ROLLOUT } from './retell/journal.ts'
import { survey, surveyed, wish } from './survey.ts'

const lease = (more: Partial<Lease> = {}): Lease => ({
  rollout: ROLLOUT,
  process: 'p-1',
  token: 3,
  left: 60_000,
  parked: true,
  holder: '@ana',
  doing: 'waiting',
  ...more,
})
const adopted: Event = {
  schema: 1,
  seq: 1,
  at: 1,
  type: 'adopted',
  rollout: 'adopt-1',
  version: old.version,
  sha256: old.sha256,
}
/** What every node keeps of a rollout that waits after its canary. */
const waiting = (): Event[] => [
  adopted,
  ...new Notes()
    .opened('plan')
    .add({ type: 'decided', what: 'planned', plan, hash: 'h' })
    .add({ type: 'decided', what: 'parked', why: 'stop-after', after: 'canary', until: 9e12 }).events,
]
const onNew: Partial<Observed> = {
  running: fresh,
  active: fresh,
  installed: [old, fresh],
  data: { opens: 8, openedBy: fresh, swap: 'none', setAside: [] },
  snapshots: [point()],
}
/** `db-2` is the canary, so that the first node runs the old version. */
const halfWay = (with_: Partial<Lease> = {}) =>
  survey([
    surveyed('db-1', { lease: lease(with_), record: waiting() }),
    surveyed('db-2', { ...onNew, lease: lease(with_), record: waiting() }),
  ])
const rollback = wish({ mode: 'rollback', target: 'previous', order: ['db-1', 'db-2'] })

describe('a rollout that waits for a person', () => {
  test('is taken over by a rollback, which undoes the newer release and frees every node', () => {
    const fact = buildPlan(halfWay(), rollback)
    if (fact.is !== 'planned') expect.fail(JSON.stringify(fact))
    expect(fact.plan.version).toBe(old.version)
    expect(fact.plan.nodes.map(n => [n.node, n.from.version, n.to.version])).toEqual([
      ['db-1', 'v0.2.1', 'v0.2.1'],
      ['db-2', 'v0.2.2', 'v0.2.1'],
    ])
    expect(fact.plan.notes.leftAlone).toEqual([])
  })
  test('with its data: only where there is something to restore', () => {
    const fact = buildPlan(halfWay(), { ...rollback, rollbackData: 'restore' })
    if (fact.is !== 'planned') expect.fail(JSON.stringify(fact))
    expect(fact.plan.restore).toEqual({ 'db-2': point().name })
  })
  test.each([
    ['works', { parked: false }, 'lease-held'],
    ['died', { parked: false, left: 0 }, 'unfinished-rollout'],
  ] as const)('one that %s is not passed over', (_, state, code) => {
    expect(buildPlan(halfWay(state), rollback)).toMatchObject({ is: 'refused', code })
  })
  test('goes on with the same release, and no other', () => {
    expect(buildPlan(halfWay(), wish({ order: ['db-1', 'db-2'] })).is).toBe('resumes')
    expect(buildPlan(halfWay(), wish({ target: 'v0.9.0' }))).toMatchObject({
      is: 'refused',
      code: 'unfinished-rollout',
    })
  })
})

describe('room on a node', () => {
  const found = (facts: object) => {
    const node = surveyed('db-1')
    return buildPlan(survey([{ ...node, facts: { ...node.facts, ...facts } }]), wish())
  }
  test.each([
    ['memory for a copy beside the server', { memoryFree: 1e8 - 1 }, 'MEMORY_SHORT'],
    ['disk for a checkpoint and a copy', { diskFree: 1e11 }, 'DISK_FULL'],
  ] as const)('too little %s is refused', (_, facts, code) => {
    const fact = found(facts)
    if (fact.is !== 'refused') expect.fail(fact.is)
    expect(fact.problems.map(p => p.code)).toEqual([code])
  })
  test('what the fleet file says of a copy beats what the server uses', () => {
    const node = surveyed('db-1')
    const tight = survey([{ ...node, facts: { ...node.facts, memoryFree: 5e7 } }])
    expect(buildPlan(tight, wish({ rehearsalMemory: 4e7 })).is).toBe('planned')
  })
})
