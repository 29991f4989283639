import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Action, contractProblems } from './contract.ts'

const file = join(import.meta.dirname, '../../action.yml')
const read = (): Action => parse(readFileSync(file, 'utf8'))

describe.skipIf(!existsSync(file))('action.yml', () => {
  test('agrees with the tables of inputs and outputs', () => {
    expect(contractProblems(read())).toEqual([])
  })

  const spoilt: [string, (action: Action) => void, RegExp][] = [
    [
      'an input it does not know',
      a => Object.assign(a.inputs, { more: {} }),
      /input more is not in the table/,
    ],
    ['a missing output', a => delete a.outputs['outcome'], /output outcome is missing/],
    [
      'a secret in a step that does not read it',
      a => Object.assign(envOf(a, 'report'), { INPUT_KEYS: '${{ inputs.keys }}' }),
      /report: INPUT_KEYS is not for this step/,
    ],
    [
      'the same under another name',
      a => Object.assign(envOf(a, 'report'), { K: '${{ inputs.keys }}' }),
      /report: K is not for this step/,
    ],
    ['an input not mapped', a => delete envOf(a, 'plan')['INPUT_TAG'], /plan: INPUT_TAG must be/],
    [
      'an expression in a script',
      a => Object.assign(stepOf(a, 'plan'), { run: 'echo ${{ inputs.tag }}' }),
      /expression inside a script/,
    ],
    [
      'node without exec',
      a => Object.assign(stepOf(a, 'canary'), { run: 'node index.mjs' }),
      /canary: the script must be exec/,
    ],
    [
      'a canary that a cancel cannot stop',
      a => Object.assign(stepOf(a, 'canary'), { if: 'always()' }),
      /shield/,
    ],
    [
      'a settle that a cancel skips',
      a => Object.assign(stepOf(a, 'settle'), { if: 'success()' }),
      /always\(\) is missing/,
    ],
  ]
  test.each(spoilt)('%s is found', (_name, spoil, problem) => {
    const action = read()
    spoil(action)
    expect(contractProblems(action).join('\n')).toMatch(problem)
  })
})

const stepOf = (action: Action, id: string) => {
  const step = action.runs.steps.find(one => one.id === id)
  if (step === undefined) throw new Error(`no step ${id}`)
  return step
}
const envOf = (action: Action, id: string): Record<string, string> => (stepOf(action, id).env ??= {})
