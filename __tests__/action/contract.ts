import { ACTION_STEPS, INPUTS, inputVariable, OUTPUTS } from '../../src/config/input-table.ts'

export type ActionStep = {
  id?: string
  if?: string
  run?: string
  uses?: string
  shell?: string
  env?: Record<string, string>
  'continue-on-error'?: boolean
}
export type Action = {
  inputs: Record<string, { description?: string; default?: string; required?: boolean }>
  outputs: Record<string, { description?: string; value: string }>
  runs: { steps: ActionStep[] }
}

const tidy = (text: string | undefined): string => (text ?? '').replace(/\s+/g, ' ').trim()

const inputProblems = ({ inputs }: Action): string[] => [
  ...INPUTS.flatMap(row => {
    const input = inputs[row.name]
    if (input === undefined) return [`input ${row.name} is missing`]
    return [
      ...(tidy(input.description) === row.description ? [] : [`input ${row.name}: another description`]),
      ...((input.default ?? '') === row.default ? [] : [`input ${row.name}: another default`]),
    ]
  }),
  ...Object.keys(inputs)
    .filter(name => !INPUTS.some(row => row.name === name))
    .map(name => `input ${name} is not in the table`),
]

/** The report's word first; settle's where the report could not speak. */
const outputValue = (name: string): string =>
  `\${{ steps.report.outputs.${name} || steps.settle.outputs.${name} }}`

const outputProblems = ({ outputs }: Action): string[] => [
  ...OUTPUTS.flatMap(({ name, description }) => {
    const output = outputs[name]
    if (output === undefined) return [`output ${name} is missing`]
    return [
      ...(tidy(output.description) === description ? [] : [`output ${name}: another description`]),
      ...(output.value === outputValue(name) ? [] : [`output ${name} is not ${outputValue(name)}`]),
    ]
  }),
  ...Object.keys(outputs)
    .filter(name => !OUTPUTS.some(row => row.name === name))
    .map(name => `output ${name} is not in the table`),
]

const wanted = (step: string): Record<string, string> =>
  Object.fromEntries(
    INPUTS.filter(row => row.steps.some(id => id === step)).map(row => [
      inputVariable(row.name),
      `\${{ inputs.${row.name} }}`,
    ]),
  )

/** Each step gets the inputs it reads and no other, a secret least of all. */
const mappingProblems = (step: ActionStep): string[] => {
  const id = step.id ?? step.uses ?? 'a step'
  const given = Object.entries(step.env ?? {}).filter(
    ([name, value]) => name.startsWith('INPUT_') || /\binputs\b/.test(value),
  )
  const right = wanted(id)
  return [
    ...Object.keys(right)
      .filter(name => step.env?.[name] !== right[name])
      .map(name => `${id}: ${name} must be ${right[name]}`),
    ...given
      .filter(([name]) => right[name] === undefined)
      .map(([name]) => `${id}: ${name} is not for this step`),
  ]
}

const scriptProblems = ({ id = 'a step', run = '' }: ActionStep): string[] => {
  const bundle = `exec "$ROLLOUT_NODE" "$GITHUB_ACTION_PATH/dist/index.mjs" step ${id}`
  const engine = ACTION_STEPS.some(step => step === id)
  return [
    ...(run.includes('${{') ? [`${id}: an expression inside a script`] : []),
    ...(engine && run.trim() !== bundle ? [`${id}: the script must be ${bundle}`] : []),
  ]
}

/** A step that must run after a cancel says always(); one that a cancel must be able to stop does not. */
const conditionProblems = ({ id = '', if: condition = '' }: ActionStep): string[] => {
  const guards = ['settle', 'report'].includes(id)
  const engine = ACTION_STEPS.some(step => step === id)
  if (guards !== condition.includes('always()') && engine)
    return [`${id}: ${guards ? 'always() is missing' : 'always() would shield it from a cancel'}`]
  return /fromJSON|toJSON/i.test(condition)
    ? [`${id}: a condition that can fail to evaluate ends the whole list`]
    : []
}

/** Everything in which action.yml and the tables of inputs and outputs disagree, one line each. */
export const contractProblems = (action: Action): string[] => {
  const ids = action.runs.steps.flatMap(step => step.id ?? [])
  return [
    ...inputProblems(action),
    ...outputProblems(action),
    ...ACTION_STEPS.filter(id => !ids.includes(id)).map(id => `step ${id} is missing`),
    ...action.runs.steps.flatMap(step => [
      ...mappingProblems(step),
      ...scriptProblems(step),
      ...conditionProblems(step),
    ]),
  ]
}
