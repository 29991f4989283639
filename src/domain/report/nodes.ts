import { duration, several } from '../log.ts'
import { countsPhrase } from './data.ts'
import { isUnasked, worstFirst } from './fleet.ts'
import type { Inlines } from './inline.ts'
import { table } from './inline.ts'
import type { NodeReport } from './input.ts'

const maxRows = 30

const roleOf = ({ role }: NodeReport): string => {
  if (role === 'none') return ''
  if (role === 'canary') return ' (canary)'
  return role === 'left-alone' ? ' (left alone)' : ` (wave ${role.wave})`
}

const now = (node: NodeReport): Inlines => {
  const mark = node.wentBack ? ' ⟲' : ''
  const maybe = isUnasked(node) && node.now !== 'unknown' ? `maybe ${node.now}` : node.now
  return node.before === node.now && !node.wentBack && node.state === 'serving'
    ? [node.now]
    : [{ strong: maybe }, mark]
}

const states = {
  serving: '',
  'not-serving': 'does not serve',
  unreachable: 'unreachable',
  unseen: 'could not be looked at',
} as const

const serving = (node: NodeReport): Inlines => {
  const state = states[node.state]
  if (state === '') return [node.serving]
  return [{ strong: state }, node.serving === '' ? '' : `, ${node.serving}`]
}

const untouched = (node: NodeReport): boolean =>
  node.state === 'serving' &&
  node.gaps.length === 0 &&
  node.point === undefined &&
  !node.wentBack &&
  node.before === node.now

const point = ({ point }: NodeReport): Inlines =>
  point === undefined ? ['–'] : [{ code: point.name }, point.proven ? ' proven by restoring' : ' not proven']

const counts = (node: NodeReport): string => {
  if (node.counts !== undefined) return countsPhrase(node.counts)
  return untouched(node) ? 'untouched' : 'unknown'
}

const none = (node: NodeReport): string => (isUnasked(node) ? 'unknown' : '–')

const gaps = (node: NodeReport): string =>
  node.gaps.length === 0 ? none(node) : node.gaps.map(gap => `${duration(gap.ms)} ${gap.what}`).join(' + ')

const bareRestart = (node: NodeReport): string => {
  if (node.bareRestart !== undefined) return duration(node.bareRestart)
  return untouched(node) ? '–' : 'not measured'
}

type Column = { head: string; cell: (node: NodeReport) => Inlines; when?: (node: NodeReport) => boolean }

const columns: Column[] = [
  { head: 'node', cell: node => [`${node.name}${roleOf(node)}`] },
  { head: 'before', cell: node => [node.before] },
  { head: 'now', cell: now },
  { head: 'serving', cell: serving },
  { head: 'out of service', cell: node => [gaps(node)], when: node => node.gaps.length > 0 },
  {
    head: 'a bare restart',
    cell: node => [bareRestart(node)],
    when: node => node.bareRestart !== undefined,
  },
  { head: 'rollback point', cell: point, when: node => node.point !== undefined },
  {
    head: 'counted',
    cell: node => [counts(node)],
    when: node => node.counts !== undefined || !untouched(node),
  },
  { head: 'note', cell: node => [node.note ?? ''], when: node => node.note !== undefined },
]

/** What each node was and is; at most 30 rows, those not well first. Columns nobody has a value for are left out. */
export const nodesTable = (nodes: NodeReport[]): string => {
  if (nodes.length === 0) return ''
  const used = columns.filter(column => column.when === undefined || nodes.some(column.when))
  const sorted = worstFirst(nodes)
  const rows = sorted.slice(0, maxRows).map(node => used.map(column => column.cell(node)))
  const shown = table(
    used.map(column => column.head),
    rows,
  )
  return nodes.length > maxRows ? `${shown}\n\n${remainder(sorted.slice(maxRows))}` : shown
}

const remainder = (rest: NodeReport[]): string => {
  const unwell = rest.filter(node => node.state !== 'serving').length
  return `and ${several(rest.length, 'more node')}, ${unwell === 0 ? 'all serving' : `${unwell} of them not serving`}`
}

/** Where diverged data lies, and the line that serves a copy of it. Empty when there is none. */
export const asideRows = (nodes: NodeReport[]): Inlines[] =>
  nodes.flatMap(({ name, setAside }): Inlines[] =>
    setAside === undefined
      ? []
      : [[`${name}: `, { code: setAside.path }, ', to serve a copy of it: ', { code: setAside.line }]],
  )
