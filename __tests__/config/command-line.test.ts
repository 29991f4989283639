import { describe, expect, test } from 'vitest'
import { parseCommandLine } from '../../src/config/command-line.ts'
import { helpText, modeHelp } from '../../src/config/help.ts'
import { INPUTS } from '../../src/config/input-table.ts'
import { readInputs } from '../../src/config/inputs.ts'
import { MODES } from '../../src/config/modes.ts'
import { problemsOf } from './problems.ts'

const readFile = (path: string) => {
  if (path !== 'keys.txt') throw new Error(`ENOENT ${path}`)
  return 'backend=abc\n'
}
const secrets = { GITHUB_TOKEN: 'ghs_env', INPUT_KEYS: 'backend=env' }
const parse = (...argv: string[]) => parseCommandLine(argv, { secrets, readFile })
const inputs = (...argv: string[]) => {
  const line = parse(...argv)
  if (line.is !== 'mode') throw new Error(`not a mode: ${line.is}`)
  return readInputs(line.source, 'command line')
}

describe('the command line', () => {
  test('takes a mode, a tag and flags by the names of the inputs', () => {
    expect(inputs('release', 'v0.2.2')).toMatchObject({
      mode: 'release',
      tag: 'v0.2.2',
      token: 'ghs_env',
      keys: { backend: 'env' },
    })
    expect(
      inputs('release', '--tag', 'v0.2.2', '--stop-after=canary', '--keys', 'keys.txt', '--reason', 'a b'),
    ).toMatchObject({
      tag: 'v0.2.2',
      stopAfter: 'canary',
      keys: { backend: 'abc' },
      reason: 'a b',
    })
    expect(inputs('rollback', '--rollback-data', 'restore')).toMatchObject({
      mode: 'rollback',
      tag: 'previous',
      rollbackData: 'restore',
    })
    expect(inputs('adopt', '--config', '/etc/f.yml')).toMatchObject({ mode: 'adopt', config: '/etc/f.yml' })
  })

  test('runs the steps of the action, whose inputs are in the environment', () => {
    expect(parse('step', 'settle')).toEqual({ is: 'step', step: 'settle' })
    expect(problemsOf(() => parse('step', 'x')).map(problem => problem.code)).toEqual(['STEP_UNKNOWN'])
  })

  test.each<[argv: string[], expected: object]>([
    [[], { is: 'help' }],
    [['--help'], { is: 'help' }],
    [['-h'], { is: 'help' }],
    [['help'], { is: 'help' }],
    [['help', 'rollback'], { is: 'help', of: 'rollback' }],
    [['rollback', '--help'], { is: 'help', of: 'rollback' }],
    [['--version'], { is: 'version' }],
  ])('%j', (argv, expected) => {
    expect(parse(...argv)).toEqual(expected)
  })

  test.each<[argv: string[], codes: string[], said: RegExp]>([
    [['relase'], ['MODE_UNKNOWN'], /write release/],
    [['--tag', 'v1.0.0'], ['MODE_UNKNOWN'], /the mode is missing/],
    [['release', '--tagg', 'v1'], ['FLAG_UNKNOWN'], /write --tag/],
    [['release', 'v1.0.0', '--constructor', 'x'], ['FLAG_UNKNOWN'], /lists the flags/],
    [['release', '--mode', 'plan'], ['FLAG_UNKNOWN'], /without --mode/],
    [['release', '--tag'], ['FLAG_WITHOUT_VALUE'], /--tag TAG/],
    [['release', '--tag', '--reason', 'x'], ['FLAG_WITHOUT_VALUE'], /--tag TAG/],
    [['release', 'v1.0.0', '--tag', 'v1.0.0'], ['FLAG_TWICE'], /tag is given twice/],
    [['release', '--reason', 'a', '--reason', 'b'], ['FLAG_TWICE'], /--reason/],
    [['release', 'v1', 'v2', 'v3'], ['WORD_UNEXPECTED', 'WORD_UNEXPECTED'], /one word too many/],
    [['deploy', '--foo', '--tag'], ['MODE_UNKNOWN', 'FLAG_UNKNOWN', 'FLAG_WITHOUT_VALUE'], /adopt/],
  ])('%j', (argv, codes, said) => {
    const found = problemsOf(() => parse(...argv))
    expect(found.map(problem => problem.code)).toEqual(codes)
    expect(found.map(problem => `${problem.what}; ${problem.next}`).join('\n')).toMatch(said)
  })

  test('a secret pasted as an argument is refused and not repeated', () => {
    const found = problemsOf(() => inputs('release', 'v1.0.0', '--token', 'ghp_pasted'))
    expect(found.map(problem => problem.code)).toEqual(['SECRET_FILE_UNREADABLE'])
    expect(JSON.stringify(found)).not.toContain('ghp_pasted')
  })
})

describe('help', () => {
  test('names every mode, every flag but the mode, and every exit code', () => {
    for (const { name, summary } of MODES)
      expect(helpText()).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 20)}`, 'm'))
    for (const { name } of INPUTS.filter(input => input.name !== 'mode'))
      expect(helpText()).toContain(`\n  --${name} `)
    for (const code of [0, 2, 3, 4]) expect(helpText()).toMatch(new RegExp(`^  ${code}  `, 'm'))
    expect(
      Math.max(
        ...helpText()
          .split('\n')
          .map(line => line.length),
      ),
    ).toBeLessThanOrEqual(120)
  })

  test('of a mode shows its own flags only, and examples that parse', () => {
    for (const mode of MODES) {
      const text = modeHelp(mode.name)
      expect(text).toContain(mode.summary)
      for (const input of INPUTS.filter(({ name }) => name !== 'mode'))
        expect(text.includes(`\n  --${input.name} `)).toBe(input.modes.includes(mode.name))
      for (const example of mode.examples) {
        const argv = (example.match(/"[^"]*"|\S+/g) ?? []).map(word => word.replaceAll('"', ''))
        expect(parse(...argv)).toMatchObject({ is: 'mode', mode: mode.name })
      }
    }
  })
})
