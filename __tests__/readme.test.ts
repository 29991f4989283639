import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fresh, README } from '../scripts/readme-tables.ts'
import { OUTPUTS } from '../src/config/input-table.ts'

const root = join(import.meta.dirname, '..')
const text = readFileSync(README, 'utf8')

test('the tables and examples in the README are those of the sources (else: node scripts/readme-tables.ts)', () => {
  expect(text).toBe(fresh(text))
})

test('a table that was changed by hand is found', () => {
  const changed = text.replace(OUTPUTS[0]?.description ?? '', 'whatever')
  expect(changed).not.toBe(text)
  expect(fresh(changed)).toBe(text)
  expect(() => fresh(text.replace('<!-- outputs -->', '<!-- putouts -->'))).toThrow(/putouts, outputs/)
})

/** Targets of links to files of the repository, without the part after #. */
const targets = (markdown: string): string[] =>
  [...markdown.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(match => match[1] ?? '')

test.each(['README.md', 'SECURITY.md', 'docs/threat-model.md', 'docs/adr/README.md'])(
  'every link of %s leads somewhere',
  file => {
    const from = join(root, file, '..')
    const all = targets(readFileSync(join(root, file), 'utf8'))
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter(target => !existsSync(join(from, target)))).toEqual([])
  },
)

test('every script that the README names exists', () => {
  const { scripts }: { scripts: object } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(match => match[1] ?? '')
  expect(named).toContain('demo')
  expect(named.filter(name => !(name in scripts))).toEqual([])
})
