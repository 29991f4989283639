import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ACTION_STEPS, INPUTS, type InputName, inputVariable, OUTPUTS } from '../../src/config/input-table.ts'
import { environmentSource, readInputs, secretsOf } from '../../src/config/inputs.ts'
import { problemsOf } from './problems.ts'

type Given = Partial<Record<InputName, string>>
const read = (given: Given, where: 'action' | 'command line' = 'action') =>
  readInputs(name => given[name], where)
const problems = (given: Given) => problemsOf(() => read(given))

describe('inputs', () => {
  test('have defaults; an empty one was not given', () => {
    const inputs = read({ tag: 'v0.2.2', mode: '', 'stop-after': '', timeout: '', reason: ' ' })
    expect(inputs).toEqual({
      mode: 'release',
      config: '.github/rollout.yml',
      tag: 'v0.2.2',
      stopAfter: 'none',
      planHash: '',
      rollbackData: 'auto',
      reason: '',
      timeout: 2_700_000,
      artifacts: '',
      metadata: '',
      token: '',
      keys: {},
      sshKey: '',
      sshKnownHosts: '',
    })
  })

  test.each([
    ['release', 'service-v0.2.2', 'service-v0.2.2'],
    ['release', '0.2.2', '0.2.2'],
    ['release', 'v1.0.0-rc.1', 'v1.0.0-rc.1'],
    ['rollback', '', 'previous'],
    ['rollback', 'previous', 'previous'],
    ['rollback', 'v0.2.1', 'v0.2.1'],
    ['recover', '', ''],
    ['status', '', ''],
  ])('mode %s takes tag %j as %j', (mode, tag, expected) => {
    expect(read({ mode, tag }).tag).toBe(expected)
  })

  test.each<[given: Given, code: string, said: RegExp]>([
    [{ mode: 'relase', tag: 'v1.0.0' }, 'INPUT_INVALID', /mode is "relase"; write release/],
    [{ mode: 'adopt' }, 'INPUT_INVALID', /not a mode of the action; run it once/],
    [{ mode: 'release' }, 'INPUT_MISSING', /needs a tag/],
    [{ mode: 'plan' }, 'INPUT_MISSING', /github\.ref_name/],
    [{ tag: 'previous' }, 'INPUT_INVALID', /write a version/],
    [{ tag: 'latest' }, 'INPUT_INVALID', /write a version/],
    [{ tag: 'refs/tags/v1.0.0' }, 'INPUT_INVALID', /write the tag alone/],
    [{ tag: '../v1.0.0' }, 'INPUT_INVALID', /write a version/],
    [{ tag: 'v1.0.0; rm -rf /' }, 'INPUT_INVALID', /write a version/],
    [{ tag: 'v1.0.0', 'stop-after': 'canari' }, 'INPUT_INVALID', /write canary/],
    [{ tag: 'v1.0.0', 'plan-hash': 'abc' }, 'INPUT_INVALID', /64 hexadecimal/],
    [{ tag: 'v1.0.0', 'rollback-data': 'drop' }, 'INPUT_INVALID', /auto, keep, restore/],
    [{ tag: 'v1.0.0', timeout: '45' }, 'INPUT_INVALID', /with its unit/],
    [{ tag: 'v1.0.0', timeout: '30d' }, 'INPUT_INVALID', /to 24h/],
    [{ tag: 'v1.0.0', config: '/tmp/evil.yml' }, 'INPUT_INVALID', /inside the workspace/],
    [{ tag: 'v1.0.0', config: 'a/../../evil.yml' }, 'INPUT_INVALID', /inside the workspace/],
    [{ tag: 'v1.0.0', artifacts: '{' }, 'INPUT_INVALID', /not JSON/],
    [{ tag: 'v1.0.0', token: 'a b' }, 'INPUT_INVALID', /token holds spaces/],
    [{ mode: 'recover', 'stop-after': 'canary' }, 'INPUT_MISPLACED', /belongs to release/],
    [{ mode: 'status', 'plan-hash': 'a'.repeat(64) }, 'INPUT_MISPLACED', /release and rollback/],
  ])('%j', (given, code, said) => {
    const found = problems(given)
    expect(found.map(problem => problem.code)).toEqual([code])
    expect(`${found[0]?.what}; ${found[0]?.next}`).toMatch(said)
    expect(found[0]?.where).toBeTruthy()
  })

  test('all problems are said at once, and no secret', () => {
    const found = problems({
      mode: 'x',
      tag: '?',
      timeout: 'soon',
      keys: 'hunter2secret',
      'ssh-key': 'topsecret',
      token: 'tok en',
    })
    expect(found.map(problem => problem.where)).toEqual([
      'mode',
      'tag',
      'timeout',
      'token',
      'keys, line 1',
      'ssh-key',
    ])
    expect(JSON.stringify(found)).not.toMatch(/hunter2|topsecret|tok en/)
  })

  test('a path anywhere is fine on the command line', () => {
    expect(read({ mode: 'status', config: '/etc/fleet.yml' }, 'command line').config).toBe('/etc/fleet.yml')
    expect(read({ mode: 'adopt' }, 'command line').mode).toBe('adopt')
  })

  test('hostile dispatch inputs never speak a workflow command, and never throw anything but a UserError', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '::error::x',
        '##[error]x',
        '\n::add-mask::a',
        '\u001b]0;x\u0007',
        '$(id)',
        '__proto__',
      ),
    )
    fc.assert(
      fc.property(
        fc.record({
          mode: hostile,
          tag: hostile,
          'plan-hash': hostile,
          reason: hostile,
          config: hostile,
          timeout: hostile,
          'stop-after': hostile,
          keys: hostile,
          'ssh-key': hostile,
        }),
        given => {
          const said = problems(given).flatMap(problem => [problem.what, problem.next, problem.because ?? ''])
          for (const text of said) expect(text).not.toMatch(/^\s*::|##\[|\p{Cc}/u)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a reason is made printable and bounded', () => {
    const { reason } = read({ tag: 'v1.0.0', reason: `slow\n::error::x ${'y'.repeat(500)}` })
    expect(reason).not.toMatch(/\n|^\s*::/)
    expect(reason.length).toBeLessThanOrEqual(300)
  })

  test('come from the environment, secrets from what was taken', () => {
    const source = environmentSource(
      { INPUT_STOP_AFTER: 'canary', INPUT_KEYS: 'must=notbeused' },
      { INPUT_KEYS: 'backend=s3cr3t' },
    )
    expect(source('stop-after')).toBe('canary')
    expect(source('keys')).toBe('backend=s3cr3t')
  })

  test('secrets are listed for the redactor', () => {
    expect(secretsOf(read({ tag: 'v1.0.0', token: 'ghs_1', keys: 'a=x1\nb=x2' }))).toEqual([
      'ghs_1',
      'x1',
      'x2',
    ])
  })
})

describe('the table', () => {
  test('names each input and output once, with words', () => {
    expect(INPUTS.map(input => input.name)).toEqual(
      'mode config tag stop-after plan-hash rollback-data reason timeout token ssh-key ssh-known-hosts keys artifacts metadata'.split(
        ' ',
      ),
    )
    expect(OUTPUTS.map(output => output.name)).toEqual(
      'outcome verdict reason-code headline version target-version previous-version data snapshots report plan-hash rollout-id'.split(
        ' ',
      ),
    )
    for (const { description } of [...INPUTS, ...OUTPUTS]) expect(description).toMatch(/^[A-Za-z].{10,}\.$/)
  })

  test('maps no key into the report, and every input into a step', () => {
    expect(INPUTS.filter(input => input.secret).map(input => input.name)).toEqual([
      'token',
      'ssh-key',
      'keys',
    ])
    expect(
      INPUTS.filter(input => input.secret && input.name !== 'token' && input.steps.includes('report')),
    ).toEqual([])
    for (const { steps } of INPUTS)
      expect(steps.length > 0 && steps.every(step => ACTION_STEPS.includes(step))).toBe(true)
  })

  test('uses variables that every shell keeps', () => {
    for (const { name } of INPUTS) expect(inputVariable(name)).toMatch(/^INPUT_[A-Z_]+$/)
  })
})
