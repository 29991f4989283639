import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { openValidator, type Validator } from './language-service.ts'

const root = join(import.meta.dirname, '../..')
const WORKFLOW_FOLDERS = ['.github/workflows', 'examples']
type Step = { name?: string; id?: string; run?: string; uses?: string; shell?: string }
type Workflow = {
  on?: unknown
  jobs?: Record<string, { steps?: Step[]; permissions?: unknown }>
  permissions?: unknown
}

/** A user of the repository need not have it; CI installs it first. */
const noShellcheck = spawnSync('shellcheck', ['--version']).error !== undefined
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const isWorkflow = (file: string): boolean => /^jobs:/m.test(read(file))
const workflows = WORKFLOW_FOLDERS.flatMap(folder =>
  readdirSync(join(root, folder))
    .filter(name => /\.ya?ml$/.test(name))
    .map(name => `${folder}/${name}`),
).filter(isWorkflow)
const actions = ['action.yml'].filter(file => existsSync(join(root, file)))
const load = (file: string): Workflow => parse(read(file))
const stepsOf = (file: string): Step[] =>
  file === 'action.yml'
    ? parse(read(file)).runs.steps
    : Object.values(load(file).jobs ?? {}).flatMap(job => job.steps ?? [])

describe('GitHub’s language service', () => {
  let service: Validator
  beforeAll(async () => {
    service = await openValidator()
  })
  afterAll(() => service.close())

  test.each([...actions, ...workflows])('%s has no findings', async file => {
    expect(await service.validate(file)).toEqual([])
  })

  const broken: [string, string, RegExp][] = [
    [
      'action.yml',
      'name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - { run: "true", shell: bash, timeout-minutes: 1 }\n',
      /timeout-minutes/,
    ],
    [
      'action.yml',
      'name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - run: "true"\n',
      /shell/,
    ],
    [
      '.github/workflows/x.yml',
      'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ nothing.x }}\n',
      /nothing/,
    ],
  ]
  test.each(broken)('finds a fault in %s, again when asked again', async (file, text, message) => {
    for (const _ of [1, 2])
      expect((await service.validate(file, text)).map(f => f.message).join('\n')).toMatch(message)
  })
})

describe('every workflow, and the action', () => {
  test.each([...actions, ...workflows])('%s pins what it uses to a commit', file => {
    const uses = stepsOf(file).flatMap(step => step.uses ?? [])
    expect(uses.filter(use => !use.startsWith('./') && !/@[0-9a-f]{40}$/.test(use))).toEqual([])
  })

  test.each([...actions, ...workflows])('%s: no expression stands inside a script', file => {
    expect(stepsOf(file).filter(step => step.run?.includes('${{'))).toEqual([])
  })

  test.each(workflows)('%s: no permission but what a job asks for', file => {
    const { permissions, jobs = {} } = load(file)
    expect(permissions).toEqual({})
    for (const job of Object.values(jobs)) expect(job.permissions).toBeDefined()
  })

  test.skipIf(noShellcheck).each([...actions, ...workflows])('%s: its scripts pass shellcheck', file => {
    for (const step of stepsOf(file)) {
      if (step.run === undefined) continue
      const { status, stdout } = spawnSync('shellcheck', ['-s', 'bash', '-'], {
        input: `set -e -o pipefail\n${step.run}`,
        encoding: 'utf8',
      })
      expect({ status, stdout, step: step.name ?? step.id }).toMatchObject({ status: 0 })
    }
  })
})

describe('shell scripts of the repository', () => {
  const inFolder = (folder: string): string[] =>
    readdirSync(join(root, folder))
      .filter(name => name.endsWith('.sh'))
      .map(name => `${folder}/${name}`)

  test.skipIf(noShellcheck).each([...inFolder('src'), ...inFolder('scripts'), '.ci/run'])(
    '%s passes shellcheck',
    file => {
      const { status, stdout } = spawnSync('shellcheck', ['-x', file], { cwd: root, encoding: 'utf8' })
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    },
  )
})
