import type { Event, Failure, PlanFact } from './event.ts'
import type { NodeId, Observed } from './node.ts'

/** A person chose to stay on the new version: red, but nothing waits for them any more. */
export const HELD_BY_CHOICE = 'held-by-choice'

/** `strange`: nodes whose record tells of another plan than most others do. Nothing of theirs counts. */
export type Unfinished = { rollout: string; lines: Event[]; leased: NodeId[]; strange: NodeId[] }

/**
 * The rollout that the nodes say is not finished, if there is one: the newest that holds a lease or has no outcome on some node
 * (an outcome that called for a person does not finish it). `lines` is the longest record of it among the nodes that agree on its
 * plan: every node got the same, so one that tells of another was changed by somebody. [] where nobody can be believed.
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
  const agreed = agreeing(of)
  const longest = agreed.toSorted((a, b) => b.lines.length - a.lines.length)[0]
  const leased = of.filter(l => l.o.lease !== 'free' && l.o.lease.rollout === l.rollout).map(l => l.id)
  const done = longest !== undefined && closed(longest.lines) && leased.length === 0
  const strange = of.filter(l => !agreed.includes(l)).map(l => l.id)
  return done ? undefined : { rollout: newest.rollout, lines: longest?.lines ?? [], leased, strange }
}

/** Those that have the plan which most have, and those that have none yet; where two plans have as many, nobody is believed. */
function agreeing<T extends { lines: Event[] }>(all: T[]): T[] {
  const groups = [
    ...Map.groupBy(
      all.filter(one => planIn(one.lines) !== ''),
      one => planIn(one.lines),
    ).values(),
  ]
  const [most = [], next = []] = groups.toSorted((a, b) => b.length - a.length)
  if (groups.length < 2) return all
  const without = all.filter(one => planIn(one.lines) === '')
  return most.length > next.length ? [...without, ...most] : without
}

/** The plan that a record tells of, as text; '' where it has none yet. */
const planIn = (lines: Event[]): string => {
  const told = lines.find(e => e.type === 'decided' && e.what === 'planned')
  return told?.type === 'decided' && told.what === 'planned' ? JSON.stringify([told.plan, told.hash]) : ''
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

/** Why a node is not driven by what its record says. */
export const recordsDiffer = (node: NodeId): Failure => ({
  code: 'RECORDS_DIFFER',
  what: `${node}: its record tells of another plan than those of the other nodes`,
  because: 'every node was given the same, so somebody changed one of them',
  next: `compare state/record.jsonl in the install folder of ${node} with that of another node, and find out who can write there; what runs on it was left as it is`,
  where: node,
  effect: 'none',
  kind: 'other',
})

/** Nothing is done by records that contradict each other. */
export const contradicted = ({ strange }: Unfinished): PlanFact => ({
  is: 'refused',
  code: 'records-differ',
  problems: strange.map(id => {
    const { code, what, because, next } = recordsDiffer(id)
    return { code, what, next, where: id, ...(because === undefined ? {} : { because }) }
  }),
})
