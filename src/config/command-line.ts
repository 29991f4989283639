import { parseArgs } from 'node:util'
import { type Problem, UserError } from '../domain/errors.ts'
import { type ByHand, HAND_FLAGS } from './hand-flags.ts'
import { ACTION_STEPS, type ActionStep, INPUTS, type InputName, type InputRow } from './input-table.ts'
import { environmentSource, type InputSource } from './inputs.ts'
import { MODES, type ModeName } from './modes.ts'
import { shown } from './printed.ts'
import type { Secrets } from './secrets.ts'
import { nearest } from './suggestion.ts'

/** What was typed. `step`: the action runs one of its steps, with its inputs in the environment. */
export type CommandLine =
  | { is: 'help'; of?: ModeName }
  | { is: 'version' }
  | { is: 'step'; step: ActionStep }
  | { is: 'mode'; mode: ModeName; source: InputSource; hand: ByHand }

/** What a command line may read: secrets come from the environment or from a file, never from an argument. */
export type Surroundings = { secrets: Secrets; readFile: (path: string) => string }

const FLAGS: readonly InputRow[] = INPUTS.filter(input => input.name !== 'mode')
const OPTIONS = Object.fromEntries([
  ...FLAGS.map(input => [input.name, { type: 'string' as const }]),
  ...HAND_FLAGS.map(({ name, value }) => [
    name,
    { type: value === '' ? ('boolean' as const) : ('string' as const) },
  ]),
  ['help', { type: 'boolean' as const, short: 'h' }],
  ['version', { type: 'boolean' as const, short: 'V' }],
])

/** `argv` without the program. Throws `UserError` with everything that was not understood. */
export const parseCommandLine = (argv: string[], around: Surroundings): CommandLine => {
  if (argv[0] === 'step') return { is: 'step', step: stepNamed(argv[1] ?? '') }
  const { flags, words, has, problems } = tokens(argv)
  if (words.length === 0 && argv.length === 0) return { is: 'help' }
  if (has('version')) return { is: 'version' }
  const [first = '', ...rest] = words[0] === 'help' ? words.slice(1) : words
  const mode = MODES.find(row => row.name === first)?.name
  if (has('help') || words[0] === 'help')
    return mode === undefined ? { is: 'help' } : { is: 'help', of: mode }
  if (mode === undefined) problems.unshift(unknownMode(first))
  problems.push(...misplaced(mode, has))
  const named = mode === 'adopt' || mode === 'init'
  const [tag, ...extra] = named ? [] : rest
  problems.push(...extra.map(unexpected), ...(tag !== undefined && flags.has('tag') ? [tagTwice] : []))
  if (tag !== undefined) flags.set('tag', tag)
  const source = flagSource(flags, around, problems)
  if (mode === undefined || problems.length > 0) throw new UserError(...problems)
  const [as, unit, container] = [flags.get('as'), flags.get('unit'), flags.get('container')]
  const hand: ByHand = {
    words: named ? rest : [],
    yes: has('yes'),
    undo: has('undo'),
    steal: has('steal'),
    ...(as === undefined ? {} : { as }),
    ...(unit === undefined ? {} : { unit }),
    ...(container === undefined ? {} : { container }),
  }
  return { is: 'mode', mode, source: name => (name === 'mode' ? mode : source(name)), hand }
}

/** Flags of another mode. */
const misplaced = (mode: ModeName | undefined, has: (flag: string) => boolean): Problem[] =>
  HAND_FLAGS.filter(flag => mode !== undefined && has(flag.name) && !flag.modes.includes(mode)).map(
    ({ name, modes }) => ({
      code: 'FLAG_MISPLACED',
      what: `--${name} is no flag of ${mode}`,
      next: `leave it out; it belongs to ${modes.join(', ')}`,
    }),
  )

const stepNamed = (name: string): ActionStep => {
  const step = ACTION_STEPS.find(candidate => candidate === name)
  if (step === undefined)
    throw new UserError({
      code: 'STEP_UNKNOWN',
      what: `there is no step ${shown(name)}`,
      next: `write one of ${ACTION_STEPS.join(', ')}`,
    })
  return step
}

type Typed = {
  flags: Map<string, string>
  words: string[]
  has: (flag: string) => boolean
  problems: Problem[]
}

const tokens = (argv: string[]): Typed => {
  const flags = new Map<string, string>()
  const seen = new Set<string>()
  const words: string[] = []
  const problems: Problem[] = []
  const parsed = parseArgs({
    args: argv,
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  let afterUnknown = -1
  for (const token of parsed.tokens) {
    if (token.kind === 'positional' && token.index !== afterUnknown) words.push(token.value)
    if (token.kind !== 'option') continue
    const problem = flagProblem(token, seen)
    if (problem?.code === 'FLAG_UNKNOWN') afterUnknown = token.index + 1
    if (problem !== undefined) problems.push(problem)
    else if (token.value !== undefined) flags.set(token.name, token.value)
    seen.add(token.name)
  }
  return { flags, words, has: flag => seen.has(flag), problems }
}

type FlagToken = { name: string; value: string | undefined; inlineValue: boolean | undefined }

const flagProblem = ({ name, value, inlineValue }: FlagToken, seen: Set<string>): Problem | undefined => {
  if (!Object.hasOwn(OPTIONS, name)) return unknownFlag(name)
  const row = rowOf(name) ?? HAND_FLAGS.find(flag => flag.name === name)
  if (row === undefined) return undefined
  if (seen.has(name))
    return { code: 'FLAG_TWICE', what: `--${name} is given twice`, next: 'keep one of the two' }
  if (row.value === '') return value === undefined ? undefined : alone(name)
  if (value !== undefined && (inlineValue || !value.startsWith('--'))) return undefined
  return { code: 'FLAG_WITHOUT_VALUE', what: `--${name} needs a value`, next: `write --${name} ${row.value}` }
}

const alone = (name: string): Problem => ({
  code: 'FLAG_WITH_VALUE',
  what: `--${name} takes no value`,
  next: `write --${name} alone`,
})

const rowOf = (name: string): InputRow | undefined => FLAGS.find(input => input.name === name)

const unknownFlag = (name: string): Problem => {
  const close = nearest(name, Object.keys(OPTIONS))
  const next = close === undefined ? 'progressdb-rollout --help lists the flags' : `write --${close}`
  const known = name === 'mode' ? 'write the mode first, without --mode: progressdb-rollout release' : next
  return { code: 'FLAG_UNKNOWN', what: `there is no flag ${shown(`--${name}`)}`, next: known }
}

const unknownMode = (word: string): Problem => {
  const names = MODES.map(mode => mode.name)
  const close = nearest(word, names)
  return {
    code: 'MODE_UNKNOWN',
    what: word === '' ? 'the mode is missing' : `there is no mode ${shown(word)}`,
    next:
      close === undefined
        ? `write one of ${names.join(', ')}; progressdb-rollout --help explains them`
        : `write ${close}`,
  }
}

const unexpected = (word: string): Problem => ({
  code: 'WORD_UNEXPECTED',
  what: `${shown(word)} is one word too many`,
  next: 'a mode is followed by at most a tag and flags; put quotes around a text with spaces',
})

const tagTwice: Problem = {
  code: 'FLAG_TWICE',
  what: 'the tag is given twice',
  next: 'write it after the mode, or as --tag',
}

/** Flags; for secrets the file that the flag names, else the environment by the action's own names. */
const flagSource = (
  flags: Map<string, string>,
  { secrets, readFile }: Surroundings,
  problems: Problem[],
): InputSource => {
  const files = new Map<string, string>()
  for (const { name } of FLAGS.filter(input => input.secret)) {
    const path = flags.get(name)
    if (path === undefined) continue
    try {
      files.set(name, readFile(path))
    } catch {
      problems.push(unreadableSecret(name))
    }
  }
  const environment = environmentSource({}, secrets)
  const token = secrets['GITHUB_TOKEN'] ?? secrets['GH_TOKEN']
  return name => {
    if (!rowOf(name)?.secret) return flags.get(name)
    return files.get(name) ?? environment(name) ?? (name === 'token' ? token : undefined)
  }
}

/** Whoever pasted the secret itself must not find it in the log as well. */
const unreadableSecret = (name: InputName): Problem => ({
  code: 'SECRET_FILE_UNREADABLE',
  what: `what --${name} names cannot be read as a file`,
  because: 'secrets are read from files: an argument can be seen by every user of the machine',
  next: `write the secret to a file that only you can read, and give its path as --${name} FILE`,
  where: name,
})
