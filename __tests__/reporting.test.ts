import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Inputs } from '../src/config/config.ts'
import { parseConfig } from '../src/config/file.ts'
import type { Conclusion, Mode } from '../src/domain/event.ts'
import { createConsole } from '../src/github/console.ts'
import { redactor } from '../src/github/redactor.ts'
import { type Reporting, reportOn } from '../src/reporting.ts'
import { fresh, Notes, observed, old, point } from './domain/retell/journal.ts'
import { plan } from './domain/report/fixtures.ts'
import { type GitHubDouble, startGitHubDouble } from './github/double.ts'

const SECRET = 'hunter2hunter2'
const redact = redactor([SECRET])
let dir = ''
let printed: string[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reporting-'))
  printed = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    printed.push(String(text))
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true })
})

const out = createConsole(text => process.stdout.write(text), redact)
const using = (more: Partial<Reporting> = {}): Reporting => ({
  env: {},
  dir,
  out,
  redact,
  inAction: false,
  problems: [],
  ...more,
})
const config = () =>
  parseConfig(
    `local: true\nprocess: {}\nrepository: acme/db\ninstall: ${dir}/{name}\ndata: ${dir}/data/{name}\nnodes:\n  - { name: db-1, port: 8081 }\n  - { name: db-2, port: 8082 }\n`,
    'rollout.yml',
  )
const inputs: Inputs = {
  mode: 'release',
  config: '',
  tag: 'v0.2.2',
  stopAfter: 'none',
  planHash: '',
  rollbackData: 'auto',
  reason: '',
  timeout: 1,
  artifacts: '',
  metadata: '',
  token: 't0k3n',
  keys: {},
  sshKey: '',
  sshKnownHosts: '',
}
const read = (name: string): string => readFileSync(join(dir, name), 'utf8')
const write = (n: Notes, rest = ''): void =>
  writeFileSync(join(dir, 'journal.jsonl'), n.events.map(e => `${JSON.stringify(e)}\n`).join('') + rest)

/** db-1 was upgraded and brought back; `why` ends up in the page. */
function ended(said: Partial<Conclusion>, mode: Mode = 'release'): Notes {
  const one = { ...plan, nodes: plan.nodes.slice(0, 1), waves: [['db-1']], leaseOrder: ['db-1'] }
  const n = new Notes()
    .opened('plan', { mode })
    .did({ kind: 'plan' }, { is: 'planned', plan: one, hash: 'f'.repeat(64) })
  n.add({ type: 'decided', what: 'planned', plan: one, hash: 'f'.repeat(64) })
    .opened('canary', { mode })
    .inspected('db-1', observed())
  n.step(
    'db-1',
    { do: 'start', release: fresh },
    observed({ running: fresh, active: fresh, snapshots: [point()] }),
  )
  n.opened('settle', { mode }).inspected(
    'db-1',
    observed({ running: fresh, active: fresh, snapshots: [point()] }),
  )
  n.step('db-1', { do: 'back', release: old, name: 'x' }, observed())
  return n.add({
    type: 'concluded',
    outcome: 'rolled-back',
    code: 'not-ready',
    why: 'it was not ready',
    version: 'v0.2.1',
    data: 'kept',
    owed: [],
    ...said,
  })
}

describe('the exit code', () => {
  const cases: [Partial<Conclusion>, Mode, number][] = [
    [{ outcome: 'promoted', code: 'all-passed' }, 'release', 0],
    [{}, 'release', 2],
    [{ code: 'by-hand' }, 'rollback', 0],
    [{ outcome: 'unchanged', code: 'plan-refused' }, 'release', 3],
    [{ outcome: 'unchanged', code: 'nothing-owed' }, 'recover', 0],
    [{ outcome: 'needs-operator', code: 'node-unreachable' }, 'release', 4],
  ]
  it.each(cases)('%j of mode %s is %i', async (said, mode, exit) => {
    write(ended(said, mode))
    expect(await reportOn(using())).toBe(exit)
  })
})

describe('on the command line', () => {
  it('prints the plain report and where the files are; a line that was cut off never happened', async () => {
    write(ended({}), '{"schema":1,"se')
    await reportOn(using())
    const log = printed.join('')
    expect(log).toContain('⟲ Rolled back — v0.2.2 failed on canary db-1; db-1 serves v0.2.1, data kept')
    expect(log).toContain(`report    ${join(dir, 'report')}`)
    expect(readdirSync(join(dir, 'report')).toSorted()).toEqual(['journal.jsonl', 'summary.md'])
    expect(read('report/journal.jsonl')).toBe(
      ended({})
        .events.map(e => `${JSON.stringify(e)}\n`)
        .join(''),
    )
  })

  it('hides secrets in everything it writes', async () => {
    write(ended({ why: `key ${SECRET} refused` }))
    await reportOn(using())
    for (const text of [printed.join(''), read('report/summary.md'), read('report/journal.jsonl')]) {
      expect(text).toContain('***')
      expect(text).not.toContain(SECRET)
    }
  })

  it('tells when the files cannot be written, and the outcome is what it is', async () => {
    write(ended({}))
    writeFileSync(join(dir, 'report'), 'in the way')
    expect(await reportOn(using())).toBe(2)
    expect(printed.join('')).toContain('REPORT_NOT_WRITTEN')
  })
})

describe('in Actions', () => {
  let double: GitHubDouble
  afterEach(() => double.close())
  const inActions = async (
    said: Partial<Conclusion>,
    faults: GitHubDouble['faults'] = [],
    mode: Mode = 'release',
  ) => {
    double = await startGitHubDouble({
      owner: 'acme',
      repo: 'db',
      releases: [{ tag: 'v0.2.2', files: {} }],
      token: 't0k3n',
    })
    double.faults.push(...faults)
    const files = { GITHUB_STEP_SUMMARY: join(dir, 'page'), GITHUB_OUTPUT: join(dir, 'outputs') }
    for (const file of Object.values(files)) writeFileSync(file, '')
    const github = {
      GITHUB_ACTIONS: 'true',
      GITHUB_API_URL: double.url,
      GITHUB_REPOSITORY: 'acme/db',
      GITHUB_SHA: 'c'.repeat(40),
    }
    const run = { GITHUB_SERVER_URL: 'https://github.example', GITHUB_RUN_ID: '7', GITHUB_RUN_ATTEMPT: '2' }
    const env = { ...files, ...github, ...run }
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    write(ended(said, mode))
    const exit = await reportOn(using({ env, inAction: true, config: config(), inputs: { ...inputs, mode } }))
    expect(double.violations).toEqual([])
    return exit
  }

  it('writes the summary, the outputs and an annotation, and records the deployment', async () => {
    expect(await inActions({})).toBe(2)
    expect(read('page')).toBe(read('report/summary.md'))
    expect(read('page')).toContain('https://github.example/acme/db/actions/runs/7/attempts/2')
    expect(read('outputs')).toMatch(/outcome<<(\S+)\nrolled-back\n/)
    expect(read('outputs')).toContain(`\n${join(dir, 'report')}\n`)
    expect(printed.join('')).toContain('::error title=⟲ Rolled back')
    const [made] = double.deployments
    expect(made).toMatchObject({
      ref: 'v0.2.2',
      environment: 'production',
      task: 'deploy',
      payload: { rollout: 'r-7f3a' },
    })
    expect(made?.statuses.map(s => s.state)).toEqual(['failure'])
  })

  it('records none for a plan', async () => {
    await inActions({ outcome: 'stopped', code: 'planned' }, [], 'plan')
    expect(double.requests).toEqual([])
  })

  it('keeps the outcome when GitHub does not take the record', async () => {
    const refuses = { on: 'GET /repos/acme/db/deployments', times: 9, answer: { status: 403 } }
    expect(await inActions({ outcome: 'promoted', code: 'all-passed' }, [refuses])).toBe(0)
    expect(printed.join('')).toContain('DEPLOYMENT_NOT_RECORDED')
  })
})

describe('without a journal', () => {
  it('tells every problem that kept it from planning', async () => {
    const problems = [{ code: 'CONFIG_NOT_FOUND', what: 'there is no fleet file', next: 'write one' }]
    expect(await reportOn(using({ problems }))).toBe(3)
    expect(read('report/summary.md')).toContain('CONFIG_NOT_FOUND')
  })

  it.each([
    ['none', undefined],
    ['one that is none', 'not a journal\n'],
  ])('claims nothing: %s', async (_, text) => {
    if (text !== undefined) writeFileSync(join(dir, 'journal.jsonl'), text)
    expect(await reportOn(using())).toBe(4)
    expect(printed.join('')).toContain('NO_JOURNAL')
    expect(existsSync(join(dir, 'report'))).toBe(false)
  })
})
