import { expect, test } from 'vitest'
import type { UnitFacts } from '../../src/domain/facts.ts'
import { unitProblems } from '../../src/domain/unit-problems.ts'
import { facts, surveyed } from './survey.ts'

const apart: UnitFacts = {
  user: 'progressdb',
  dataOwner: 'progressdb',
  data: '/srv/data',
  settings: '',
  madeBy: 'a1',
  hasSwitch: true,
  changedSince: [],
  exposed: [],
  unwritable: '',
  configFixed: true,
}
const codes = (unit: Partial<UnitFacts>, more = {}): string[] =>
  unitProblems(surveyed('db-1', {}, { facts: facts({ unit: { ...apart, ...unit }, ...more }) })).map(
    p => p.code,
  )

test('a unit whose two users are apart has no problem, and neither has a plain process', () => {
  expect(codes({})).toEqual([])
  expect(unitProblems(surveyed('db-1'))).toEqual([])
})

test.each<[Partial<UnitFacts>, string]>([
  [{ exposed: ['/opt/progressdb/releases'] }, 'USERS_NOT_APART'],
  [{ madeBy: '' }, 'UNIT_NOT_ADOPTED'],
  [{ hasSwitch: false }, 'UNIT_WITHOUT_SWITCH'],
  [{ changedSince: ['/etc/systemd/system/progressdb.service'] }, 'UNIT_CHANGED'],
  [{ unwritable: '/var/lib' }, 'DATA_WITHOUT_ROOM'],
])('%j is %s', (unit, code) => {
  expect(codes(unit)).toEqual([code])
})

test('a configuration for the new version needs a folder in which it can take its place', () => {
  expect(codes({ configFixed: true }, { configNextSha: 'e' })).toEqual(['CONFIG_NOT_WRITABLE'])
  expect(codes({ configFixed: false }, { configNextSha: 'e' })).toEqual([])
})

test('what a node calls its paths is made printable', () => {
  const [problem] = unitProblems(
    surveyed('db-1', {}, { facts: facts({ unit: { ...apart, exposed: ['/x\n::error::y\u001b[2J'] } }) }),
  )
  expect(problem?.what).not.toContain('::error')
  expect(problem?.what).not.toContain('\u001b')
  expect(problem?.what).not.toContain('\n')
})
