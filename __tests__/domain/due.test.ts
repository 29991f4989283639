import { describe, expect, test } from 'vitest'
import { apply } from '../../src/domain/apply.ts'
import { fault } from '../../src/domain/due.ts'
import type { Failure } from '../../src/domain/event.ts'
import { next } from '../../src/domain/next.ts'
import { initial, type Rollout } from '../../src/domain/rollout.ts'
import { plan, proof } from './report/fixtures.ts'
import { fresh, Notes, observed } from './retell/journal.ts'

const MB = 1e6
/** A canary that was rehearsed, and a node whose own copy was not, on its way to the new version. */
const begun = () =>
  new Notes()
    .opened('plan')
    .did({ kind: 'plan' }, { is: 'planned', plan, hash: 'h' })
    .add({ type: 'decided', what: 'planned', plan, hash: 'h' })
    .opened('canary')
    .add({
      type: 'decided',
      what: 'rehearsed',
      class: 'keeps-data',
      proofs: { 'db-1': proof },
      hash: 'h',
    })
    .inspected('db-1', observed())
    .inspected('db-2', observed())
const fold = (notes: Notes): Rollout => notes.events.reduce(apply, initial)
const ending = (node: string, kind: Failure['kind']) =>
  fault(
    fold(
      begun().failed(
        { kind: 'step', node, step: { do: 'start', release: fresh } },
        { kind, effect: 'none', what: 'it did not' },
      ),
    ),
  )

describe('the reason that a failed step amounts to', () => {
  test.each([
    ['db-1', 'ended', 'start-failed'],
    ['db-1', 'ready', 'not-ready'],
    ['db-1', 'check', 'invariants-failed'],
    ['db-2', 'ended', 'rehearsal-surprise'],
    ['db-2', 'ready', 'rehearsal-surprise'],
    ['db-2', 'check', 'rehearsal-surprise'],
    ['db-2', 'stop', 'unclean-stop'],
    ['db-2', 'disk', 'disk-reserve'],
  ] as const)('on %s, %s: %s', (node, kind, code) => {
    expect(ending(node, kind)).toMatchObject({ what: 'going-back', code, cause: 'fault' })
  })
})

test('a node that has no room for what the rehearsal measured stops the release before any node is stopped', () => {
  const disk = { data: 100 * MB, point: MB, staging: 100 * MB, free: 150 * MB, total: 0 }
  const tight = { ...plan, notes: { ...plan.notes, disk: { 'db-3': disk } } }
  const held = { rollout: 'r-7f3a', process: 'p-3', token: 1, left: 9, parked: false, holder: '', doing: '' }
  const written = { ...proof, bytesBefore: 10 * MB, bytesWritten: 6 * MB }
  const notes = new Notes()
    .opened('plan')
    .did({ kind: 'plan' }, { is: 'planned', plan: tight, hash: 'h' })
    .opened('snapshot')
  for (const id of ['db-1', 'db-2', 'db-3'])
    notes.inspected(id, observed({ lease: held, record: notes.events.filter(e => e.type === 'opened') }))
  const r = fold(notes)
  expect(next({ ...r, proofs: { 'db-1': written } })).toMatchObject({
    record: {
      what: 'going-back',
      code: 'disk-reserve',
      why: expect.stringContaining('db-3 has 150 MB free'),
    },
  })
})
