import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

type Entry = {
  version?: string
  integrity?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}
const root = join(import.meta.dirname, '../..')
const packages: Record<string, Entry> = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
).packages

/** Where Node.js would find a package from inside another: beside it, or in a folder above. */
const resolves = (from: string, name: string): boolean => {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true
    if (folder === '') return false
  }
}

test('the lock file is whole: npm ci finds every package of every platform, each with its checksum', () => {
  const missing = Object.entries(packages).flatMap(([folder, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter(name => !resolves(folder, name))
      .map(name => `${name}, needed by ${folder || 'the root'}`),
  )
  expect(missing).toEqual([])
  expect(Object.entries(packages).filter(([folder, entry]) => folder !== '' && !entry.integrity)).toEqual([])
})

test('there is one undici', () => {
  expect(Object.keys(packages).filter(folder => folder.endsWith('node_modules/undici'))).toEqual([
    'node_modules/undici',
  ])
})
