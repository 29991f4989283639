import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/file.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { problemsOf } from './problems.ts'

const problems = (text: string) => problemsOf(() => parseConfig(text, 'f.yml', { repository: 'a/b' }))

const words = fc.constantFrom(
  ...SETTINGS.flatMap(name => name.split('.')),
  '__proto__',
  'constructor',
  'ssh',
  'x',
  '10m',
  '10 %',
  '/a/b',
  'none',
)
const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    words,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(words, tie('value')), { maxLength: 5 }).map(pairs => new Map(pairs)),
  ),
})).value

test('arbitrary text never throws anything but a UserError, each problem with a place inside the file', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(...'a:-[]{}&*!|>\'"#,? \n\t'.split('')) }),
      ),
      text => {
        for (const problem of problems(text)) expect(problem.where).toMatch(/^f\.yml:\d+:\d+$/)
      },
    ),
    { numRuns: 600 },
  )
})

test('arbitrary documents made of our own words never throw anything but a UserError', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(words, value), { maxLength: 8 }), pairs => {
      const text = stringify(new Map(pairs), { aliasDuplicateObjects: false })
      for (const problem of problems(text)) expect(problem.where).toMatch(/^f\.yml:\d+:\d+$/)
    }),
    { numRuns: 400 },
  )
})

const GOOD = ['local: true', 'process: {}', 'install: /opt/p', 'data: /srv/p', 'nodes: [db-1]']

test('the position points at the offending token, wherever it stands', () => {
  const wrong = fc.constantFrom(
    ['canary: { watch: soon }', 'soon'],
    ['max-parallel: many', 'many'],
    ['lease: { wait: 3m, ttl: never }', 'never'],
    ['metrics: [{ name: a, series: b, max: lots }]', 'lots'],
    ['unknown-thing: 1', 'unknown-thing'],
    ['judge: { unknown-thing: 1 }', 'unknown-thing'],
    ['drain: { commands: { out: a, in: b, limit: eternal } }', 'eternal'],
  )
  fc.assert(
    fc.property(
      wrong,
      fc.shuffledSubarray(GOOD, { minLength: GOOD.length }),
      fc.nat(5),
      fc.nat(3),
      ([line = '', token = ''], good, at, blank) => {
        const lines = good.toSpliced(at, 0, ...Array.from({ length: blank }, () => ''), line)
        const [problem, ...others] = problems(lines.join('\n'))
        const [row = 0, column = 0] = (problem?.where ?? '').split(':').slice(1).map(Number)
        expect(others).toEqual([])
        expect(lines[row - 1]?.slice(column - 1)).toMatch(new RegExp(`^${token}`))
      },
    ),
  )
})
