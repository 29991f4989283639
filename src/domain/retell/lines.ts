import type { Command, Event } from '../event.ts'
import type { Millis, NodeId, Observed } from '../node.ts'
import { apply } from '../apply.ts'
import { initial, type Rollout } from '../rollout.ts'

/** One line of a journal between what was known before and after it; `command` is the one that a `done` or `failed` answers. */
export type Line = { e: Event; before: Rollout; after: Rollout; command?: Command }

/** The journal as it was lived. Throws `Bug` where a line cannot follow the one before. */
export function linesOf(events: readonly Event[]): Line[] {
  let before = initial
  return events.map(e => {
    const after = apply(before, e)
    const command = e.type === 'done' || e.type === 'failed' ? before.inFlight[e.id] : undefined
    const line: Line = { e, before, after, ...(command ? { command } : {}) }
    before = after
    return line
  })
}

/** The lines that are about one node: its commands and their answers. */
export const about = (lines: readonly Line[], id: NodeId): Line[] =>
  lines.filter(({ e, command }) => {
    const c = e.type === 'started' ? e.command : command
    return c !== undefined && 'node' in c && c.node === id
  })

/** What a node answered, oldest first. */
export const answersOf = (lines: readonly Line[], id: NodeId): { now: Observed; at: Millis }[] =>
  lines.flatMap(({ e }) =>
    e.type === 'done' && e.fact.is === 'observed' && e.fact.node === id
      ? [{ now: e.fact.now, at: e.at }]
      : [],
  )

/** A server is started by this line, alone or as a part of going back. */
export const starts = (e: Event): boolean =>
  e.type === 'started' &&
  e.command.kind === 'step' &&
  (e.command.step.do === 'start' || e.command.step.do === 'back')
