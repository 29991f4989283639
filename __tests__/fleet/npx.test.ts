import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

/** The program as `npx github:owner/progressdb-rollout#v1` gets it: from a tag of a git repository, in an empty folder. */
const dir = mkdtempSync(join(tmpdir(), 'npx-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const run = (program: string, args: string[], cwd = dir): { code: number | null; text: string } => {
  const { PATH = '' } = process.env
  const system = PATH.split(':').filter(path => !path.includes('node_modules'))
  const ran = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: system.join(':'), npm_config_cache: join(dir, 'cache') },
  })
  return { code: ran.status, text: ran.stdout + ran.stderr }
}

test('npx fetches a tag, brings a Node.js that is new enough, and runs a command', () => {
  const clone = run('git', ['clone', '--quiet', join(import.meta.dirname, '../..'), 'clone'])
  expect(clone.code, clone.text).toBe(0)
  expect(run('git', ['tag', '--force', 'v1'], join(dir, 'clone')).code).toBe(0)
  const at = (...words: string[]): { code: number | null; text: string } =>
    run('npx', ['--yes', `git+file://${join(dir, 'clone')}#v1`, ...words])
  const help = at('--help')
  expect(help.code, help.text).toBe(0)
  expect(help.text).toContain('progressdb-rollout: takes a stateful service from one release to the next')
  const refused = at('status')
  expect(refused.code, refused.text).toBe(3)
  expect(refused.text).toContain('CONFIG_NOT_FOUND')
})
