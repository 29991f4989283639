import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { breakingChanges } from '../../src/domain/release-notes.ts'
import { Untrusted } from '../../src/domain/text.ts'

const lines = (notes: string, most?: number): string[] =>
  breakingChanges(new Untrusted(notes), most).map(line => Untrusted.raw(line))

test('everything under a heading that says so, deeper headings included, until the next of its level', () => {
  const notes =
    '# v0.3.0\nhello\n## Breaking changes\n* config moved\n\n### Storage\n1. new format\n## Features\n- a lot\n## ⚠ BREAKING\n+ again\n# End\nbye'
  expect(lines(notes)).toEqual(['config moved', 'new format', 'again'])
})

test('lines marked as in Conventional Commits', () => {
  const notes = [
    '* feat(api)!: drop v1',
    '* 1234567: fix!: other ids',
    '- 0123456789abcdef0123456789abcdef01234567 refactor(db)!: new layout',
    'BREAKING CHANGE: keys are rotated',
    '**BREAKING CHANGE**: bold',
    'BREAKING-CHANGE: with a hyphen',
    '* feat: nothing breaks!',
    '* fix: wow!: not a type',
    'this is not breaking',
  ].join('\r\n')
  expect(lines(notes)).toEqual([
    'feat(api)!: drop v1',
    '1234567: fix!: other ids',
    '0123456789abcdef0123456789abcdef01234567 refactor(db)!: new layout',
    'BREAKING CHANGE: keys are rotated',
    '**BREAKING CHANGE**: bold',
    'BREAKING-CHANGE: with a hyphen',
  ])
})

test('a heading that says nothing breaks is none', () => {
  expect(lines('## Non-breaking changes\n- a\n## No breaking changes\n- b')).toEqual([])
})

test('bounded in lines and length, whatever the notes are', () => {
  expect(lines(`## Breaking\n${'- x\n'.repeat(100)}`)).toHaveLength(20)
  expect(lines(`## Breaking\n${'y'.repeat(5_000)}`)[0]).toHaveLength(300)
  fc.assert(
    fc.property(fc.string(), fc.nat(30), (text, most) => {
      const found = lines(`# breaking\n${text}`, most)
      expect(found.length).toBeLessThanOrEqual(most)
      for (const line of found) expect(line).toMatch(/^[^\r\n]{1,300}$/)
    }),
  )
})

test('long hostile notes take no time', () => {
  const start = performance.now()
  lines(`${'#'.repeat(50_000)}\n${' '.repeat(50_000)}x\n## ${' #'.repeat(20_000)}`)
  lines(`feat(${'('.repeat(90_000)}`)
  lines(`## ${' '.repeat(90_000)}x`)
  expect(performance.now() - start).toBeLessThan(1_000)
})
