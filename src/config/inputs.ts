import { type Problem, UserError } from '../domain/errors.ts'
import { parseDuration } from '../domain/policy.ts'
import { parseTag } from '../domain/tag.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Inputs } from './config.ts'
import { INPUTS, type InputName, inputVariable } from './input-table.ts'
import { type Read, readKeys } from './keys.ts'
import { MODES, type ModeName, modeRow } from './modes.ts'
import { shown } from './printed.ts'
import type { Secrets } from './secrets.ts'
import { readSshKey } from './ssh-key.ts'
import { nearest } from './suggestion.ts'

/** The text of an input, or `undefined` where it was not given. */
export type InputSource = (name: InputName) => string | undefined
export type Where = 'action' | 'command line'

/** The inputs of the action, from `INPUT_<NAME>`; secrets from what `takeSecrets` took. */
export const environmentSource =
  (env: Record<string, string | undefined>, secrets: Secrets): InputSource =>
  name =>
    secrets[inputVariable(name)] ?? env[inputVariable(name)]

/**
 * Reads all inputs. An empty one is one that was not given, as on GitHub.
 * Throws `UserError` with every problem of every input; no text shows a secret.
 */
export const readInputs = (source: InputSource, where: Where = 'action'): Inputs => {
  const text = (name: InputName) => source(name)?.trim() || defaultOf(name)
  const problems: Problem[] = []
  const take = <T>(read: Read<T>, otherwise: T): T => {
    if ('value' in read) return read.value
    problems.push(...read.problems)
    return otherwise
  }
  const asked = readMode(text('mode'), where)
  const known = 'value' in asked ? asked.value : undefined
  const mode = take(asked, 'status')
  const inputs: Inputs = {
    mode,
    config: take(readConfigPath(text('config'), where), ''),
    tag: take(readTag(text('tag'), known), ''),
    stopAfter: take(
      choice('stop-after', text('stop-after') || 'none', ['none', 'plan', 'rehearse', 'canary']),
      'none',
    ),
    planHash: take(readPlanHash(text('plan-hash')), ''),
    rollbackData: take(choice('rollback-data', text('rollback-data'), ['auto', 'keep', 'restore']), 'auto'),
    reason: printable(new Untrusted(text('reason')), 300),
    timeout: take(readTimeout(text('timeout')), 0),
    artifacts: take(readJson('artifacts', text('artifacts')), ''),
    metadata: take(readJson('metadata', text('metadata')), ''),
    token: take(readToken(text('token')), ''),
    keys: take(readKeys(source('keys') ?? ''), {}),
    sshKey: take(readSshKey(source('ssh-key') ?? ''), ''),
    sshKnownHosts: text('ssh-known-hosts').replaceAll(/\r\n?/g, '\n'),
  }
  if (known !== undefined) problems.push(...misplaced(inputs))
  if (problems.length > 0) throw new UserError(...problems)
  return inputs
}

/** Everything secret among the inputs, for the redactor. */
export const secretsOf = (inputs: Inputs): string[] =>
  [inputs.token, inputs.sshKey, ...Object.values(inputs.keys)].filter(secret => secret !== '')

/** A default that is an expression is the workflow's to evaluate. */
const defaultOf = (name: InputName): string => {
  const value = INPUTS.find(input => input.name === name)?.default ?? ''
  return value.startsWith('${{') ? '' : value
}

const refused = (name: InputName, what: string, next: string, because?: string): { problems: Problem[] } => ({
  problems: [
    { code: 'INPUT_INVALID', what, next, where: name, ...(because === undefined ? {} : { because }) },
  ],
})

const choice = <T extends string>(name: InputName, text: string, allowed: readonly T[]): Read<T> => {
  const value = allowed.find(candidate => candidate === text)
  if (value !== undefined) return { value }
  const close = nearest(text, allowed)
  return refused(
    name,
    `${name} is ${shown(text)}`,
    close === undefined ? `write one of ${allowed.join(', ')}` : `write ${close}`,
  )
}

const readMode = (text: string, where: Where): Read<ModeName> => {
  const names = MODES.map(mode => mode.name)
  const mode = choice('mode', text, names)
  if (where === 'action' && 'value' in mode && modeRow(mode.value)?.byHand)
    return refused(
      'mode',
      `${mode.value} is not a mode of the action`,
      `run it once on the machine of the nodes: npx progressdb-rollout ${mode.value}`,
    )
  return mode
}

/** In a workflow the file must come with the checked-out commit: a dispatch input may not point anywhere else. */
const readConfigPath = (text: string, where: Where): Read<string> => {
  const inWorkspace = !text.startsWith('/') && !text.split(/[/\\]/).includes('..')
  const plain = /^[^\p{Cc}]{1,400}$/u.test(text)
  return plain && (where === 'command line' || inWorkspace)
    ? { value: text }
    : refused(
        'config',
        `config is ${shown(text)}`,
        'name a file inside the workspace, such as .github/rollout.yml',
        'test commands in it are run',
      )
}

/** In a mode that was not understood, every form of any mode is taken. */
const readTag = (text: string, mode: ModeName | undefined): Read<string> => {
  if (text === '' && (mode === 'release' || mode === 'plan'))
    return {
      problems: [
        {
          code: 'INPUT_MISSING',
          what: `mode ${mode} needs a tag`,
          next: 'give the release to reach, such as v0.2.2 (in a workflow: tag: ${{ github.ref_name }})',
          where: 'tag',
        },
      ],
    }
  if (mode === 'rollback' && text === '') return { value: 'previous' }
  if ((mode === 'rollback' || mode === undefined) && text === 'previous') return { value: text }
  if (text === '' || (text.length <= 128 && parseTag(text) !== undefined)) return { value: text }
  const next = text.startsWith('refs/')
    ? 'write the tag alone: ${{ github.ref_name }}'
    : 'write a version such as v0.2.2'
  return refused('tag', `tag is ${shown(text)}`, mode === 'rollback' ? `${next}, or previous` : next)
}

const readPlanHash = (text: string): Read<string> =>
  text === '' || /^[0-9a-f]{64}$/i.test(text)
    ? { value: text.toLowerCase() }
    : refused(
        'plan-hash',
        `plan-hash is ${shown(text)}`,
        'paste the whole hash that the plan printed, 64 hexadecimal digits',
      )

const LONGEST = 24 * 3_600_000

const readTimeout = (text: string): Read<number> => {
  const value = parseDuration(text)
  return value !== undefined && value >= 1000 && value <= LONGEST
    ? { value }
    : refused(
        'timeout',
        `timeout is ${shown(text)}`,
        'write a duration with its unit, such as 45m, from 1s to 24h',
      )
}

const readJson = (name: 'artifacts' | 'metadata', text: string): Read<string> => {
  try {
    if (text !== '') JSON.parse(text)
    return { value: text }
  } catch {
    return refused(
      name,
      `${name} is not JSON`,
      `map the output of goreleaser-action: \${{ needs.<job>.outputs.${name} }}`,
    )
  }
}

const readToken = (text: string): Read<string> =>
  /^[\x21-\x7e]*$/.test(text)
    ? { value: text }
    : refused(
        'token',
        'the token holds spaces or characters that no HTTP header can carry',
        'store it again, on one line',
      )

/** An input that a mode would pass over is a mistake: whoever gave it expects to be heard. */
const misplaced = ({ mode, stopAfter, planHash }: Inputs): Problem[] => {
  const given: [InputName, boolean][] = [
    ['stop-after', stopAfter !== 'none'],
    ['plan-hash', planHash !== ''],
  ]
  return given.flatMap(([name, isGiven]) => {
    const modes = INPUTS.find(input => input.name === name)?.modes ?? []
    if (!isGiven || modes.includes(mode)) return []
    return [
      {
        code: 'INPUT_MISPLACED',
        what: `mode ${mode} does not know ${name}`,
        next: `leave ${name} out; it belongs to ${modes.join(' and ')}`,
        where: name,
      },
    ]
  })
}
