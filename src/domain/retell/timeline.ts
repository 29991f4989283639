import type { Command } from '../event.ts'
import type { Millis, NodeId } from '../node.ts'
import type { Segment } from '../report/input.ts'
import type { Rollout } from '../rollout.ts'
import { gapsOf } from './gaps.ts'
import { type Line, about } from './lines.ts'
import type { Told } from './watches.ts'

/** What happened when: the plan and the watches, then each node's own parts. `end` closes what still runs. */
export function timelineOf(
  lines: readonly Line[],
  { r, watches, end }: { r: Rollout; watches: readonly Told[]; end: Millis },
): Segment[] {
  const ids = r.plan?.nodes.map(n => n.node) ?? []
  return [...planned(lines), ...watches.flatMap(watched), ...ids.flatMap(id => ofNode(lines, { r, id, end }))]
}

const planned = (lines: readonly Line[]): Segment[] =>
  answered(lines).flatMap(({ command, start, end, failed }) =>
    command.kind === 'plan' ? [{ section: 'release', label: 'plan', start, end, crit: failed }] : [],
  )

function watched({ wave, blocks, verdict }: Told): Segment[] {
  const [first, last] = [blocks[0], blocks.at(-1)]
  const label = wave === 0 ? 'watch canary' : `watch wave ${wave + 1}`
  return first && last
    ? [{ section: 'release', label, start: first.from, end: last.to, crit: verdict.is === 'fail' }]
    : []
}

type At = { r: Rollout; id: NodeId; end: Millis }

function ofNode(lines: readonly Line[], at: At): Segment[] {
  const { r, id } = at
  const own = about(lines, id)
  const back =
    r.plan?.nodes.find(n => n.node === id)?.[r.plan.mode === 'rollback' ? 'to' : 'from'].version ?? ''
  const ways = gapsOf(lines, id).closed.filter(g => g.what !== 'upgrade')
  return [
    ...answered(own).flatMap(part => prepared(id, part)),
    ...ran(own, at),
    ...ways.map(g => ({ section: id, label: `back to ${back}`, start: g.from, end: g.to, crit: false })),
  ].toSorted((a, b) => a.start - b.start)
}

type Answered = { command: Command; start: Millis; end: Millis; failed: boolean }

/** Commands with their answer; one that was never answered took no measured time. */
function answered(lines: readonly Line[]): Answered[] {
  const starts = new Map<number, Millis>()
  return lines.flatMap(({ e, command }) => {
    if (e.type === 'started') starts.set(e.command.id, e.at)
    if ((e.type !== 'done' && e.type !== 'failed') || !command) return []
    return [{ command, start: starts.get(e.id) ?? e.at, end: e.at, failed: e.type === 'failed' }]
  })
}

function prepared(id: NodeId, { command, start, end, failed }: Answered): Segment[] {
  if (command.kind !== 'step') return []
  const { step } = command
  const part = (label: string): Segment[] => [{ section: id, label, start, end, crit: failed }]
  if (step.do === 'snapshot' && step.kind === 'rehearsal') return part('snapshot')
  if (step.do !== 'prove') return []
  if (!step.name.includes('.rehearsal.')) return part('verify rollback point')
  return part(step.with.length > 1 ? 'verify, rehearse' : `try ${step.with[0]?.version ?? ''} on a copy`)
}

/** The new release on the node, from its start to the stop that ended it. */
function ran(own: readonly Line[], { r, id, end }: At): Segment[] {
  const target = r.plan?.nodes.find(n => n.node === id)?.to
  if (!target || r.plan?.mode === 'rollback') return []
  const out: Segment[] = []
  const label = r.plan?.waves[0]?.includes(id) ? `${target.version} canary` : target.version
  let since: Millis | undefined
  const close = (at: Millis, crit: boolean): void => {
    if (since !== undefined) out.push({ section: id, label, start: since, end: at, crit })
    since = undefined
  }
  for (const { e } of own) {
    if (e.type !== 'started' || e.command.kind !== 'step') continue
    const { step } = e.command
    if (step.do === 'stop' || step.do === 'back') close(e.at, r.goingBack !== undefined)
    if (step.do === 'start' && step.release.sha256 === target.sha256) since ??= e.at
  }
  close(end, false)
  return out
}
