import { count, list } from '../log.ts'
import { OUT_OF_TRAFFIC } from '../traffic.ts'
import type { NodeReport } from './input.ts'

/** Nobody knows what it is now: it could not be reached, or not be looked at. */
export const isUnasked = ({ state }: NodeReport): boolean => state === 'unreachable' || state === 'unseen'

/** Nodes that serve are well. Those that are not come first in every list; the order is otherwise the fleet's own. */
const rank = (node: NodeReport): number => {
  if (isUnasked(node)) return 0
  if (node.state === 'not-serving') return 1
  return node.wentBack || node.setAside !== undefined ? 2 : 3
}

/** The nodes, those not well first. */
export const worstFirst = (nodes: NodeReport[]): NodeReport[] => nodes.toSorted((a, b) => rank(a) - rank(b))

const trouble = (node: NodeReport): string => {
  const version = /^(unknown|stopped|)$/.test(node.now) ? '' : node.now
  if (node.state === 'unreachable')
    return `${node.name} is unreachable and ${version === '' ? 'what it serves is unknown' : `may serve ${version}`}`
  if (node.state === 'unseen') return `${node.name} could not be looked at`
  const what = node.serving === OUT_OF_TRAFFIC ? 'is out of traffic' : 'does not serve'
  return `${node.name} ${what}${version === '' ? '' : ` (${version})`}`
}

const named = (nodes: NodeReport[], all: number): string => {
  if (nodes.length === all && all > 1) return all === 2 ? 'both nodes' : `all ${count(all)} nodes`
  return nodes.length > 3 ? `${count(nodes.length)} nodes` : list(nodes.map(node => node.name))
}

const serves = (nodes: NodeReport[], all: number): string => {
  const first = nodes[0]
  const [verb, its] = nodes.length === 1 ? ['serves', 'its snapshot'] : ['serve', 'their snapshots']
  return `${named(nodes, all)} ${verb} ${first?.now ?? 'unknown'}${first?.restoredFrom === undefined ? '' : ` from ${its}`}`
}

const alike = (node: NodeReport): string => `${node.now} ${node.restoredFrom !== undefined}`

/** What the nodes show, in one clause: `db-2 is unreachable and may serve v0.2.2; db-1 serves v0.2.1 from its snapshot`. */
export const fleetPhrase = (nodes: NodeReport[]): string => {
  if (nodes.length === 0) return 'no node was asked'
  const unwell = worstFirst(nodes).filter(node => node.state !== 'serving')
  const shown = unwell.length > 3 ? 2 : unwell.length
  const more = unwell.length - shown
  const well = nodes.filter(node => node.state === 'serving')
  const groups = [...new Set(well.map(alike))].map(key => well.filter(node => alike(node) === key))
  return [
    ...unwell.slice(0, shown).map(trouble),
    ...(more > 0
      ? [`${count(more)} more nodes are unreachable, could not be looked at or do not serve`]
      : []),
    ...groups.map(group => serves(group, nodes.length)),
  ].join('; ')
}

/** `canary db-1`, `canaries db-1 and db-2`, `db-2, db-3 and 4 more`. */
export const nodeNames = (nodes: NodeReport[]): string => {
  const names =
    nodes.length > 4
      ? `${nodes
          .slice(0, 3)
          .map(n => n.name)
          .join(', ')} and ${nodes.length - 3} more`
      : list(nodes.map(n => n.name))
  if (nodes.length === 0 || !nodes.every(node => node.role === 'canary')) return names
  return `${nodes.length === 1 ? 'canary' : 'canaries'} ${names}`
}
