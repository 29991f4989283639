import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml'
import { type Problem, UserError } from '../domain/errors.ts'
import type { Path } from './tree.ts'

/** A YAML file as plain data, with the place of every value: `at(path)` is `file:line:column`. */
export type Source = {
  value: unknown
  /** Of the value; of the nearest parent that exists where the path does not. */
  at: (path: Path) => string
  /** Of the key itself. */
  atKey: (path: Path, key: string) => string
}

const LARGEST = 256 * 1024

/** Reads one YAML document. Throws `UserError` with every syntax error, each at its place. */
export const readDocument = (text: string, file: string): Source => {
  if (text.length > LARGEST) throw new UserError(tooLarge(file, text.length))
  const lines = new LineCounter()
  const document = parse(text, file, lines)
  const place = (offset: number) => `${file}:${spot(lines, offset)}`
  const problems = [...syntaxProblems(document, place), ...references(document, place)]
  if (problems.length > 0) throw new UserError(...problems)
  return {
    value: document.toJS(),
    at: path => place(offsetOf(document, path)),
    atKey: (path, key) => place(offsetOfKey(document, path, key)),
  }
}

const tooLarge = (file: string, length: number): Problem => ({
  code: 'CONFIG_TOO_LARGE',
  what: `the configuration holds ${length} characters, at most ${LARGEST} are read`,
  next: 'check that the path names the fleet file',
  where: file,
})

/** The parser gives up on extremes (nesting that exhausts the stack) by throwing. */
const parse = (text: string, file: string, lineCounter: LineCounter): Document.Parsed => {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true })
  } catch {
    throw new UserError({
      code: 'CONFIG_NOT_YAML',
      what: 'the configuration cannot be read as YAML',
      because: 'it is nested too deeply',
      next: 'write it like the example in the documentation',
      where: file,
    })
  }
}

const spot = (lines: LineCounter, offset: number): string => {
  const { line, col } = lines.linePos(offset)
  return `${Math.max(line, 1)}:${Math.max(col, 1)}`
}

const MOST_SHOWN = 20

/** One mistake often trips the parser many times: the first of each line is said, and of many lines the first ones. */
const syntaxProblems = (document: Document.Parsed, place: (offset: number) => string): Problem[] => {
  const lines = new Map<string, Problem>()
  const errors = [...document.errors, ...document.warnings].filter(
    error => error.code !== 'TAG_RESOLVE_FAILED',
  )
  for (const error of errors.sort((a, b) => a.pos[0] - b.pos[0])) {
    const where = place(error.pos[0])
    const line = where.slice(0, where.lastIndexOf(':'))
    if (!lines.has(line)) lines.set(line, syntaxProblem(error.code, where))
  }
  return [...lines.values()].slice(0, MOST_SHOWN)
}

const syntaxProblem = (code: string, where: string): Problem => ({
  code: 'CONFIG_NOT_YAML',
  what: SYNTAX[code] ?? 'this is not valid YAML',
  next:
    code === 'DUPLICATE_KEY'
      ? 'keep one of the two'
      : 'correct the line; indentation is by spaces, lists by "- "',
  where,
})

/** The parser quotes the file in its texts; these say as much without. */
const SYNTAX: Record<string, string> = {
  BAD_INDENT: 'the indentation does not fit the lines above',
  BLOCK_IN_FLOW: 'a block cannot stand within brackets',
  DUPLICATE_KEY: 'this setting is written twice',
  MISSING_CHAR: 'a character is missing here, such as a closing quote, bracket or comma',
  MULTIPLE_DOCS: 'a second document begins here; the fleet file is one',
  NON_STRING_KEY: 'a key must be text',
  TAB_AS_INDENT: 'a tab is used as indentation',
  UNEXPECTED_TOKEN: 'this does not belong here',
}

/**
 * An alias would make one place in the file many values, a tag would make text something else; with few settings, writing
 * the value out is clearer, and cannot explode.
 */
const references = (document: Document.Parsed, place: (offset: number) => string): Problem[] => {
  const problems: Problem[] = []
  const refuse = (what: string, code: string, offset: number | undefined) =>
    problems.push({ code, what, next: 'write the value out', where: place(offset ?? 0) })
  visit(document, {
    Alias: (_, node) => {
      refuse('aliases ("*name") are not supported in the fleet file', 'CONFIG_ALIAS', node.range?.[0])
    },
    Value: (_, node) => {
      if (node.tag !== undefined)
        refuse('tags ("!…") are not supported in the fleet file', 'CONFIG_TAG', node.range?.[0])
    },
  })
  return problems
}

const nodeAt = (document: Document.Parsed, path: Path): unknown =>
  path.length === 0 ? document.contents : document.getIn(path, true)

const offsetOf = (document: Document.Parsed, path: Path): number => {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = nodeAt(document, path.slice(0, length))
    if (isNode(node) && !isAlias(node) && node.range) return node.range[0]
  }
  return 0
}

const offsetOfKey = (document: Document.Parsed, path: Path, key: string): number => {
  const parent = nodeAt(document, path)
  if (!isCollection(parent) || !isMap(parent)) return offsetOf(document, path)
  const pair = parent.items.find(item => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
  return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path)
}
