import { describe, expect, test } from 'vitest'
import { apply } from '../../src/domain/apply.ts'
import type { Body, Conclusion, Event } from '../../src/domain/event.ts'
import type { Verdict } from '../../src/domain/measurement.ts'
import { goal } from '../../src/domain/goal.ts'
import { next } from '../../src/domain/next.ts'
import type { Observed } from '../../src/domain/node.ts'
import type { Plan } from '../../src/domain/plan.ts'
import { initial } from '../../src/domain/rollout.ts'
import { contradicted, lastRollout, unfinished } from '../../src/domain/unfinished.ts'
import { plan } from './report/fixtures.ts'
import { fresh, Notes, observed, point, ROLLOUT } from './retell/journal.ts'

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

  test('a rollout that one node alone has made up moves nothing elsewhere, in no direction, and is not said to be done', () => {
    const verdict: Verdict = { is: 'pass', code: 'all-passed', text: '', signals: [], left: 0 }
    const made = new Notes().opened('plan').add({ type: 'decided', what: 'planned', plan, hash: 'h' })
    for (const wave of plan.waves.keys())
      made.add({ type: 'decided', what: 'verdict', wave, verdict, before: [] })
    const end: Conclusion = {
      outcome: 'promoted',
      code: 'all-passed',
      why: '',
      version: 'v',
      data: 'kept',
      owed: [],
    }
    const lines = made.add({ type: 'decided', what: 'outcome', ...end }).events
    const lease = { rollout: ROLLOUT, process: 'p', token: 1, left: 0, parked: true, holder: '', doing: '' }
    const notes = new Notes()
      .opened('plan', { mode: 'recover' })
      .did({ kind: 'plan' }, { is: 'resumes', lines })
      .opened('settle', { mode: 'recover' })
      .inspected('db-1', observed())
      .inspected('db-2', observed())
      .inspected('db-3', observed({ record: lines, lease }))
    const r = notes.events.reduce(apply, initial)
    for (const id of ['db-1', 'db-2']) expect(goal(r, id)).toBeUndefined()
    const freed = notes.inspected('db-3', observed({ running: fresh, active: fresh, record: lines })).events
    expect(next(freed.reduce(apply, initial))).not.toMatchObject({ record: { outcome: 'promoted' } })
  })

  test('what most have closed and let go of is over, whatever one tells beside it', () => {
    const over = kept(plan, [
      {
        schema: 1,
        seq: 9,
        at: 9,
        type: 'decided',
        what: 'outcome',
        outcome: 'promoted',
        code: 'all-passed',
        why: '',
        version: '',
        data: 'kept',
        owed: [],
      },
    ])
    const lease = { rollout: ROLLOUT, process: 'p', token: 1, left: 9, parked: true, holder: '', doing: '' }
    const more = { ...kept(plan, [back, back, back]), lease }
    const found = unfinished({ 'db-1': over, 'db-2': over, 'db-3': more })
    expect(found?.leased).toEqual(['db-3'])
    expect(found?.lines).toEqual(over.record)
  })

  test('a node that has gone on to another rollout is not touched by an older one', () => {
    const lines = kept(plan).record
    const [first] = lines
    if (first?.type !== 'opened') throw new Error('no record')
    const later: Event = { ...first, seq: 50, at: 9e12, rollout: 'r-later' }
    const notes = new Notes()
      .opened('plan')
      .did({ kind: 'plan' }, { is: 'planned', plan, hash: 'h' })
      .opened('settle')
      .inspected('db-1', observed({ running: fresh, active: fresh, record: [...lines, later] }))
      .add({ type: 'decided', what: 'going-back', code: 'lease-lost', why: '', cause: 'interrupted' })
    expect(goal(notes.events.reduce(apply, initial), 'db-1')).toBeUndefined()
    // one that ended without a change leaves the node to those before it
    const end: Conclusion = {
      outcome: 'unchanged',
      code: 'lease-held',
      why: '',
      version: '',
      data: 'untouched',
      owed: [],
    }
    const nothing: Event = { schema: 1, seq: 51, at: 9e12, type: 'decided', what: 'outcome', ...end }
    const now = { running: fresh, active: fresh, snapshots: [point()] }
    notes.inspected('db-1', observed({ ...now, record: [...lines, later, nothing] }))
    expect(goal(notes.events.reduce(apply, initial), 'db-1')).toMatchObject({ release: plan.nodes[0]?.from })
  })
})

test('a status says when the time for an approval is over', () => {
  const asked = { mode: 'status', tag: '' } as const
  const lines = new Notes()
    .opened('plan')
    .add({ type: 'decided', what: 'planned', plan, hash: 'h' })
    .add({ type: 'decided', what: 'parked', why: 'stop-after', after: 'canary', until: 1 }).events
  const notes = new Notes()
    .opened('plan', asked)
    .did({ kind: 'plan' }, { is: 'resumes', lines })
    .opened('settle', asked)
  expect(next(notes.events.reduce(apply, initial))).toMatchObject({
    record: { type: 'concluded', outcome: 'needs-operator', code: 'approval-expired' },
  })
})
