import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildDist, type Dist, differences } from '../../scripts/bundle.ts'

const root = join(import.meta.dirname, '../..')
const entry = {
  text: `
    import * as core from '@actions/core'
    import { getOctokit } from '@actions/github'
    import { exec } from '@actions/exec'
    import semver from 'semver'
    import { Agent, request } from 'undici'
    import program from './src/pick-node.sh'
    console.log([typeof core.getInput, typeof getOctokit, typeof exec, semver.valid('v1.2.3'), typeof Agent, typeof request,
      program.startsWith('#!/bin/sh')].join(' '))`,
}
let folder = ''
let dist: Dist = new Map()
const write = (): string => {
  for (const [name, { text }] of dist) writeFileSync(join(folder, name), text)
  return join(folder, 'index.mjs')
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  dist = await buildDist(root, entry)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the bundle', () => {
  test('runs, with its programs as text', () => {
    const out = execFileSync(process.execPath, [write()], { encoding: 'utf8' })
    expect(out).toBe('function function function 1.2.3 function function true\n')
  })

  test('is the same twice, and holds no path of this machine', async () => {
    const again = await buildDist(root, entry)
    expect(again.get('index.mjs')?.text === dist.get('index.mjs')?.text).toBe(true)
    expect(again.get('THIRD_PARTY_LICENSES')?.text).toBe(dist.get('THIRD_PARTY_LICENSES')?.text)
    expect(dist.get('index.mjs')?.text.includes(root)).toBe(false)
  })

  test('names every package it contains, undici once', () => {
    const text = dist.get('THIRD_PARTY_LICENSES')?.text ?? ''
    expect(text.match(/^undici \d/gm)).toHaveLength(1)
    expect(text).toMatch(/^@actions\/core \d[\s\S]*^semver \d/m)
    expect(text).not.toContain('contains no licence text')
  })

  test('a difference from dist/ is named: changed, missing, too many', () => {
    write()
    expect(differences(dist, folder)).toEqual([])
    writeFileSync(join(folder, 'pick-node.sh'), 'changed')
    writeFileSync(join(folder, 'more.mjs'), '')
    rmSync(join(folder, 'THIRD_PARTY_LICENSES'))
    expect(differences(dist, folder)).toEqual([
      'dist/pick-node.sh is not what the sources give',
      'dist/THIRD_PARTY_LICENSES is missing',
      'dist/more.mjs is not built from anything',
    ])
    rmSync(join(folder, 'more.mjs'))
  })
})

/** An old Node.js, where the machine has one. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find(file => {
  const version = existsSync(file) ? execFileSync(file, ['--version'], { encoding: 'utf8' }) : 'v99'
  return Number(/^v(\d+)/.exec(version)?.[1]) < 22
})

describe('on an old Node.js', () => {
  test.skipIf(oldNode === undefined)('it says so in words before anything else loads', () => {
    const { status, stderr, stdout } = spawnSync(oldNode ?? '', [write()], { encoding: 'utf8' })
    expect(stderr).toMatch(
      /NODE_TOO_OLD {2}progressdb-rollout needs Node\.js 22\.19 or newer\n.*because this is Node\.js \d/,
    )
    expect(stderr).toContain('next  ')
    expect(stderr).not.toMatch(/ at |TypeError|SyntaxError/)
    expect([status, stdout]).toEqual([3, ''])
  })
})

describe('pick-node.sh', () => {
  const fake = (path: string, version: string): string => {
    const file = join(folder, path)
    mkdirSync(join(file, '..'), { recursive: true })
    const [major = 0, minor = 0] = version.split('.').map(Number)
    const enough = major > 22 || (major === 22 && minor >= 19)
    writeFileSync(file, `#!/bin/sh\nexit ${enough ? 0 : 1}\n`)
    chmodSync(file, 0o755)
    return file
  }
  const pick = (shell: string[], env: Record<string, string>): string => {
    write()
    const [program = 'sh', ...args] = shell
    return execFileSync(program, [...args, join(folder, 'pick-node.sh')], { encoding: 'utf8', env }).trim()
  }
  const shells = [['bash'], ['dash'], ['busybox', 'sh']].filter(
    ([name = '']) => spawnSync(name, ['-c', 'true']).error === undefined,
  )

  test.each(shells)(
    '%s %s: PATH first, then the tool cache, then the runner’s own, else nothing',
    (...shell) => {
      const system = '/usr/bin:/bin'
      const old = fake('old/node', '20.20')
      const oldPath = `${join(old, '..')}:${system}`
      const good = fake('good/node', '22.19')
      expect(pick(shell, { PATH: `${join(good, '..')}:${system}` })).toBe(good)
      const cached = fake('cache/node/24.1.0/x64/bin/node', '24.1')
      fake('cache/node/20.1.0/x64/bin/node', '20.1')
      expect(pick(shell, { PATH: oldPath, RUNNER_TOOL_CACHE: join(folder, 'cache') })).toBe(cached)
      fake('externals/node24/bin/node', '24.1')
      const temp = join(folder, '_work/_temp')
      mkdirSync(temp, { recursive: true })
      expect(pick(shell, { PATH: oldPath, RUNNER_TEMP: temp })).toBe(
        `${temp}/../../externals/node24/bin/node`,
      )
      expect(pick(shell, { PATH: oldPath, RUNNER_TOOL_CACHE: join(folder, 'none') })).toBe('')
    },
  )
})
