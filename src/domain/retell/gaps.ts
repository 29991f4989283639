import type { Millis, NodeId, Observed } from '../node.ts'
import type { Rollout } from '../rollout.ts'
import { type Line, about } from './lines.ts'
import { inTraffic } from '../traffic.ts'

/** A time in which users were without this node; `since` is one that had not ended when the journal did. */
export type Gaps = { closed: { what: string; from: Millis; to: Millis }[]; since?: Millis }

type Open = { from: Millis; what: string; opens: number; out: boolean }

/**
 * Times out of service, measured from the first command that takes the node out to the answer that shows it in service again.
 * One that no answer confirms (the command never took effect) is none.
 */
export function gapsOf(lines: readonly Line[], id: NodeId): Gaps {
  const closed: Gaps['closed'] = []
  let open: Open | undefined
  let opens = 0
  for (const { e, before } of about(lines, id)) {
    if (e.type === 'started' && takesOut(e))
      open ??= { from: e.at, what: direction(before), opens, out: false }
    if (e.type !== 'done' || e.fact.is !== 'observed') continue
    const { now } = e.fact
    opens = now.data.opens
    if (!open) continue
    if (!inService(now)) {
      open.out = true
      continue
    }
    if (open.out || now.data.opens !== open.opens)
      closed.push({ what: both(open.what, direction(before)), from: open.from, to: e.at })
    open = undefined
  }
  return { closed, ...(open?.out ? { since: open.from } : {}) }
}

/** Runs, answers ready, and traffic reaches it. */
export const inService = (o: Observed): boolean => typeof o.running === 'object' && o.ready && inTraffic(o)

const takesOut = (e: Extract<Line['e'], { type: 'started' }>): boolean =>
  e.command.kind === 'step' &&
  (e.command.step.do === 'drain' || e.command.step.do === 'stop' || e.command.step.do === 'back')

const direction = (r: Rollout): string =>
  r.goingBack || r.plan?.mode === 'rollback' ? 'way back' : 'upgrade'

const both = (first: string, last: string): string => (first === last ? first : `${first} and ${last}`)
