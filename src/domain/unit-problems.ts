import type { Problem } from './errors.ts'
import type { UnitFacts } from './facts.ts'
import type { NodeId } from './node.ts'
import type { SurveyedNode } from './survey.ts'
import { quote } from './quote.ts'
import { printable, Untrusted } from './text.ts'

/** Why a unit of systemd must not be driven as it is: two users that are not apart, or something that was changed since its adoption. */
export function unitProblems({ node, facts: { unit, configNextSha } }: SurveyedNode): Problem[] {
  if (!unit) return []
  const again = `progressdb-rollout adopt ${node}, which restarts nothing`
  const out: Problem[] = []
  if (unit.exposed.length > 0)
    out.push({
      code: 'USERS_NOT_APART',
      what: `${node}: the user of the service can write ${listed(unit.exposed)}`,
      because: 'whoever breaks into the server could choose what is started next, or who may start it',
      next: `take that right away; then ${again}`,
      where: node,
    })
  if (unit.madeBy === '')
    out.push({
      code: 'UNIT_NOT_ADOPTED',
      what: `${node}: nothing stands before the starts of its unit`,
      because: 'it was never adopted as a unit, or that was taken back',
      next: again,
      where: node,
    })
  else if (!unit.hasSwitch)
    out.push({
      code: 'UNIT_WITHOUT_SWITCH',
      what: `${node} was adopted by a version that knew no dead man's switch`,
      because: 'it could not go back by itself when nobody comes, and so it is not changed',
      next: again,
      where: node,
    })
  if (unit.changedSince.length > 0)
    out.push({
      code: 'UNIT_CHANGED',
      what: `${node}: ${listed(unit.changedSince)} changed since it was adopted`,
      because: 'a rehearsal would run with other settings than the server',
      next: `see that the change is right; then ${again}`,
      where: node,
    })
  if (unit.unwritable !== '')
    out.push({
      code: 'DATA_WITHOUT_ROOM',
      what: `${node}: the user of the service cannot write in ${listed([unit.unwritable])}, where snapshots lie beside the data`,
      next: again,
      where: node,
    })
  if (unit.configFixed && configNextSha !== '')
    out.push({
      code: 'CONFIG_NOT_WRITABLE',
      what: `${node}: \`config-next\` cannot take the place of the configuration: its folder is not the service's to write`,
      next: 'give the user of the service write access to that folder, or leave config-next out',
      where: node,
    })
  return out
}

/** It says better than any other problem with the data why its user cannot work on it. */
export const notTheServices = (node: NodeId, { user, dataOwner, data }: UnitFacts): Problem => ({
  code: 'DATA_NOT_SERVICES',
  what: `${node}: its data folder belongs to ${printable(new Untrusted(dataOwner), 60)}, and its unit runs as ${printable(new Untrusted(user), 60)}`,
  because: 'only the user of the service may copy and rename its data',
  next: `if it is the right folder, on ${node}:  sudo chown -R ${printable(new Untrusted(user), 60)}: ${quote(data)}`,
  where: node,
})

const listed = (paths: string[]): string => paths.map(path => printable(new Untrusted(path), 200)).join(', ')
