import { UserError, type Problem } from '../domain/errors.ts'
import { build } from './build.ts'
import type { Config } from './config.ts'
import { readDocument, type Source } from './document.ts'
import { kindRules, nodeRules, type World } from './fleet.ts'
import { placedNodes } from './nodes.ts'
import { placeRules } from './places.ts'
import type { Broken } from './rule.ts'
import type { FleetFile } from './schema/file.ts'
import { shape, type Shaped } from './shape.ts'
import type { Unread } from './unread.ts'
import { metricRules, timingRules } from './watch.ts'

/**
 * Reads a fleet file. `file` is its name as the user wrote it; `world` fills in what the workflow knows.
 * Throws `UserError` with every problem of the file, each at its `file:line:column`, in the order of the file.
 */
export const parseConfig = (text: string, file: string, world: World = {}): Config => {
  const source = readDocument(text, file)
  const shaped = shape(source)
  const problems = [...shaped.problems, ...brokenRules(source, shaped, world)]
  if (problems.length > 0 || shaped.settings === undefined) throw new UserError(...inFileOrder(problems))
  return build(shaped.settings, placedNodes(shaped.settings), { file, written: source.value, world })
}

const brokenRules = (source: Source, { settings, origin, unread }: Shaped, world: World): Problem[] => {
  if (settings === undefined) return []
  return rules(settings, unread, world).map(({ path, ...problem }) => ({
    ...problem,
    where: source.at(origin(path)),
  }))
}

const rules = (file: FleetFile, unread: Unread, world: World): Broken[] => {
  const nodes = placedNodes(file)
  const timingRead = !['canary', 'waves', 'probe', 'judge', 'keep', 'approve-within'].some(key =>
    unread.has(key),
  )
  return [
    ...kindRules(file, unread, world),
    ...nodeRules(file, nodes, unread),
    ...placeRules(nodes, unread),
    ...(timingRead ? timingRules(file) : []),
    ...metricRules(file),
  ]
}

const inFileOrder = (problems: Problem[]): Problem[] =>
  problems
    .map(problem => ({ problem, position: position(problem.where ?? '') }))
    .sort((a, b) => a.position - b.position)
    .map(({ problem }) => problem)

const position = (where: string): number => {
  const [line = 0, column = 0] = where.split(':').slice(-2).map(Number)
  return line * 1e6 + column
}
