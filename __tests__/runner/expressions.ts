import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { data, Evaluator, Lexer, Parser } from '@actions/expressions'

type Data = data.ExpressionData
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
/** The contexts an expression may read, by name: `github`, `inputs`, `steps` … */
export type Contexts = Record<string, Json>
/** What the status functions look at: the composite's own status, and whether the job was cancelled. */
export type Status = { action: 'success' | 'failure' | 'cancelled'; jobCancelled: boolean; workspace: string }

/** Where an expression stands decides what it may name; anything else is refused when the file is loaded. */
export type Scope = { contexts: readonly string[]; status: boolean; hashFiles: boolean }

const STEP_CONTEXTS = ['github', 'inputs', 'strategy', 'matrix', 'steps', 'job', 'runner', 'env'] as const
export const SCOPES = {
  step: { contexts: STEP_CONTEXTS, status: false, hashFiles: true },
  if: { contexts: STEP_CONTEXTS, status: true, hashFiles: true },
  output: { contexts: STEP_CONTEXTS, status: false, hashFiles: false },
  default: { contexts: ['github', 'strategy', 'matrix', 'job', 'runner'], status: false, hashFiles: true },
} as const satisfies Record<string, Scope>

const STATUS_FUNCTIONS = ['always', 'cancelled', 'failure', 'success']
const status = (name: string) => ({ name, minArgs: 0, maxArgs: 0 })
const HASH_FILES = { name: 'hashFiles', minArgs: 1, maxArgs: 255 }

const parse = (source: string, scope: Scope) => {
  const functions = [
    ...(scope.status ? STATUS_FUNCTIONS.map(status) : []),
    ...(scope.hashFiles ? [HASH_FILES] : []),
  ]
  const { tokens } = new Lexer(source).lex()
  const namesStatus = tokens.some(
    (t, i) => STATUS_FUNCTIONS.includes(t.lexeme.toLowerCase()) && tokens[i + 1]?.lexeme === '(',
  )
  return { tree: new Parser(tokens, [...scope.contexts], functions).parse(), namesStatus }
}

const hashFiles = (workspace: string, patterns: string[]): string => {
  const files = globSync(patterns, { cwd: workspace })
    .map(file => join(workspace, file))
    .filter(file => statSync(file).isFile())
    .sort()
  const sum = createHash('sha256')
  for (const file of files) sum.update(createHash('sha256').update(readFileSync(file)).digest())
  return files.length === 0 ? '' : sum.digest('hex')
}

type Definition = { name: string; minArgs: number; maxArgs: number; call: (...args: Data[]) => Data }

const functionsFor = (now: Status): Map<string, Definition> => {
  const answers = {
    always: () => true,
    cancelled: () => now.jobCancelled,
    success: () => now.action === 'success',
    failure: () => now.action === 'failure',
  }
  const functions = new Map<string, Definition>()
  for (const [name, answer] of Object.entries(answers))
    functions.set(name, { ...status(name), call: () => new data.BooleanData(answer()) })
  const hash = (...args: Data[]): Data =>
    new data.StringData(
      hashFiles(
        now.workspace,
        args.map(arg => arg.coerceString()),
      ),
    )
  return functions.set('hashfiles', { ...HASH_FILES, call: hash })
}

const toData = (value: Json): Data => {
  if (value === null) return new data.Null()
  if (typeof value === 'string') return new data.StringData(value)
  if (typeof value === 'number') return new data.NumberData(value)
  if (typeof value === 'boolean') return new data.BooleanData(value)
  if (Array.isArray(value)) return new data.Array(...value.map(toData))
  return new data.Dictionary(...Object.entries(value).map(([key, one]) => ({ key, value: toData(one) })))
}

const evaluate = (source: string, scope: Scope, contexts: Contexts, now: Status): Data => {
  const pairs = Object.entries(contexts).map(([key, value]) => ({ key, value: toData(value) }))
  const dictionary = new data.Dictionary(...pairs)
  return new Evaluator(parse(source, scope).tree, dictionary, functionsFor(now)).evaluate()
}

type Segment = { literal: string } | { expression: string }

/** Splits `a ${{ b }} c`; a `}}` inside a quoted string does not end an expression. */
const segments = (text: string): Segment[] => {
  const found: Segment[] = []
  let at = 0
  for (let open = text.indexOf('${{', at); open >= 0; open = text.indexOf('${{', at)) {
    let close = open + 3
    for (let quoted = false; quoted || !text.startsWith('}}', close); close++) {
      if (close >= text.length) throw new Error(`expression is not closed: ${text.slice(open)}`)
      if (text[close] === "'") quoted = !quoted
    }
    if (open > at) found.push({ literal: text.slice(at, open) })
    found.push({ expression: text.slice(open + 3, close).trim() })
    at = close + 2
  }
  if (at < text.length) found.push({ literal: text.slice(at) })
  return found
}

/** Throws when an expression in `text` does not parse, or names what its place does not offer. */
export const checkTemplate = (text: string, scope: Scope): void => {
  for (const part of segments(text)) if ('expression' in part) parse(part.expression, scope)
}

/** The text with every `${{ }}` replaced by its value. */
export const fill = (text: string, scope: Scope, contexts: Contexts, now: Status): string =>
  segments(text)
    .map(part =>
      'literal' in part ? part.literal : evaluate(part.expression, scope, contexts, now).coerceString(),
    )
    .join('')

/**
 * The expression of an `if:`, with GitHub's implicit `success() &&` where no status function is named.
 * Text beside a `${{ }}` makes a non-empty string, which is always true: refused here as the trap that it is.
 */
export const condition = (written: string): string => {
  const parts = segments(written.trim())
  const [first] = parts
  if (parts.length > 1) throw new Error(`if: text beside \${{ }} is always true: ${written}`)
  const source = first === undefined ? '' : 'literal' in first ? first.literal : first.expression
  if (source === '') return 'success()'
  return parse(source, SCOPES.if).namesStatus ? source : `success() && (${source})`
}

const falsy = (value: Data): boolean =>
  value.kind === data.Kind.Null ||
  (value.kind === data.Kind.Boolean && !value.value) ||
  (value.kind === data.Kind.Number && (value.value === 0 || Number.isNaN(value.value))) ||
  (value.kind === data.Kind.String && value.value === '')

/** Whether a `condition` holds. Throws when it cannot be evaluated. */
export const holds = (source: string, contexts: Contexts, now: Status): boolean =>
  !falsy(evaluate(source, SCOPES.if, contexts, now))
