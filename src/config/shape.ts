import { type core, safeParse } from 'zod/mini'
import type { Problem } from '../domain/errors.ts'
import type { Source } from './document.ts'
import { shown } from './printed.ts'
import { type FleetFile, fileSchema } from './schema/file.ts'
import { keysUnder, SETTINGS } from './settings.ts'
import { nearest } from './suggestion.ts'
import { NO_NODES, type Unread } from './unread.ts'
import { member, type Origin, type Path, pointer, settingName, take, valueAt, withoutHoles } from './tree.ts'

type Issue = core.$ZodIssue
/** `settings` is what could be read: parts with problems are left out, so that the rules can look at the rest. */
export type Shaped = {
  problems: Problem[]
  settings?: FleetFile
  /** Where a value in `settings` stands in the file. */
  origin: Origin
  unread: Unread
}

/** Compares what was written with the schema; every difference is a problem at its place. */
export const shape = (source: Source): Shaped => {
  const first = safeParse(fileSchema, source.value)
  if (first.success) return { problems: [], settings: first.data, origin: path => path, unread: new Set() }
  const issues = first.error.issues.flatMap(flatten)
  const unread = new Set(issues.flatMap(issue => topLevel(issue, source.value)))
  return {
    problems: once(withoutMisspelt(issues).flatMap(issue => explain(issue, source))),
    unread,
    ...readable(source.value),
  }
}

/** An alternative fails in each of its branches; the one that fits the kind of value is what the person meant. */
const flatten = (issue: Issue): Issue[] => {
  if (issue.code !== 'invalid_union') return [issue]
  const branch =
    issue.errors.find(errors =>
      errors.some(error => error.path.length > 0 || error.code === 'unrecognized_keys'),
    ) ??
    issue.errors.find(errors =>
      errors.every(error => error.code !== 'invalid_type' && error.code !== 'invalid_value'),
    )
  if (branch === undefined) return [issue]
  return branch.flatMap(error => flatten({ ...error, path: [...issue.path, ...error.path] }))
}

/** Text that is no duration at all is also not within its bounds; that is one mistake. */
const once = (problems: Problem[]): Problem[] => {
  const key = ({ where, what }: Problem) => `${where} ${what}`
  return problems.filter(
    (problem, index) => problems.findIndex(other => key(other) === key(problem)) === index,
  )
}

/** A misspelt key is one mistake: that the right one is missing is not said as well. */
const withoutMisspelt = (issues: Issue[]): Issue[] => {
  const meant = issues.flatMap(issue => {
    if (issue.code !== 'unrecognized_keys') return []
    const path = plainPath(issue.path)
    return issue.keys.map(key => pointer([...path, nearest(key, keysUnder(settingName(path))) ?? '']))
  })
  return issues.filter(
    issue => issue.code === 'unrecognized_keys' || !meant.includes(pointer(plainPath(issue.path))),
  )
}

const topLevel = (issue: Issue, written: unknown): string[] => {
  if (issue.code === 'unrecognized_keys' && issue.path.length === 0) return issue.keys
  const [setting] = plainPath(issue.path)
  if (setting === 'nodes' && member(written, setting) === undefined) return [NO_NODES]
  return setting === undefined ? [] : [String(setting)]
}

const explain = (issue: Issue, source: Source): Problem[] => {
  const path = plainPath(issue.path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey(path, key, source))
  if (issue.code === 'invalid_key')
    return [invalid(path, 'this key', source, issue.issues[0]?.message ?? issue.message)]
  const value = valueAt(source.value, path)
  if (value === undefined || (value === null && path.length === 0))
    return [missing(path, source, issue.message)]
  return [invalid(path, shown(value), source, issue.message)]
}

const unknownKey = (path: Path, key: string, source: Source): Problem => {
  const where = source.atKey(path, key)
  const parent = settingName(path)
  return {
    code: 'SETTING_UNKNOWN',
    what: `there is no setting ${shown(key)}${parent === '' ? '' : ` in ${parent}`}`,
    next: whatInstead(parent, key),
    where,
  }
}

const whatInstead = (parent: string, key: string): string => {
  const here = keysUnder(parent)
  const elsewhere = SETTINGS.find(name => name === key || name.endsWith(`.${key}`))
  const close = nearest(key, here)
  if (elsewhere !== undefined)
    return elsewhere.includes('.')
      ? `move it: ${elsewhere.split('.').slice(0, -1).join('.')} has ${key}`
      : `move ${key} to the top of the file`
  return close === undefined ? `remove it; known here: ${here.join(', ')}` : `write ${close}`
}

const missing = (path: Path, source: Source, wanted: string): Problem => ({
  code: 'SETTING_MISSING',
  what: path.length === 0 ? 'the file is empty' : `${settingName(path)} is missing`,
  next: path.length === 0 ? `write ${wanted}` : `add ${String(path.at(-1))}: with ${wanted}`,
  where: source.at(path),
})

const invalid = (path: Path, what: string, source: Source, wanted: string): Problem => ({
  code: 'SETTING_INVALID',
  what: path.length === 0 ? `the file holds ${what}` : `${settingName(path)} is ${what}`,
  next: `write ${wanted}`,
  where: source.at(path),
})

/** What the schema accepts of a file with mistakes: the parts with issues are cut until the rest fits. */
const readable = (written: unknown): Pick<Shaped, 'settings' | 'origin'> => {
  const copy = structuredClone(written)
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    addMissingNodes(copy)
    const { value, origin } = withoutHoles(copy)
    const result = safeParse(fileSchema, value)
    if (result.success) return { settings: result.data, origin }
    const cuts = result.error.issues.flatMap(flatten).flatMap(issue => toCut(issue, value).map(origin))
    if (cuts.some(path => path.length === 0)) break
    for (const path of cuts) take(copy, path)
  }
  return { origin: path => path }
}

/** Each round cuts one level more where what is left of a mapping does not fit either; the schema is not this deep. */
const MOST_ROUNDS = 12

/** The one setting without which nothing fits; rules on it are not judged then. */
const addMissingNodes = (copy: unknown): void => {
  if (typeof copy === 'object' && copy !== null && !Array.isArray(copy) && !Object.hasOwn(copy, 'nodes'))
    Object.assign(copy, { nodes: ['unnamed'] })
}

/** The smallest parts that carry the issue; of something missing, what lacks it; of a metric, all of it: half a rule is another rule. */
const toCut = (issue: Issue, value: unknown): Path[] => {
  const path = plainPath(issue.path)
  if (path[0] === 'metrics' && path.length > 1) return [path.slice(0, 2)]
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => [...path, key])
  return [valueAt(value, path) === undefined ? path.slice(0, -1) : path]
}

const plainPath = (path: readonly PropertyKey[]): Path =>
  path.map(key => (typeof key === 'number' ? key : String(key)))
