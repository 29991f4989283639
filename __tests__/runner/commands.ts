/** A workflow command as spoken on stdout or stderr, unescaped. */
export type WorkflowCommand = { name: string; properties: Record<string, string>; data: string }

export const COMMANDS = [
  'add-mask',
  'add-matcher',
  'add-path',
  'debug',
  'echo',
  'endgroup',
  'error',
  'group',
  'notice',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
  'stop-commands',
  'warning',
] as const

type Escapes = [escaped: string, plain: string][]
const DATA: Escapes = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%25', '%'],
]
const PROPERTY: Escapes = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%3A', ':'],
  ['%2C', ','],
  ['%25', '%'],
]
const OLD: Escapes = [
  ['%3B', ';'],
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%5D', ']'],
  ['%25', '%'],
]
const unescape = (text: string, escapes: Escapes): string =>
  escapes.reduce((done, [escaped, plain]) => done.replaceAll(escaped, plain), text)

const properties = (text: string, separator: string, escapes: Escapes): Record<string, string> =>
  Object.fromEntries(
    text
      .split(separator)
      .filter(pair => pair.includes('='))
      .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
      .filter(([key, value]) => key !== '' && value !== '')
      .map(([key, value]) => [key, unescape(value, escapes)]),
  )

/** .NET's notion of white space, which is not JavaScript's. */
const LEADING_SPACE = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/

/** `::name key=value,key=value::data`, only at the start of a line. */
const parseNew = (line: string, known: ReadonlySet<string>): WorkflowCommand | undefined => {
  const message = line.replace(LEADING_SPACE, '')
  const end = message.indexOf('::', 2)
  if (!message.startsWith('::') || end < 0) return undefined
  const info = message.slice(2, end)
  const space = info.indexOf(' ')
  const name = space < 0 ? info : info.slice(0, space)
  if (!known.has(name.toLowerCase())) return undefined
  return {
    name: name.toLowerCase(),
    properties: space > 0 ? properties(info.slice(space + 1).trim(), ',', PROPERTY) : {},
    data: unescape(message.slice(end + 2), DATA),
  }
}

/** `##[name key=value;key=value]data`, anywhere in a line. */
const parseOld = (line: string, known: ReadonlySet<string>): WorkflowCommand | undefined => {
  const start = line.indexOf('##[')
  const end = start < 0 ? -1 : line.indexOf(']', start)
  if (end < 0) return undefined
  const info = line.slice(start + 3, end)
  const space = info.indexOf(' ')
  const name = space < 0 ? info : info.slice(0, space)
  if (!known.has(name.toLowerCase())) return undefined
  return {
    name: name.toLowerCase(),
    properties: space > 0 ? properties(info.slice(space + 1), ';', OLD) : {},
    data: unescape(line.slice(end + 1), OLD),
  }
}

/** The command a line speaks, if it speaks one of `known` (lower case names; a stop token is one while it is in force). */
export const parseCommand = (line: string, known: ReadonlySet<string>): WorkflowCommand | undefined =>
  parseNew(line, known) ?? parseOld(line, known)
