import { expect, test } from 'vitest'
import { apply } from '../../src/domain/apply.ts'
import { goal } from '../../src/domain/goal.ts'
import { next } from '../../src/domain/next.ts'
import { initial } from '../../src/domain/rollout.ts'
import { plan } from './report/fixtures.ts'
import type { Observed } from '../../src/domain/node.ts'
import { fresh, Notes, observed, old, ROLLOUT } from './retell/journal.ts'

test('before a rollback only nodes that move are rehearsed: one that is on the target already is freed, no more', () => {
  const nodes = plan.nodes.map(n => ({ ...n, from: n.node === 'db-1' ? fresh : old, to: old }))
  const back = { ...plan, mode: 'rollback' as const, version: old.version, nodes }
  const notes = new Notes()
    .opened('plan', { mode: 'rollback' })
    .did({ kind: 'plan' }, { is: 'planned', plan: back, hash: 'h' })
    .opened('snapshot', { mode: 'rollback' })
    .inspected('db-1', observed({ running: fresh, active: fresh }))
    .inspected('db-2', observed())
  const r = notes.events.reduce(apply, initial)
  expect(goal(r, 'db-1')?.proof).toEqual([old])
  expect(goal(r, 'db-2')).toMatchObject({ proof: [], release: old, lease: { state: 'ours' } })
})

test('whoever comes second leaves the nodes to the first, whatever they show meanwhile', () => {
  const first = { rollout: 'r-first', process: 'p', token: 1, left: 9, parked: false, holder: '', doing: '' }
  const busy = observed({ running: 'stopped', ready: false, staging: true, lease: first })
  const notes = new Notes()
    .opened('plan')
    .did({ kind: 'plan' }, { is: 'planned', plan, hash: 'h' })
    .add({ type: 'decided', what: 'planned', plan, hash: 'h' })
    .opened('snapshot')
    .add({ type: 'decided', what: 'going-back', code: 'lease-held', why: 'held', cause: 'fault' })
    .opened('settle')
  for (const { node } of plan.nodes) notes.inspected(node, busy)
  const r = notes.events.reduce(apply, initial)
  expect(goal(r, 'db-1')).toBeUndefined()
  expect(next(r)).toMatchObject({ record: { what: 'outcome', outcome: 'unchanged', code: 'lease-held' } })
})

test('leases are taken one after the other, and taken over from an earlier step all at once', () => {
  const lease = { rollout: ROLLOUT, process: 'p', token: 1, left: 9, parked: false, holder: '', doing: '' }
  const asked = (now: Partial<Observed>): string[] => {
    const notes = new Notes()
      .opened('plan')
      .did({ kind: 'plan' }, { is: 'planned', plan, hash: 'h' })
      .add({ type: 'decided', what: 'planned', plan, hash: 'h' })
      .opened('snapshot')
    for (const { node } of plan.nodes) notes.inspected(node, observed(now))
    const found = next(notes.events.reduce(apply, initial))
    return typeof found === 'object' && 'start' in found
      ? found.start.map(t => (t.kind === 'step' ? `${t.step.do} ${t.node}` : t.kind))
      : []
  }
  expect(asked({ lease: 'free' })).toEqual([`lease ${plan.leaseOrder[0]}`])
  expect(asked({ lease: { ...lease, rollout: 'r-other' } })).toEqual([`lease ${plan.leaseOrder[0]}`])
  expect(asked({ lease })).toEqual(plan.leaseOrder.map(id => `lease ${id}`))
})
