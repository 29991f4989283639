import type { Problem } from '../domain/errors.ts'
import type { Config } from './config.ts'
import { KEY_NAME } from './schema/leaf.ts'

/** A value, or every reason why there is none. */
export type Read<T> = { value: T } | { problems: Problem[] }

const CHECK_SECRET =
  'check that the secret exists, is not empty, and is visible to this job: secrets of an environment need `environment:`, and pull requests from forks get none'

/** `name=value` a line; blank lines are passed over, CRLF and surrounding spaces mended. Never shows a value. */
export const readKeys = (text: string): Read<Record<string, string>> => {
  const keys = new Map<string, string>()
  const problems = text
    .split(/\r\n|[\r\n]/)
    .map((line, index) => ({ line: line.trim(), where: `keys, line ${index + 1}` }))
    .filter(({ line }) => line !== '')
    .flatMap(({ line, where }) => readKey(line, where, keys))
  return problems.length > 0 ? { problems } : { value: Object.fromEntries(keys) }
}

const readKey = (line: string, where: string, keys: Map<string, string>): Problem[] => {
  const equals = line.indexOf('=')
  const name = line.slice(0, Math.max(equals, 0)).trim()
  const value = line.slice(equals + 1).trim()
  if (equals < 0)
    return [
      {
        code: 'KEY_WITHOUT_NAME',
        what: 'this line has no name',
        next: 'write name=value, each on one line',
        where,
      },
    ]
  if (!KEY_NAME.test(name))
    return [
      {
        code: 'KEY_NAME_INVALID',
        what: 'the name of this line is not one',
        next: 'write a name of lower-case letters, digits, "-" and "_", such as backend=…',
        where,
      },
    ]
  if (keys.has(name))
    return [{ code: 'KEY_TWICE', what: `${name} is given twice`, next: 'keep one of the two lines', where }]
  keys.set(name, value)
  if (value === '')
    return [
      {
        code: 'KEY_EMPTY',
        what: `${name} is empty`,
        because: `what the workflow writes after ${name}= has no value, mostly a \${{ secrets.… }} that is not set`,
        next: CHECK_SECRET,
        where,
      },
    ]
  if (!/^[\x20-\x7e]+$/.test(value))
    return [
      {
        code: 'KEY_NOT_PRINTABLE',
        what: `${name} holds characters that no HTTP header can carry`,
        next: 'store the key again, as plain text on one line',
        where,
      },
    ]
  return []
}

/** The names of all keys that the fleet file uses. */
export const keyNames = (config: Config): string[] => {
  const { backendKey, adminKey, frontendKey } = config.probe
  const exposition = config.metrics.length > 0 ? [config.exposition.key] : []
  const told = config.hooks.flatMap(hook => (hook.kind === 'run' ? hook.keys : (hook.key ?? [])))
  const all = [backendKey, adminKey, frontendKey, ...exposition, ...(config.tests?.keys ?? []), ...told]
  return [...new Set(all.filter(name => name !== undefined))]
}

/** Keys that the fleet file uses and the input `keys` does not give. */
export const missingKeys = (config: Config, given: Record<string, string>): Problem[] =>
  keyNames(config)
    .filter(name => !Object.hasOwn(given, name))
    .map(name => ({
      code: 'KEY_MISSING',
      what: `the key ${name} is not given`,
      because: `${config.file}, or a default of its profile, uses it`,
      next: `add a line ${name}=\${{ secrets.… }} to the input keys, or name another key in ${config.file}`,
      where: 'keys',
    }))
