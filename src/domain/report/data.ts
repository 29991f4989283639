import { count, list, several } from '../log.ts'
import { isUnasked } from './fleet.ts'
import type { Inlines } from './inline.ts'
import { atMost, joined } from './inline.ts'
import type { NodeReport, ReportInput } from './input.ts'
import { rehearsalPhrase } from './rehearsal.ts'

const shownNodes = 4

const points = (nodes: NodeReport[]): Inlines[] => {
  const taken = nodes.filter(node => node.point?.kind === 'rollback-point')
  const proven = taken.filter(node => node.point?.proven).length
  if (taken.length === 0) return []
  const all = several(taken.length, 'rollback point')
  if (proven === taken.length) return [[`${all}, ${proven === 1 ? '' : 'each '}proven by restoring it`]]
  return [[`${all}, ${count(proven)} of them proven by restoring`]]
}

/** `48,211 = 48,211 messages`, `48,211 → 49,415 messages`; a fall is said in words. */
export const countsPhrase = (counts: NonNullable<NodeReport['counts']>): string => {
  const { what, before, after } = counts
  if (before === 'unknown' || after === 'unknown') return `${count(before)} → ${count(after)} ${what}`
  if (before === after) return `${count(before)} = ${count(after)} ${what}`
  const fewer = after < before ? `, ${count(before - after)} fewer` : ''
  return `${count(before)} → ${count(after)} ${what}${fewer}`
}

const counted = (nodes: NodeReport[]): Inlines[] => {
  const known = nodes.flatMap(node =>
    node.counts === undefined ? [] : [{ name: node.name, counts: node.counts }],
  )
  if (known.length === 0) return []
  const equal = known.every(({ counts }) => counts.before !== 'unknown' && counts.before === counts.after)
  if (equal && known.length === nodes.length && nodes.length > 1)
    return [['counts equal before and after on every node']]
  const each = known.map(({ name, counts }): Inlines => [`${name} ${countsPhrase(counts)}`])
  return [joined(atMost(each, shownNodes, 'more in the table'), ', ')]
}

const restored = (node: NodeReport): Inlines => {
  const back: Inlines = [`${node.name}: its snapshot `, { code: node.restoredFrom ?? '' }, ' is back']
  return node.setAside === undefined ? back : [...back, '; ', ...aside(node.setAside)]
}

const aside = ({ path, writes }: NonNullable<NodeReport['setAside']>): Inlines => {
  const held = writes === 'unknown' ? 'an unknown number of writes' : several(writes, 'write')
  return ['the data it had until then, with ', `${held} made since, lies untouched in `, { code: path }]
}

const asideOnly = (node: NodeReport): Inlines =>
  node.setAside === undefined ? [] : [`${node.name}: `, ...aside(node.setAside)]

const inPlace = (input: ReportInput): Inlines[] => {
  const back = input.nodes.filter(
    node => node.wentBack && node.restoredFrom === undefined && node.state === 'serving',
  )
  if (back.length === 0) return []
  const [names, now] = [list(back.map(node => node.name)), back[0]?.now ?? 'the old version']
  return [[`${names} went back in place: ${now} runs on the data directory as it was`]]
}

/** Said only when no node shows otherwise and every node could be asked. */
const nothingMoved = (input: ReportInput): Inlines[] => {
  const moved = input.nodes.some(node => node.restoredFrom !== undefined || node.setAside !== undefined)
  const lost = input.nodes.some(isUnasked)
  if (input.outcome === 'promoted' || input.data === 'restored' || moved || lost) return []
  return [
    [
      input.data === 'untouched'
        ? 'untouched: nothing was restored or set aside'
        : 'nothing was restored or set aside',
    ],
  ]
}

const unasked = (nodes: NodeReport[]): Inlines[] => {
  const lost = nodes.filter(isUnasked).map(node => node.name)
  return lost.length === 0
    ? []
    : [[`${list(lost)} could not be asked: what became of the data there is unknown`]]
}

/** A forecast has no place where nothing ran, nor after a rollback that kept the data. */
const rehearsed = (input: ReportInput): Inlines[] => {
  const over = input.outcome === 'unchanged' || (input.outcome === 'rolled-back' && input.data !== 'restored')
  return input.rehearsed === undefined || over ? [] : [rehearsalPhrase(input.rehearsed, input)]
}

/** What happened to the data, in sentences. Nothing is claimed for a node that could not be asked. */
export const dataLine = (input: ReportInput): Inlines => {
  const back = input.nodes.filter(node => node.restoredFrom !== undefined)
  const beside = input.nodes.filter(node => node.restoredFrom === undefined && node.setAside !== undefined)
  const clauses = [
    ...atMost(back.map(restored), shownNodes, 'more in the table'),
    ...atMost(beside.map(asideOnly), shownNodes, 'more in the table'),
    ...inPlace(input),
    ...nothingMoved(input),
    ...unasked(input.nodes),
    ...points(input.nodes),
    ...counted(input.nodes),
    ...rehearsed(input),
  ]
  return clauses.length === 0 ? ['unknown'] : [...joined(clauses, '; '), '.']
}
