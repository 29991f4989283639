import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { workflowCommands } from '../domain/report/readers.ts'
import { actionFolder } from '../refusals/engine.ts'
import { buildRelease } from '../standin/release.ts'
import { shapeOf } from './page.ts'
import { filesWith } from './secrets.ts'
import { type Job, openStage, type Stage } from './rollout.ts'
import { EVIL, LONG } from './words.ts'

// A busy machine takes ten times as long as an idle one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/**
 * Two fleets get the same bad release: one in a friendly world, one where every stranger's text is an attack. What GitHub makes
 * of both must be the same. The first then gets a good release. Nothing that any of the three leaves may hold a secret.
 */

const scratch = mkdtempSync(join(tmpdir(), 'hostile-action-'))
let stages: Stage[] = []
let tame: Job
let hostile: Job
let promoted: Job

/** A test command that shows whether the engine's children see more than they should. */
const tests =
  'tr "\\0" "\\n" < /proc/self/environ > "$HOME/tests-environment"; tr "\\0" " " < "/proc/$PPID/cmdline" >> "$HOME/tests-environment"'

beforeAll(async () => {
  const action = await actionFolder(scratch)
  const next = await buildRelease({ version: '0.2.2' })
  const good = await buildRelease({ version: '0.2.3' })
  const friendly = await openStage({
    action,
    releases: [next, good],
    bad: '0.2.2',
    notes: 'BREAKING CHANGE: the flag --old is gone\nBREAKING CHANGE: so is --older',
  })
  stages = [friendly]
  const refusing = {
    on: '/deployments',
    times: 99,
    answer: {
      status: 403,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: EVIL }),
    },
  }
  const enemy = await openStage({
    action,
    releases: [next],
    bad: '0.2.2',
    words: EVIL,
    notes: LONG,
    faults: [refusing],
  })
  stages = [friendly, enemy]
  const rehearse = { tests }
  const first = async (): Promise<void> => {
    tame = await friendly.run({ tag: 'v0.2.2', reason: 'the new version' }, { rehearse })
    promoted = await friendly.run({ tag: 'v0.2.3', reason: 'the next version' }, { rehearse })
  }
  const second = async (): Promise<void> => {
    hostile = await enemy.run({ tag: 'v0.2.2', reason: EVIL }, { rehearse })
  }
  await Promise.all([first(), second()])
})
afterAll(async () => {
  for (const stage of stages) await stage.close()
  rmSync(scratch, { recursive: true, force: true })
})

test('all three ended as they were meant to', () => {
  const ends = [tame, hostile, promoted].map(job => [job.outputs['outcome'], job.conclusion])
  expect(ends, tame.said.join('\n') + hostile.said.join('\n')).toEqual([
    ['rolled-back', 'failure'],
    ['rolled-back', 'failure'],
    ['promoted', 'success'],
  ])
})

describe('a hostile world', () => {
  test('speaks no workflow command: annotations, outputs and masks are ours alone', () => {
    expect(hostile.annotations.map(a => [a.level, a.step])).toEqual(
      tame.annotations.map(a => [a.level, a.step]),
    )
    expect(hostile.annotations.filter(a => a.message.startsWith('owned'))).toEqual([])
    expect(Object.keys(hostile.outputs)).toEqual(Object.keys(tame.outputs))
    for (const name of [
      'outcome',
      'verdict',
      'reason-code',
      'version',
      'target-version',
      'previous-version',
      'data',
      'headline',
    ])
      expect(hostile.outputs[name], name).toBe(tame.outputs[name])
    expect(hostile.said.join('\n')).toContain('db-1')
    expect(workflowCommands(hostile.said.filter(line => !line.startsWith('##[error]')).join('\n'))).toEqual(
      [],
    )
  })
  test('is quoted in the log on lines of its own that hold no control, invisible or bidi character, and are short', () => {
    const log = hostile.said.join('\n')
    expect(log).toContain('evil')
    expect(hostile.said.filter(line => /[\p{Cc}\p{Cf}]/u.test(line))).toEqual([])
    expect(Math.max(...hostile.said.map(line => line.length))).toBeLessThan(8000)
  })
  test('leaves the page as it was: headings, tables, folds, charts', async () => {
    const [friendly, evil] = await Promise.all([shapeOf(tame.summary), shapeOf(hostile.summary)])
    expect(hostile.summary).toContain('evil')
    expect(evil.headings).toEqual(friendly.headings)
    expect(evil.html).toEqual(friendly.html)
    expect(evil.charts).toEqual(friendly.charts)
    expect(evil.charts.length).toBeGreaterThan(0)
    expect(evil.images).toBe(0)
    expect(evil.links.filter(url => /owned|javascript|octocat/.test(url))).toEqual([])
    expect(evil.tables.map(rows => [...new Set(rows)])).toEqual(
      friendly.tables.map(rows => [...new Set(rows)]),
    )
    expect(hostile.summary.length).toBeLessThan(200_000)
  })
})

describe('the secrets', () => {
  test.each([
    ['rolled back', () => tame],
    ['rolled back in a hostile world', () => hostile],
    ['promoted', () => promoted],
  ])('stand in no argument and no environment of a child: %s', (_, job) => {
    expect(job().leaks).toEqual([])
    expect([...job().programs]).toEqual(expect.arrayContaining(['timeout', 'sh']))
  })
  test.each([
    ['in a friendly world', 0],
    ['in a hostile one, whose server quotes our keys', 1],
  ])(
    "are in no file that is left behind but the server's own configuration and its copies, %s",
    (_, which) => {
      const { home, secrets } = stages[which] ?? expect.fail('no stage')
      const found = filesWith(home, secrets)
      expect(found.filter(({ path }) => !/(?:^|\/)config(?:\.yaml)?$/.test(path))).toEqual([])
      expect([...new Set(found.map(({ mode }) => mode))]).toEqual(['600'])
      expect(found.some(({ path }) => path === 'fleet/db-1/install/config.yaml')).toBe(true)
      expect(found.some(({ path }) => path.includes('-snapshots/'))).toBe(true)
      expect(
        filesWith(
          home,
          secrets.filter(({ name }) => ['token', 'ssh-key'].includes(name)),
        ),
      ).toEqual([])
    },
  )
  test('were not hidden by the runner: what we said never needed it', () => {
    for (const job of [tame, promoted]) expect(job.said.filter(line => line.includes('***'))).toEqual([])
  })
  test('go only where they are needed', () => {
    for (const { proxy, github, given } of stages) {
      for (const { path, headers } of proxy.requests) {
        const sent = JSON.stringify(headers)
        const wanted = path.startsWith('/admin/')
          ? [given['admin']]
          : /^\/(?:frontend|backend)\//.test(path)
            ? [given['backend']]
            : []
        const kept = Object.values(given).filter(secret => !wanted.includes(secret))
        expect(
          kept.filter(secret => sent.includes(secret)),
          path,
        ).toEqual([])
        if (wanted.length === 0) expect(headers['authorization'], path).toBeUndefined()
      }
      const asked = JSON.stringify(
        github.requests.map(({ headers: { authorization: _, ...rest }, path, body }) => [rest, path, body]),
      )
      for (const secret of Object.values(given)) expect(asked).not.toContain(secret)
      for (const { headers } of github.requests)
        expect(headers['authorization']).toMatch(new RegExp(`^(?:token|Bearer) ${given['token']}$`))
      expect(github.downloaded.length).toBeGreaterThan(0)
      expect(JSON.stringify(github.downloaded)).not.toContain(given['token'])
      expect(github.violations).toEqual([])
    }
  })
})
