import { quote } from '../quote.ts'
import type { NodeId, Observed } from '../node.ts'
import { type Release, releaseId } from '../release.ts'
import type { NodeReport } from '../report/input.ts'
import type { Rollout } from '../rollout.ts'
import { type Line, about, answersOf } from './lines.ts'

/** Where a node keeps its releases, and what its program is called; by the fleet file. */
export type Places = { install: Readonly<Record<NodeId, string>>; binary: string }

/**
 * The folder of diverged data that this rollout put beside, if any: one whose name says so, or that was not there when the node
 * was first seen.
 */
export function setAsideOf(
  lines: readonly Line[],
  { r, id, seen, places }: { r: Rollout; id: NodeId; seen: Observed; places: Places },
): NodeReport['setAside'] {
  const first = answersOf(lines, id)[0]?.now.data.setAside ?? []
  const restored = r.plan?.restore[id]
  const marks = [`${r.id}.`, ...(restored !== undefined && restored === seen.data.from ? [restored] : [])]
  const ours = (folder: string): boolean => marks.some(mark => folder.includes(`.failed-${mark}`))
  const path = seen.data.setAside.findLast(folder => ours(folder) || !first.includes(folder))
  if (path === undefined) return undefined
  const release = wroteIt(lines, id) ?? newerOf(r, id)
  return {
    path,
    writes: writesIn(r, id, seen),
    line: serveCopy(path, { release, install: places.install[id], binary: places.binary }),
  }
}

/**
 * What was written between the stop before the new release and its own stop, by the totals read at both; unknown where a server
 * could not be asked, or the folder was not put beside by this rollout.
 */
function writesIn(r: Rollout, id: NodeId, seen: Observed): number | 'unknown' {
  const point = seen.snapshots.find(s => s.name === seen.data.from)
  const witnesses = r.nodes[id]?.witnesses ?? {}
  const [before, after] = point ? [witnesses[point.opens]?.counts, witnesses[point.opens + 1]?.counts] : []
  const what = ['messages', 'keys'].find(name => before?.[name] !== undefined && after?.[name] !== undefined)
  return what === undefined ? 'unknown' : Math.max(0, (after?.[what] ?? 0) - (before?.[what] ?? 0))
}

/** The release that had the data open until it was put beside. */
const wroteIt = (lines: readonly Line[], id: NodeId): Release | undefined =>
  about(lines, id)
    .flatMap(({ e, before }) => {
      const seen = before.nodes[id]?.seen
      const restores = e.type === 'started' && e.command.kind === 'step' && e.command.step.do === 'restore'
      return restores && seen !== undefined && seen !== 'unknown' && seen.data.openedBy
        ? [seen.data.openedBy]
        : []
    })
    .at(-1)

function newerOf(r: Rollout, id: NodeId): Release | undefined {
  const planned = r.plan?.nodes.find(n => n.node === id)
  return r.plan?.mode === 'rollback' ? planned?.from : planned?.to
}

/** As one word of sh. */
const word = (path: string): string => (/^[\w./@+=:,-]+$/.test(path) ? path : quote(path))

/** A copy, so that whoever looks into it changes nothing of the original. */
function serveCopy(
  path: string,
  on: { release: Release | undefined; install: string | undefined; binary: string },
): string {
  const program =
    on.release && on.install
      ? `${on.install}/releases/${releaseId(on.release)}/${on.binary}`
      : 'the release that wrote it'
  const [from, to] = [word(path), word(`${path}.copy`)]
  return `cp -a --reflink=auto ${from} ${to}, then start ${program} with a configuration that names ${to} and another port`
}
