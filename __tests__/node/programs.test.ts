import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Answer, parseAnswer, parseProgress } from '../../src/node/answer.ts'
import { inspectionOf } from '../../src/node/observed.ts'
import { program, programNames, switchProgram } from '../../src/node/programs.ts'
import { failureOf, knownCodes } from '../../src/node/refusals.ts'
import { script } from '../../src/shell/script.ts'
import { points } from './crash.ts'

const LONGEST = [
  ['back', 'process'],
  ['restore', 'process'],
  ['stage-start', 'process'],
  ['stop', 'systemd'],
  ['start', 'systemd'],
  ['guard', 'systemd'],
  ['setup', 'systemd'],
  ['back', 'docker'],
  ['pull', 'docker'],
  ['create', 'docker'],
  ['stage-start', 'docker'],
  ['image', 'docker'],
] as const
const kinds = ['process', 'systemd', 'docker'] as const

const folder = new URL('../../src/node/programs/', import.meta.url).pathname
const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0

describe('the programs', () => {
  it.skipIf(!hasShellcheck)('are clean for shellcheck, each file and the longest of the joined texts', () => {
    const files = readdirSync(folder).filter(name => name.endsWith('.sh'))
    expect(spawnSync('shellcheck', ['-s', 'sh', ...files], { cwd: folder, encoding: 'utf8' }).stdout).toBe('')
    for (const [name, kind] of LONGEST) {
      // 2317, 2034: what only other programs use. 2015: `a && b || fail` is meant.
      const flags = ['-s', 'sh', '-e', 'SC2317,SC2034,SC2015', '-']
      expect(
        spawnSync('shellcheck', flags, { input: program(name, kind).text, encoding: 'utf8' }).stdout,
        name,
      ).toBe('')
    }
    for (const kind of kinds) {
      // 2154, 2218: what only one kind of server sets, and what each function defines anew
      const flags = ['-s', 'sh', '-S', 'warning', '-e', 'SC2317,SC2034,SC2015,SC2154,SC2218', '-']
      const { text } = switchProgram(kind)
      expect(spawnSync('shellcheck', flags, { input: text, encoding: 'utf8' }).stdout, kind).toBe('')
    }
  })

  it('of the switch hold each program that it calls, for the one kind of server or the other', () => {
    const text = kinds.map(kind => switchProgram(kind).text).join('\n')
    const called = [...text.matchAll(/\bpart ([a-z_]+) "\$@"/g)].map(([, name]) => name)
    expect(called.length).toBeGreaterThan(10)
    for (const name of called) expect(text).toContain(`do_${name}() {`)
  })

  it('all fit into one pipe, and end with the call of main alone', () => {
    for (const [name, kind] of programNames.flatMap(name => kinds.map(kind => [name, kind] as const))) {
      const { text } = program(name, kind)
      expect(Buffer.byteLength(script(program(name, kind), [])), name).toBeLessThan(60_000)
      expect(text.trimEnd().split('\n').at(-1)).toBe('main "$@" </dev/null')
      expect(text.match(/^main "\$@"/gm)).toHaveLength(1)
    }
  })

  it('refuse in words that the engine knows', () => {
    const texts = programNames.flatMap(name => kinds.map(kind => program(name, kind).text)).join('\n')
    const codes = [...texts.matchAll(/(?:\bfail|drop_part) ([a-z]+(?:-[a-z]+)+|busy|interrupted) /g)].map(
      found => found[1] ?? '',
    )
    expect([...new Set(codes)].sort()).toEqual(knownCodes.toSorted())
  })

  it('have enough points at which they can be killed', () => {
    expect(programNames.map(name => points(program(name))).reduce((a, b) => a + b)).toBeGreaterThan(25)
  })

  it('use every file of their folder', () => {
    const texts = programNames.map(name => program(name).text).join('\n')
    const files = readdirSync(folder).filter(name => name.endsWith('.sh'))
    expect(files.length).toBeGreaterThan(30)
    for (const verb of ['take_checkpoint', 'swap()', 'launch()', 'pause()', 'pair_config()'])
      expect(texts).toContain(verb)
  })
})

describe('an answer', () => {
  it('counts only with its last line', () => {
    expect(parseAnswer('a=1\nend=ok\n').end).toBe('ok')
    for (const cut of ['', 'a=1\n', 'a=1\nend=ok', 'end=ok\na=1\n', 'end=o'])
      expect(parseAnswer(cut).end).toBeUndefined()
  })
  it('keeps order and bytes', () => {
    const { values } = parseAnswer(
      'a=1\nprogress=hash 1 2 bytes\na=%C3%BC%0a%25\nno pair\n__proto__=x\nend=ok\n',
    )
    expect(values['a']).toEqual(['1', 'ü\n%'])
    expect(values['progress']).toBeUndefined()
  })
  it('reports progress', () => {
    expect(parseProgress('progress=hash 5 10 bytes')).toEqual({
      what: 'hash',
      done: 5,
      of: 10,
      unit: 'bytes',
    })
    expect(parseProgress('progress=hash x 10 bytes')).toBeUndefined()
  })
  it('of nothing is a node on which nothing is known', () => {
    const { now, facts } = inspectionOf({ end: 'ok', values: {} })
    expect(now).toMatchObject({
      running: 'stopped',
      active: 'none',
      lease: 'free',
      ready: false,
      snapshots: [],
    })
    expect(facts).toMatchObject({ adopted: false, data: 'unreadable', checkpoint: 'copy' })
  })
  it('that refuses says nothing that was not made printable', () => {
    const answer: Answer = {
      end: 'disk\u001b[31m-full',
      values: { why: ['::error::x\u001b[2J\nsecond'], effect: ['none'] },
    }
    const failure = failureOf('db-1', answer)
    expect(JSON.stringify(failure)).not.toMatch(/\\u001b|::error/)
    expect(failure).toMatchObject({ effect: 'none', kind: 'other', where: 'db-1' })
  })
})
