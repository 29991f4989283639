import { type Event, type Failure, ofNodeAlone, type PlanFact } from './event.ts'
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
    const held = o.lease === 'free' ? [] : linesOf(o.record, o.lease.rollout)
    const lines = held.length > 0 ? held : lastRollout(o.record)
    const opened = lines[0]
    return opened?.type === 'opened' ? [{ id, o, lines, rollout: opened.rollout, at: opened.at }] : []
  })
  const open = last.filter(l => !closed(l.lines) || holds(l.o, l.rollout))
  const newest = open.toSorted((a, b) => b.at - a.at)[0]
  if (!newest) return undefined
  const of = last.filter(l => l.rollout === newest.rollout)
  const agreed = agreeing(of)
  const believed = told(agreed)
  const leased = of.filter(l => holds(l.o, l.rollout)).map(l => l.id)
  const done = believed !== undefined && closed(believed.lines) && leased.length === 0
  const strange = of.filter(l => !agreed.includes(l)).map(l => l.id)
  return done ? undefined : { rollout: newest.rollout, lines: believed?.lines ?? [], leased, strange }
}

const holds = (o: Observed, rollout: string): boolean => o.lease !== 'free' && o.lease.rollout === rollout

/**
 * The longest; but what most have closed and let go of is over, whatever one tells beside it.
 */
function told<T extends { lines: Event[]; o: Observed; rollout: string }>(agreed: T[]): T | undefined {
  const over = agreed.filter(l => closed(l.lines) && !holds(l.o, l.rollout))
  const from = over.length * 2 > agreed.length ? over : agreed
  return from.toSorted((a, b) => b.lines.length - a.lines.length)[0]
}

/** Those that have the plan which most have, and then the class which most of them have, or none yet. */
const agreeing = <T extends { lines: Event[] }>(all: T[]): T[] =>
  most(
    most(all, one => planIn(one.lines)),
    one => classIn(one.lines),
  )

/** Those that say nothing, and those that say what most say; where two have as many voices, nobody is believed. */
function most<T>(all: T[], says: (one: T) => string): T[] {
  const groups = [
    ...Map.groupBy(
      all.filter(one => says(one) !== ''),
      says,
    ).values(),
  ]
  if (groups.length < 2) return all
  const [first = [], second = []] = groups.toSorted((a, b) => b.length - a.length)
  const silent = all.filter(one => says(one) === '')
  return first.length > second.length ? [...silent, ...first] : silent
}

/** The plan that a record tells of, and what the rehearsal made of it, as text; '' where it has none yet. */
const planIn = (lines: Event[]): string => {
  const plan = lines.find(e => e.type === 'decided' && e.what === 'planned')
  return plan?.type === 'decided' && plan.what === 'planned' ? JSON.stringify([plan.plan, plan.hash]) : ''
}
const classIn = (lines: Event[]): string => {
  const found = lines.find(e => e.type === 'decided' && e.what === 'rehearsed')
  return found?.type === 'decided' && found.what === 'rehearsed'
    ? JSON.stringify([found.class, found.hash])
    : ''
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

/**
 * The lines of the last rollout of a record; not what the node says of itself alone. One that ended without a change leaves the node
 * to the one before it, which may be unfinished.
 */
export function lastRollout(record: readonly Event[]): Event[] {
  const ids = new Set(record.flatMap(e => (e.type === 'opened' ? [e.rollout] : [])))
  const all = [...ids].map(id => linesOf(record, id))
  return all.findLast(lines => !endedUnchanged(lines)) ?? all.at(-1) ?? []
}

/** The lines of one rollout; others may have come in between. */
export function linesOf(record: readonly Event[], rollout: string): Event[] {
  let current = ''
  return record.filter(e => {
    if (e.type === 'opened') current = e.rollout
    return current === rollout && !ofNodeAlone(e)
  })
}

export const endedUnchanged = (lines: readonly Event[]): boolean => {
  const end = lines.findLast(e => e.type === 'decided' && e.what === 'outcome')
  return end?.type === 'decided' && end.what === 'outcome' && end.outcome === 'unchanged'
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
