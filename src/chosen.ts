import type { Config } from './config/config.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { printable } from './domain/text.ts'
import type { ByHand } from './config/hand-flags.ts'

/** The fleet as far as it was named on the command line, and whoever is to log in there. Throws `UserError`. */
export function chosen(config: Config, { words, as, undo }: Pick<ByHand, 'words' | 'as' | 'undo'>): Config {
  const strange = words.filter(word => !config.nodes.some(n => n.name === word))
  const problems = strange.map(word => unknown(config, word))
  if (undo && config.service.kind !== 'systemd') problems.push(nothingToUndo)
  if (as !== undefined && config.shell.kind === 'local') problems.push(nobodyLogsIn)
  if (as !== undefined && isOther(config, as)) problems.push(nobodyElse)
  if (problems.length > 0) throw new UserError(...problems)
  const nodes = config.nodes.filter(n => words.length === 0 || words.includes(n.name))
  if (as === undefined) return { ...config, nodes }
  return {
    ...config,
    nodes: nodes.map(n => (n.machine ? { ...n, machine: { ...n.machine, user: as } } : n)),
  }
}

/** A unit of a user's own is nobody else's to adopt. */
const isOther = ({ service, shell }: Config, as: string): boolean =>
  service.kind === 'systemd' && service.scope === 'user' && shell.kind === 'ssh' && shell.user !== as

const nobodyElse: Problem = {
  code: 'FLAG_MISPLACED',
  what: '--as says who logs in, and these units belong to the user that drives the nodes',
  next: 'leave it out: nobody has to be root for them',
}

const unknown = (config: Config, word: string): Problem => ({
  code: 'NODE_UNKNOWN',
  what: `there is no node ${printable(word, 100)} in ${config.file}`,
  next: `name one of ${config.nodes.map(n => n.name).join(', ')}`,
})

const nothingToUndo: Problem = {
  code: 'NOTHING_TO_UNDO',
  what: 'the adoption of a plain process or a container moved and linked nothing',
  next: 'remove the install folder of a node to forget its releases and its record',
}

const nobodyLogsIn: Problem = {
  code: 'FLAG_MISPLACED',
  what: '--as says who logs in, and these nodes are on this machine',
  next: 'run the command itself as that user',
}
