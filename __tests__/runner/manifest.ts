import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { reason } from './log.ts'
import { checkTemplate, condition, SCOPES, type Scope } from './expressions.ts'

type Common = {
  /** `id:`, or a generated name beginning with `__` that no expression can reach. */
  id: string
  name: string
  /** A complete expression; see `condition`. */
  if: string
  env: Record<string, string>
  continueOnError: string
}
export type RunStep = Common & { kind: 'run'; run: string; shell: string; workingDirectory: string }
export type UsesStep = Common & { kind: 'uses'; uses: string; with: Record<string, string> }
export type Step = RunStep | UsesStep
export type Composite = {
  inputs: Record<string, { default?: string }>
  outputs: Record<string, string>
  steps: Step[]
}

type Map = Record<string, unknown>
const RUN_KEYS = ['name', 'id', 'if', 'run', 'env', 'continue-on-error', 'working-directory', 'shell']
const USES_KEYS = ['name', 'id', 'if', 'uses', 'with', 'env', 'continue-on-error']

const fail = (where: string, what: string): never => {
  throw new Error(`action.yml: ${where}: ${what}`)
}
const isMap = (value: unknown): value is Map =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const mapping = (value: unknown, where: string): Map =>
  isMap(value) ? value : fail(where, 'expected a mapping')

const scalar = (value: unknown, where: string): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return value === null || value === undefined ? '' : fail(where, 'expected a scalar')
}

const template = (value: unknown, where: string, scope: Scope): string => {
  const text = scalar(value, where)
  try {
    checkTemplate(text, scope)
  } catch (error) {
    fail(where, reason(error))
  }
  return text
}

const templates = (value: unknown, where: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(value === undefined ? {} : mapping(value, where)).map(([key, v]) => [
      key,
      template(v, `${where}.${key}`, SCOPES.step),
    ]),
  )

const onlyKeys = (step: Map, allowed: string[], where: string): void => {
  for (const key of Object.keys(step)) if (!allowed.includes(key)) fail(where, `Unexpected value '${key}'`)
}

const common = (step: Map, index: number, where: string): Common => {
  const id = scalar(step['id'], `${where}.id`)
  if ('id' in step && !/^[A-Za-z_][\w-]*$/.test(id)) fail(where, `The identifier '${id}' is invalid`)
  if (id.startsWith('__')) fail(where, `The identifier '${id}' is invalid: '__' is reserved`)
  let guard = 'success()'
  try {
    guard = condition(scalar(step['if'], `${where}.if`))
    checkTemplate(`\${{ ${guard} }}`, SCOPES.if)
  } catch (error) {
    fail(`${where}.if`, reason(error))
  }
  return {
    id: id === '' ? `__step_${index}` : id,
    name: template(step['name'], `${where}.name`, SCOPES.step),
    if: guard,
    env: templates(step['env'], `${where}.env`),
    continueOnError: template(
      step['continue-on-error'] ?? 'false',
      `${where}.continue-on-error`,
      SCOPES.step,
    ),
  }
}

const readStep = (value: unknown, index: number): Step => {
  const where = `runs.steps[${index}]`
  const step = mapping(value, where)
  if ('run' in step) {
    onlyKeys(step, RUN_KEYS, where)
    if (!('shell' in step)) fail(where, 'Required property is missing: shell')
    return {
      ...common(step, index, where),
      kind: 'run',
      run: template(step['run'], `${where}.run`, SCOPES.step),
      shell: template(step['shell'], `${where}.shell`, SCOPES.step),
      workingDirectory: template(step['working-directory'], `${where}.working-directory`, SCOPES.step),
    }
  }
  if (!('uses' in step)) return fail(where, 'Required property is missing: run or uses')
  onlyKeys(step, USES_KEYS, where)
  return {
    ...common(step, index, where),
    kind: 'uses',
    uses: scalar(step['uses'], `${where}.uses`),
    with: templates(step['with'], `${where}.with`),
  }
}

const readInputs = (value: unknown): Composite['inputs'] =>
  Object.fromEntries(
    Object.entries(value === undefined ? {} : mapping(value, 'inputs')).map(([key, definition]) => {
      const input = mapping(definition ?? {}, `inputs.${key}`)
      return [
        key,
        'default' in input
          ? { default: template(input['default'], `inputs.${key}.default`, SCOPES.default) }
          : {},
      ]
    }),
  )

const readOutputs = (value: unknown): Composite['outputs'] =>
  Object.fromEntries(
    Object.entries(value === undefined ? {} : mapping(value, 'outputs')).map(([key, definition]) => {
      const output = mapping(definition, `outputs.${key}`)
      onlyKeys(output, ['description', 'value'], `outputs.${key}`)
      return [key, template(output['value'], `outputs.${key}.value`, SCOPES.output)]
    }),
  )

/**
 * Reads a composite's `action.yml` (or `.yaml`) as the runner does: only the keys it allows, `shell` required on run
 * steps, every expression parsed against what its place may name. Throws on the first thing the runner would refuse.
 */
export const readComposite = (actionDir: string): Composite => {
  const file = ['action.yml', 'action.yaml'].map(name => join(actionDir, name)).find(existsSync)
  if (file === undefined) throw new Error(`no action.yml in ${actionDir}`)
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true })
  if (document.errors[0]) throw document.errors[0]
  const root = mapping(document.toJS(), 'file')
  const runs = mapping(root['runs'], 'runs')
  if (runs['using'] !== 'composite')
    fail('runs.using', `expected composite, found ${scalar(runs['using'], 'runs.using')}`)
  onlyKeys(runs, ['using', 'steps'], 'runs')
  const listed = runs['steps']
  const steps = (Array.isArray(listed) ? listed : fail('runs.steps', 'expected a sequence')).map(readStep)
  const ids = steps.map(step => step.id.toLowerCase())
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) fail('runs.steps', `The identifier '${twice}' may not be used more than once`)
  return { inputs: readInputs(root['inputs']), outputs: readOutputs(root['outputs']), steps }
}
