import type { Event } from './event.ts'
import type { NodeId, Observed } from './node.ts'

/** A person chose to stay on the new version: red, but nothing waits for them any more. */
export const HELD_BY_CHOICE = 'held-by-choice'

export type Unfinished = { rollout: string; lines: Event[]; leased: NodeId[] }

/**
 * The rollout that the nodes say is not finished, if there is one: the newest that holds a lease or has no outcome on some node
 * (an outcome that called for a person does not finish it). `lines` is the longest record of it that any node kept.
 */
export function unfinished(seen: Readonly<Record<NodeId, Observed>>): Unfinished | undefined {
  const last = Object.entries(seen).flatMap(([id, o]) => {
    const lines = lastRollout(o.record)
    const opened = lines[0]
    return opened?.type === 'opened' ? [{ id, o, lines, rollout: opened.rollout, at: opened.at }] : []
  })
  const open = last.filter(l => !closed(l.lines) || (l.o.lease !== 'free' && l.o.lease.rollout === l.rollout))
  const newest = open.toSorted((a, b) => b.at - a.at)[0]
  if (!newest) return undefined
  const of = last.filter(l => l.rollout === newest.rollout)
  const longest = of.toSorted((a, b) => b.lines.length - a.lines.length)[0] ?? newest
  const leased = of.filter(l => l.o.lease !== 'free' && l.o.lease.rollout === l.rollout).map(l => l.id)
  const done = closed(longest.lines) && leased.length === 0
  return done ? undefined : { rollout: newest.rollout, lines: longest.lines, leased }
}

/**
 * It waits for a person: every lease that it still holds is parked. A rollback by hand may take it over as it may take what is
 * finished; a rollout that works, or died, is not passed over.
 */
export const waitsForPerson = (found: Unfinished, seen: Readonly<Record<NodeId, Observed>>): boolean =>
  found.leased.length > 0 &&
  found.leased.every(id => {
    const lease = seen[id]?.lease
    return lease !== undefined && lease !== 'free' && lease.parked
  })

/** The lines of the last rollout of a record, from its first `opened`; not what the node says of itself alone. */
export function lastRollout(record: readonly Event[]): Event[] {
  const last = record.findLast(e => e.type === 'opened')
  if (last?.type !== 'opened') return []
  const first = record.findIndex(e => e.type === 'opened' && e.rollout === last.rollout)
  return record.slice(first).filter(e => e.type !== 'setting-changed')
}

const closed = (lines: readonly Event[]): boolean => {
  const end = lines.findLast(e => e.type === 'decided' && e.what === 'outcome')
  return (
    end?.type === 'decided' &&
    end.what === 'outcome' &&
    (end.outcome !== 'needs-operator' || end.code === HELD_BY_CHOICE)
  )
}
