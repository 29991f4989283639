import type { Event } from './event.ts'
import type { Millis, NodeId } from './node.ts'
import type { Plan } from './plan.ts'
import { type Release, sameRelease } from './release.ts'

/** A release that a node served and that nobody found bad: adopted, or promoted and not rolled back since. Oldest first. */
export type KnownGood = { release: Release; since: Millis }

/** What a node's record says of the releases it has served. */
export function knownGood(record: readonly Event[], id: NodeId): KnownGood[] {
  let plan: { from: Release; to: Release } | undefined
  let good: KnownGood[] = []
  for (const e of record) {
    if (e.type === 'adopted') good.push({ release: { version: e.version, sha256: e.sha256 }, since: e.at })
    if (e.type !== 'decided') continue
    if (e.what === 'planned') plan = e.plan.nodes.find(n => n.node === id)
    if (e.what !== 'outcome' || !plan) continue
    const { to, from } = plan
    if (e.outcome === 'promoted') good.push({ release: to, since: e.at })
    if (e.outcome === 'rolled-back' && e.code === 'by-hand') {
      good = good.filter(g => !sameRelease(g.release, from))
      if (!good.some(g => sameRelease(g.release, to))) good.push({ release: to, since: e.at })
    }
  }
  return good
}

/** The release that a rollback by hand took the fleet away from; a node that was on the target already says nothing of it. */
const left = ({ nodes }: Plan): string => nodes.find(n => !sameRelease(n.from, n.to))?.from.version ?? ''

/** When and why a release was rolled back on this node before, newest first. */
export function rolledBackBefore(record: readonly Event[], version: string): { at: Millis; why: string }[] {
  let to = ''
  const found: { at: Millis; why: string }[] = []
  for (const e of record) {
    if (e.type !== 'decided') continue
    if (e.what === 'planned') to = e.plan.mode === 'release' ? e.plan.version : left(e.plan)
    if (e.what === 'outcome' && e.outcome === 'rolled-back' && to === version)
      found.unshift({ at: e.at, why: `${e.code}: ${e.why}` })
  }
  return found
}

/** The last finished rollout of the record was a rollback by hand: to which version. Asking again goes back no further. */
export function lastRollback(record: readonly Event[]): string | undefined {
  const end = record.findLast(e => e.type === 'decided' && e.what === 'outcome')
  if (end?.type !== 'decided' || end.what !== 'outcome') return undefined
  return end.outcome === 'rolled-back' && end.code === 'by-hand' ? end.version : undefined
}
