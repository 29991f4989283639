import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

type Import = { from: string; to: string; type: boolean }

const SRC = join(import.meta.dirname, '..', 'src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .sort()

/** From `import … from`, `export … from`, `import '…'` and `import('…')`; a relative one becomes a path under src/. */
const importsIn = (from: string, text: string): Import[] => {
  const found = text.matchAll(
    /^(?:import|export)\b(\s+type\b)?(?:[^'";]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*['"]([^'"]+)/gm,
  )
  return [...found].map(([, type, fixed, dynamic]) => {
    const name = fixed ?? dynamic ?? ''
    const to = name.startsWith('.') ? relative(SRC, join(SRC, dirname(from), name)) : name
    return { from, to, type: type !== undefined }
  })
}

const imports = files.flatMap(file => importsIn(file, readFileSync(join(SRC, file), 'utf8')))
const told = ({ from, to }: Import): string => `${from} -> ${to}`
const isOurs = ({ to }: Import): boolean => /\.(ts|sh)$/.test(to)

/** What a folder is part of; files right under src/ and what they were divided into are the process itself. */
const part = (file: string): string => {
  const [folder = ''] = file.split('/')
  return folder === file ? 'process' : folder
}

/** Lower parts are imported by higher ones, never the other way round, and parts of one row not by each other. */
const ROWS = [
  ['domain'],
  ['shell', 'service', 'drain'],
  ['config', 'journal', 'github', 'releases', 'probe', 'metrics', 'node'],
  ['reporting'],
  ['process'],
]
const row = (name: string): number => ROWS.findIndex(parts => parts.includes(name))

/** The shape of the configuration: types alone, so that an adapter can say which slice of it it takes. */
const SHAPE = 'config/config.ts'

const againstTheDirection = (all: Import[]): string[] =>
  all
    .filter(isOurs)
    .filter(({ to, type }) => !(type && to === SHAPE))
    .filter(({ from, to }) => part(from) !== part(to) && row(part(to)) >= row(part(from)))
    .map(told)

/** Types of the domain name each other (an event holds a node, which holds events); nothing else may, not even types. */
const tiesTogether = ({ from, type }: Import): boolean => !(type && part(from) === 'domain')

/** The first way round, as the files on it; none when there is none. */
const cycle = (given: Import[]): string[] => {
  const all = given.filter(tiesTogether)
  const done = new Set<string>()
  const walk = (file: string, path: string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    for (const { to } of all.filter(one => one.from === file)) {
      const round = walk(to, [...path, file])
      if (round.length > 0) return round
    }
    done.add(file)
    return []
  }
  for (const file of new Set(all.map(one => one.from))) {
    const round = walk(file, [])
    if (round.length > 0) return round
  }
  return []
}

describe('imports', () => {
  test('every folder has its place, and every import leads to a file', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(files.map(part).filter(name => row(name) === -1)).toEqual([])
    const sources = new Set(readdirSync(SRC, { recursive: true, encoding: 'utf8' }))
    expect(imports.filter(isOurs).filter(({ to }) => !sources.has(to))).toEqual([])
  })

  test('flow one way: process, adapters, shell and service, domain', () => {
    expect(againstTheDirection(imports)).toEqual([])
  })

  test('the shape of the configuration holds types alone', () => {
    expect(readFileSync(join(SRC, SHAPE), 'utf8')).not.toMatch(
      /^(?:export\s+)?(?:const|let|function|class|async)\b/m,
    )
  })

  test('never lead round', () => {
    expect(cycle(imports)).toEqual([])
  })

  test('of the entry: nobody imports it, and it imports main alone', () => {
    expect(imports.filter(({ to }) => to === 'index.ts').map(told)).toEqual([])
    expect(imports.filter(({ from }) => from === 'index.ts').map(told)).toEqual(['index.ts -> main.ts'])
  })

  test('of the domain lead to the domain, semver and digests', () => {
    const outside = imports.filter(({ from, to }) => part(from) === 'domain' && part(to) !== 'domain')
    expect(new Set(outside.map(({ to }) => to))).toEqual(new Set(['node:crypto', 'semver']))
  })

  test('of @actions/core are in github/ alone, and programs are run by @actions/exec alone', () => {
    const importers = (name: string): Set<string> =>
      new Set(
        imports.filter(({ to }) => to === name || to.startsWith(`${name}/`)).map(({ from }) => part(from)),
      )
    expect(importers('@actions/core')).toEqual(new Set(['github']))
    // The user's own tests run beside the nodes, not on them.
    expect(importers('@actions/exec')).toEqual(new Set(['shell', 'process']))
    expect(importers('node:child_process')).toEqual(new Set())
  })
})

describe('the reading of imports', () => {
  const read = (text: string): string[] => importsIn('node/server.ts', text).map(told)

  test('knows every form', () => {
    const text = [
      `import { a } from './a.ts'`,
      `import type {\n  B,\n} from '../config/config.ts'`,
      `export { c } from "x"`,
      `export * from '../shell/local.ts'`,
      `import './side.ts'`,
      `const d = await import('../domain/d.ts')`,
      `const from = 'no import'`,
    ].join('\n')
    expect(read(text)).toEqual([
      'node/server.ts -> node/a.ts',
      'node/server.ts -> config/config.ts',
      'node/server.ts -> shell/local.ts',
      'node/server.ts -> node/side.ts',
      'node/server.ts -> domain/d.ts',
    ])
  })

  test('finds what is upwards, across, and round', () => {
    const of = (from: string, text: string): Import[] => importsIn(from, text)
    expect(againstTheDirection(of('domain/a.ts', `import { b } from '../shell/b.ts'`))).toHaveLength(1)
    expect(againstTheDirection(of('probe/a.ts', `import { b } from '../node/b.ts'`))).toHaveLength(1)
    expect(againstTheDirection(of('probe/a.ts', `import type { C } from '../config/config.ts'`))).toEqual([])
    expect(againstTheDirection(of('probe/a.ts', `import { C } from '../config/config.ts'`))).toHaveLength(1)
    expect(
      cycle([...of('a.ts', `import './b.ts'`), ...of('b.ts', `import type { A } from './a.ts'`)]),
    ).toEqual(['a.ts', 'b.ts', 'a.ts'])
  })
})
