import { expect, test } from 'vitest'
import { report } from '../../src/domain/report.ts'
import { armedText, disarmLine, type Fired, firedText } from '../../src/domain/switch.ts'
import { waiting } from './report/fixtures.ts'

const line = (what: Fired['what'], why: string): Fired => ({
  schema: 1,
  seq: 0,
  at: 1,
  type: 'fired',
  rollout: 'r-1',
  what,
  why,
})

test.each([
  [[line('fired', 'unconfirmed')], 'its switch fired: nobody confirmed the rollout in time'],
  [
    [line('fired', 'unconfirmed'), line('home', 'unconfirmed')],
    'it went back by itself: nobody confirmed the rollout in time',
  ],
  [
    [line('fired', 'server-ended'), line('held', 'would-lose-writes')],
    'its switch fired (its server had ended, and nobody was there) and left it as it is: going back would have lost writes',
  ],
  [[line('fired', 'a-newer-reason')], 'its switch fired: a-newer-reason'],
])('what a switch did, in words', (lines, text) => expect(firedText(lines)).toBe(text))

test('an armed node says until when, by its own clock, and whether anything looks', () => {
  const at = Date.parse('2026-11-22T22:00:00Z')
  const armed = { rollout: 'r-1', left: 90_000, phase: 'armed', keeps: true, watched: true } as const
  expect(armedText('db-1', armed, at)).toBe(
    'db-1 goes back by itself at 22:01:30 UTC unless somebody goes on with r-1',
  )
  expect(armedText('db-1', { ...armed, watched: false }, at)).toContain(
    'if the program that looks were there',
  )
  expect(armedText('db-1', { ...armed, left: -5 }, at)).toContain('22:00:00 UTC')
  expect(armedText('db-1', { ...armed, phase: 'fired' }, at)).toContain('is going back by itself')
})

test('the line that disarms a node survives any path, and stands in every page', () => {
  expect(disarmLine("/opt/it's")).toBe(
    String.raw`flock '/opt/it'\''s/state/lock' rm '/opt/it'\''s/state/switch'`,
  )
  const armed = [
    { node: 'db-1', text: 'db-1 goes back by itself at 22:01:30 UTC', line: disarmLine('/opt/x') },
  ]
  const told = report({ ...waiting, armed })
  for (const page of [told.markdown, told.plain]) {
    expect(page).toMatch(/Armed/)
    expect(page).toContain("flock '/opt/x/state/lock' rm '/opt/x/state/switch'")
  }
  expect(report(waiting).plain).not.toMatch(/Armed/)
})
