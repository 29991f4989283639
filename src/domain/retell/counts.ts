import type { NodeId } from '../node.ts'
import type { NodeReport } from '../report/input.ts'
import type { Rollout } from '../rollout.ts'
import { type Line, about, starts } from './lines.ts'

/**
 * One total before the first stop and after the last start. Absent where the server was never restarted by this rollout, or
 * nothing was counted before.
 */
export function countsOf(
  lines: readonly Line[],
  { r, id }: { r: Rollout; id: NodeId },
): NodeReport['counts'] {
  const own = about(lines, id)
  if (!own.some(({ e }) => starts(e))) return undefined
  const before = countedBefore(r, id)
  const what = ['messages', 'keys'].find(name => before[name] !== undefined) ?? Object.keys(before)[0]
  if (what === undefined) return undefined
  return { what, before: before[what] ?? 'unknown', after: countedAfter(own)[what] ?? 'unknown' }
}

/** Right before the data was first opened anew; else what the plan counted. */
function countedBefore(r: Rollout, id: NodeId): Record<string, number> {
  const witnesses = Object.entries(r.nodes[id]?.witnesses ?? {}).toSorted(([a], [b]) => Number(a) - Number(b))
  return witnesses[0]?.[1].counts ?? r.plan?.notes.counts[id] ?? {}
}

/** By the check of the process that serves now: a later start makes an earlier count worthless. */
function countedAfter(own: readonly Line[]): Record<string, number> {
  let counts: Record<string, number> = {}
  for (const { e } of own) {
    if (starts(e)) counts = {}
    if (e.type === 'done' && e.fact.is === 'observed' && e.fact.counts) counts = e.fact.counts
  }
  return counts
}
