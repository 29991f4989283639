import type { Standing } from '../event.ts'
import type { Millis, NodeId, Observed, Snapshot, SnapshotKind } from '../node.ts'
import { type Release, sameRelease } from '../release.ts'
import type { NodeReport } from '../report/input.ts'
import { type Rollout, cameBack } from '../rollout.ts'
import { OUT_OF_TRAFFIC } from '../traffic.ts'
import { utc } from '../log.ts'
import { countsOf } from './counts.ts'
import { gapsOf, inService } from './gaps.ts'
import { type Line, about, answersOf } from './lines.ts'
import { type Places, setAsideOf } from './set-aside.ts'

/** What a node's part of the journal is read with. */
export type Reading = { lines: readonly Line[]; r: Rollout; standing: readonly Standing[]; places: Places }

/** Every node of the plan, then those that it left alone; without a plan, every node that was asked. */
export function nodesOf(reading: Reading): NodeReport[] {
  const planned = reading.r.plan?.nodes.map(n => n.node) ?? []
  const others = reading.standing.filter(s => !planned.includes(s.node))
  return [...planned.map(id => plannedNode(reading, id)), ...others.map(s => bystander(reading.r, s))]
}

/** A node that the rollout had nothing to do with, as it was found. */
function bystander(r: Rollout, found: Standing): NodeReport {
  const role = r.already || r.plan ? 'left-alone' : 'none'
  return { name: found.node, role, before: found.version, wentBack: false, gaps: [], ...asFound(found) }
}

const asFound = ({ state, version, says }: Standing): Pick<NodeReport, 'state' | 'now' | 'serving'> => ({
  state,
  now: version,
  serving: says,
})

function plannedNode(reading: Reading, id: NodeId): NodeReport {
  const { lines, r, places } = reading
  const seen = seenNow(r, id)
  const last = answersOf(lines, id).at(-1)
  const gaps = gapsOf(lines, id)
  const paused = snapshotGaps(lines, id)
  const note = noteOf(r, id, gaps.since)
  const point = last && pointOf(r, last.now)
  const restoredFrom = seen && restored(r, id, seen)
  const aside = seen && setAsideOf(lines, { r, id, seen, places })
  const counts = countsOf(lines, { r, id })
  return {
    name: id,
    role: roleOf(r, id),
    before: r.plan?.nodes.find(n => n.node === id)?.from.version ?? 'unknown',
    ...stateOf(reading, id),
    wentBack: seen !== undefined && wentBack(lines, { r, id, seen }),
    gaps: [...paused, ...gaps.closed.map(g => ({ what: g.what, from: g.from, ms: g.to - g.from }))]
      .toSorted((a, b) => a.from - b.from)
      .map(({ what, ms }) => ({ what, ms })),
    ...(restoredFrom ? { restoredFrom } : {}),
    ...(point ? { point } : {}),
    ...(counts ? { counts } : {}),
    ...(aside ? { setAside: aside } : {}),
    ...(note ? { note } : {}),
  }
}

function roleOf(r: Rollout, id: NodeId): NodeReport['role'] {
  const index = r.plan?.waves.findIndex(w => w.includes(id)) ?? -1
  if (index < 0) return 'left-alone'
  return index === 0 && r.plan?.mode === 'release' ? 'canary' : { wave: index + 1 }
}

/**
 * What the node is, where its last answer still counts: it could be asked, nothing was begun on it since, and no program of an
 * earlier step of this job may still act on it.
 */
function seenNow(r: Rollout, id: NodeId): Observed | undefined {
  const n = r.nodes[id]
  const begun = Object.values(r.inFlight).some(c => c.kind === 'step' && c.node === id)
  if (n === undefined || n.seen === 'unknown' || n.lost?.kind === 'unreachable' || begun) return undefined
  return r.concluded === undefined && unfenced(r, n.seen) ? undefined : n.seen
}

/** So may its switch. */
const unfenced = (r: Rollout, { lease, armed }: Observed): boolean =>
  armed !== undefined ||
  (lease !== 'free' && lease.rollout === r.id && lease.process !== r.by.process && !lease.parked)

function stateOf(reading: Reading, id: NodeId): Pick<NodeReport, 'state' | 'now' | 'serving'> {
  const seen = seenNow(reading.r, id)
  if (seen) return asSeen(seen)
  const commanded = about(reading.lines, id).length > 0
  const found = commanded ? undefined : reading.standing.find(s => s.node === id)
  if (found) return asFound(found)
  const last = answersOf(reading.lines, id).at(-1)
  const serving = last ? `no answer since ${utc(last.at)}` : 'not asked by this run'
  const { lost } = reading.r.nodes[id] ?? {}
  const reached = lost !== undefined && lost.kind !== 'unreachable'
  return { state: reached ? 'unseen' : 'unreachable', now: mayRun(reading.lines, id), serving }
}

function asSeen(o: Observed): Pick<NodeReport, 'state' | 'now' | 'serving'> {
  if (o.running === 'stopped')
    return {
      state: 'not-serving',
      now: 'stopped',
      serving: o.lastExit ? `stopped, exit ${o.lastExit}` : 'stopped',
    }
  if (o.running === 'unknown')
    return { state: 'not-serving', now: 'unknown', serving: 'runs a program that is none of its releases' }
  const now = o.running.version
  if (inService(o)) return { state: 'serving', now, serving: o.checked ? 'ready, data checked' : 'ready' }
  return {
    state: 'not-serving',
    now,
    serving: o.ready ? OUT_OF_TRAFFIC : 'runs, but is not ready',
  }
}

/** The version last seen to run, or last told to start. */
function mayRun(lines: readonly Line[], id: NodeId): string {
  let version = 'unknown'
  for (const { e } of about(lines, id)) {
    if (
      e.type === 'started' &&
      e.command.kind === 'step' &&
      (e.command.step.do === 'start' || e.command.step.do === 'back')
    )
      version = e.command.step.release.version
    if (e.type === 'done' && e.fact.is === 'observed')
      version = typeof e.fact.now.running === 'object' ? e.fact.now.running.version : e.fact.now.running
  }
  return version
}

type At = { r: Rollout; id: NodeId; seen: Observed }

/** It serves the older of the two releases again, after the newer one had been started on it. */
function wentBack(lines: readonly Line[], { r, id, seen }: At): boolean {
  const plan = r.plan
  const planned = plan?.nodes.find(n => n.node === id)
  if (!plan || !planned || typeof seen.running !== 'object') return false
  const [older, newer] = plan.mode === 'rollback' ? [planned.to, planned.from] : [planned.from, planned.to]
  if (seen.running.sha256 !== older.sha256 || sameRelease(older, newer)) return false
  return plan.mode === 'rollback' || cameBack(r, seen) || wasStarted(lines, id, newer)
}

const wasStarted = (lines: readonly Line[], id: NodeId, release: Release): boolean =>
  about(lines, id).some(
    ({ e }) =>
      e.type === 'started' &&
      e.command.kind === 'step' &&
      e.command.step.do === 'start' &&
      e.command.step.release.sha256 === release.sha256,
  )

/** The checkpoint of this rollout, or the one it was asked to bring back, that the data came from. */
function restored(r: Rollout, id: NodeId, o: Observed): string | undefined {
  const { from } = o.data
  return from !== undefined && (from.startsWith(`${r.id}.`) || from === r.plan?.restore[id])
    ? from
    : undefined
}

const ofKind = (r: Rollout, o: Observed, kind: SnapshotKind): Snapshot | undefined =>
  o.snapshots.findLast(s => s.kind === kind && s.sealed && s.name.startsWith(`${r.id}.`))

function pointOf(r: Rollout, o: Observed): NodeReport['point'] {
  const point = ofKind(r, o, 'rollback-point')
  return point && { name: point.name, kind: point.kind, proven: point.proven.length > 0 }
}

/** The server is paused while its rehearsal snapshot is taken. */
const snapshotGaps = (lines: readonly Line[], id: NodeId): { what: string; from: Millis; ms: Millis }[] =>
  about(lines, id).flatMap(({ e, command }) => {
    if (e.type !== 'done' || e.fact.is !== 'observed' || command?.kind !== 'step') return []
    if (command.step.do !== 'snapshot' || command.step.kind !== 'rehearsal') return []
    return [{ what: 'snapshot', from: e.at - e.fact.took, ms: e.fact.took }]
  })

function noteOf(r: Rollout, id: NodeId, since: Millis | undefined): string | undefined {
  const n = r.nodes[id]
  const failure = n?.failedBack ?? n?.refuses ?? n?.lost ?? n?.fault
  const seen = seenNow(r, id)
  const before = seen && r.plan?.mode === 'rollback' ? ofKind(r, seen, 'return-point') : undefined
  const notes = [
    ...(since === undefined ? [] : [`out of service since ${utc(since)}`]),
    ...(failure ? [failure.what] : []),
    ...(before ? [`its data before the way back: checkpoint ${before.name}`] : []),
    ...(seen && seen.lease !== 'free' && seen.lease.rollout === r.id ? [leaseNote(seen.lease)] : []),
  ]
  return notes.length > 0 ? notes.join('; ') : undefined
}

const leaseNote = (lease: Exclude<Observed['lease'], 'free'>): string =>
  lease.parked ? 'held for your decision' : `still held by ${lease.holder}`
