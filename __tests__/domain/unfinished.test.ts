import { describe, expect, test } from 'vitest'
import { apply } from '../../src/domain/apply.ts'
import type { Body, Event } from '../../src/domain/event.ts'
import { goal } from '../../src/domain/goal.ts'
import { next } from '../../src/domain/next.ts'
import type { Observed } from '../../src/domain/node.ts'
import type { Plan } from '../../src/domain/plan.ts'
import { initial } from '../../src/domain/rollout.ts'
import { contradicted, lastRollout, unfinished } from '../../src/domain/unfinished.ts'
import { plan } from './report/fixtures.ts'
import { Notes, observed } from './retell/journal.ts'

const by = { process: 'p', who: '', run: '', host: '' }
const request = {
  mode: 'release',
  tag: 'v1',
  stopAfter: 'none',
  planHash: '',
  rollbackData: 'auto',
  reason: '',
} as const
const line = (body: Body, seq: number): Event => ({ schema: 1, seq, at: seq, ...body })
const record = [
  line({ type: 'opened', rollout: 'r-1', step: 'plan', by, request }, 1),
  line({ type: 'setting-changed', rollout: 'r-1', what: 'hold' }, 2),
  line({ type: 'setting-changed', rollout: 'r-1', what: 'let-go' }, 3),
]
const outcome = line(
  {
    type: 'decided',
    what: 'outcome',
    outcome: 'rolled-back',
    code: 'not-ready',
    why: '',
    version: 'v0',
    data: 'kept',
    owed: [],
  },
  4,
)

test("what a node says of itself alone is none of the rollout's lines", () => {
  expect(lastRollout([...record, outcome]).map(e => e.type)).toEqual(['opened', 'decided'])
})

test('the longest record is the one with the most decisions, not with the most changed settings', () => {
  const seen = {
    'db-1': observed({ record }),
    'db-2': observed({ record: [...record.slice(0, 1), outcome] }),
  }
  expect(unfinished({ 'db-2': seen['db-2'] })).toBeUndefined()
  expect(unfinished(seen)).toBeUndefined()
})

describe('records that contradict each other', () => {
  const other = { ...plan, version: 'v9.9.9' }
  const kept = (of: Plan, more: Event[] = []): Observed =>
    observed({
      record: [
        ...new Notes().opened('plan').add({ type: 'decided', what: 'planned', plan: of, hash: 'h' }).events,
        ...more,
      ],
    })
  const back: Event = {
    schema: 1,
    seq: 3,
    at: 9,
    type: 'decided',
    what: 'going-back',
    code: 'not-ready',
    why: '',
    cause: 'fault',
  }

  test('most of them are believed, however long the one is that differs', () => {
    const found = unfinished({ 'db-1': kept(other, [back, back]), 'db-2': kept(plan), 'db-3': kept(plan) })
    expect(found).toMatchObject({ strange: ['db-1'] })
    expect(JSON.stringify(found?.lines)).not.toContain('v9.9.9')
  })

  test('of two that differ nobody is believed', () => {
    const found = unfinished({ 'db-1': kept(other), 'db-2': kept(plan) })
    expect(found).toMatchObject({ lines: [], strange: ['db-1', 'db-2'] })
    if (!found) throw new Error('nothing found')
    expect(contradicted(found)).toMatchObject({
      code: 'records-differ',
      problems: [{ code: 'RECORDS_DIFFER' }, { code: 'RECORDS_DIFFER' }],
    })
  })

  test('one that has more lines of the same plan differs in nothing', () => {
    const found = unfinished({ 'db-1': kept(plan, [back]), 'db-2': kept(plan) })
    expect(found).toMatchObject({ strange: [] })
    expect(found?.lines).toHaveLength(3)
  })

  test('the node that differs is left alone and named, and the others go home', () => {
    const lines = kept(plan).record
    const notes = new Notes()
      .opened('plan', { mode: 'recover' })
      .did({ kind: 'plan' }, { is: 'resumes', lines, strange: ['db-1'] })
      .opened('settle', { mode: 'recover' })
      .inspected('db-2', observed({ record: lines }))
      .inspected('db-3', observed({ record: lines }))
      .add({ type: 'decided', what: 'going-back', code: 'runner-lost', why: '', cause: 'interrupted' })
    const r = notes.events.reduce(apply, initial)
    expect(goal(r, 'db-1')).toBeUndefined()
    expect(next(r)).toMatchObject({
      record: { what: 'outcome', outcome: 'needs-operator', why: expect.stringContaining('db-1') },
    })
  })

  test('a node whose own record says nothing of the rollout is not touched by what others say of it', () => {
    const lines = kept(plan).record
    const notes = new Notes()
      .opened('plan', { mode: 'recover' })
      .did({ kind: 'plan' }, { is: 'resumes', lines })
      .opened('settle', { mode: 'recover' })
      .inspected('db-1', observed({ running: 'stopped', ready: false }))
      .add({ type: 'decided', what: 'going-back', code: 'runner-lost', why: '', cause: 'interrupted' })
    expect(goal(notes.events.reduce(apply, initial), 'db-1')).toBeUndefined()
  })
})
