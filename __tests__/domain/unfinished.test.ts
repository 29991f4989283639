import { expect, test } from 'vitest'
import type { Body, Event } from '../../src/domain/event.ts'
import { lastRollout, unfinished } from '../../src/domain/unfinished.ts'
import { observed } from './retell/journal.ts'

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
