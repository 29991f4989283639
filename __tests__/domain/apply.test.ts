import { expect, test } from 'vitest'
import { apply } from '../../src/domain/apply.ts'
import type { Body, Event } from '../../src/domain/event.ts'
import { initial } from '../../src/domain/rollout.ts'

const fold = (bodies: Body[]) =>
  bodies.map((body, i): Event => ({ schema: 1, seq: i + 1, at: i, ...body })).reduce(apply, initial)

const promoted: Body = {
  type: 'decided',
  what: 'outcome',
  outcome: 'promoted',
  code: 'all-passed',
  why: '',
  version: 'v2',
  data: 'kept',
  owed: [],
}
const back: Body = { type: 'decided', what: 'going-back', code: 'runner-lost', why: '', cause: 'interrupted' }

test('an outcome that reached a record late is not true any more once a later run decided to go back', () => {
  expect(fold([promoted]).outcome).toMatchObject({ outcome: 'promoted' })
  const later = fold([promoted, back])
  expect(later.outcome).toBeUndefined()
  expect(later.goingBack).toMatchObject({ code: 'runner-lost' })
  expect(fold([back, promoted]).outcome).toMatchObject({ outcome: 'promoted' })
})
