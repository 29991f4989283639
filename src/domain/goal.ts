import type { Event } from './event.ts'
import type { Goal, NodeId, Observed, SwitchSetting } from './node.ts'
import { type Rollout, changed, node, planned, pointOf } from './rollout.ts'
import { type Release, sameRelease } from './release.ts'
import { steps } from './steps.ts'
import { endedUnchanged, HELD_BY_CHOICE, linesOf } from './unfinished.ts'

/**
 * What one node should be now: the whole strategy (canary, waves, way back, holding, letting go).
 * `undefined` leaves the node as it is.
 */
export function goal(r: Rollout, id: NodeId): Goal | undefined {
  if (node(r, id).lost || r.plan === undefined || movedOn(r, id)) return undefined
  if (r.parked && r.request.mode !== 'recover' && r.goingBack === undefined) return parkedGoal(r, id)
  const wanted = target(r, id)
  return wanted && withLease(r, node(r, id).undrained ? { ...wanted, drain: 'left-out' } : wanted)
}

/** Which release and data, before the question of the lease. */
function target(r: Rollout, id: NodeId): Goal | undefined {
  if (r.goingBack) return wayBack(r, id)
  if (r.plan?.mode === 'rollback') return rollbackGoal(r, id)
  const { from, to } = planned(r, id)
  if (wave(r, id) <= reached(r))
    return { ...forward(r), release: to, prove: from, switch: passed(r, id) ? 'off' : setting(r, id) }
  if (!rehearses(r, id)) return { ...forward(r), release: from }
  return { ...forward(r), release: from, proof: [from, to, from], switch: setting(r, id) }
}

/** Its wave has passed its watch, in this job, and nobody is waited for: it never goes back by itself any more. */
const passed = (r: Rollout, id: NodeId): boolean =>
  watchPassed(r, id) && !r.stale && r.request.stopAfter !== 'canary'

function setting(r: Rollout, id: NodeId): SwitchSetting {
  const { from, to, safeStop } = planned(r, id)
  return { back: from, to, keeps: r.rehearsed?.class === 'keeps-data', safe: safeStop }
}

/** The wave that is being brought to the new release: -1 before the canary step. */
export function reached(r: Rollout): number {
  const passed = r.verdicts.filter(v => v.is === 'pass').length
  if (passed === r.plan?.waves.length) return passed - 1
  if (passed > 0) return r.step === 'promote' && !r.stale ? passed : passed - 1
  return r.rehearsed !== undefined && r.step === 'canary' ? 0 : -1
}

export const wave = (r: Rollout, id: NodeId): number => r.plan?.waves.findIndex(w => w.includes(id)) ?? -1

/** Nodes whose copy is rehearsed in the snapshot step, as long as that is not known. */
function rehearses(r: Rollout, id: NodeId): boolean {
  if (r.step !== 'snapshot' || r.rehearsed !== undefined || r.proofs[id]) return false
  return r.plan?.policy.rehearse === 'every-node' || wave(r, id) === 0
}

/** Mode rollback: the person named the release; the nodes converge one after the other. */
function rollbackGoal(r: Rollout, id: NodeId): Goal | undefined {
  const state = node(r, id)
  const { from, to } = planned(r, id)
  const restore = r.plan?.restore[id]
  if (state.refuses) return stay(r, id, to)
  const turn = r.step === 'promote' || (r.step === 'settle' && touched(r, id, to))
  if (r.rehearsed === undefined || !turn) {
    const moves = !sameRelease(from, to)
    const owed = moves && r.step === 'snapshot' && r.rehearsed === undefined && !r.proofs[id]
    return { ...forward(r), release: from, proof: owed ? [to] : [], ...(restore ? { proofOf: restore } : {}) }
  }
  if (restore) return { ...back(r), release: to, data: { restore }, prove: to }
  return { ...back(r), release: to }
}

/** Its way has begun: another release is active, or nothing runs. */
function touched(r: Rollout, id: NodeId, to: Release): boolean {
  const o = node(r, id).seen
  if (o === 'unknown') return false
  return (
    o.running === 'stopped' ||
    o.data.swap === 'unfinished' ||
    (o.active !== 'none' && sameRelease(o.active, to))
  )
}

/** What going back means for one node; `held` keeps it on the new release because going back would lose writes. */
function wayBack(r: Rollout, id: NodeId): Goal | undefined {
  const o = node(r, id).seen
  if (o === 'unknown') return { ...back(r), release: planned(r, id).from }
  if (ofAnother(r, id)) return undefined
  const { from, to } = planned(r, id)
  const way = wayOf(r, id, o)
  switch (way) {
    case 'untouched':
      // what somebody else made of it is not undone
      return {
        ...forward(r),
        release: asItIs(o, from),
        ...(ours(r, o) ? {} : { lease: { ...mine(r), state: 'free' } }),
      }
    case 'keep':
      return { ...back(r), release: from }
    case 'stay':
      return stay(r, id, from)
    case 'hold':
      return { ...forward(r), release: to, switch: 'as-it-is' }
    default:
      return {
        ...back(r),
        release: from,
        data: { restore: way.restore },
        prove: way.sealSuffices ? 'none' : from,
      }
  }
}

/** What a node serves that this rollout did not change. */
const asItIs = (o: Observed, from: Release): Release =>
  typeof o.running === 'object' ? o.running : (o.data.openedBy ?? from)

/**
 * The node is none of this rollout's: its record has gone on to another one since, or this one was taken up from records and the
 * node's own says nothing of it. What other nodes' records say of it is nobody's word.
 */
export function movedOn(r: Rollout, id: NodeId): boolean {
  const o = node(r, id).seen
  if (o === 'unknown' || ours(r, o)) return false
  const at = o.record.findLastIndex(e => e.type === 'opened' && e.rollout === r.id)
  return at < 0 ? r.resumed : wentOn(o.record, at)
}

/** A rollout behind that line did something, or may have: one that ended without a change leaves a node to those before it. */
const wentOn = (record: readonly Event[], at: number): boolean =>
  record.slice(at + 1).some(e => e.type === 'opened' && !endedUnchanged(linesOf(record, e.rollout)))

/** Whatever the node shows on a way back is none of our business: it is none of ours, or another holds it and we never changed it. */
export function ofAnother(r: Rollout, id: NodeId): boolean {
  const o = node(r, id).seen
  if (o === 'unknown' || ours(r, o)) return false
  return movedOn(r, id) || (o.lease !== 'free' && !changed(r, id))
}

export type Way = 'untouched' | 'keep' | 'stay' | 'hold' | { restore: string; sealSuffices: boolean }

/**
 * The way back of one node, by what is on it, by class and by policy (DESIGN 4 settle table, 5 the class).
 * - the new release never opened the data: the old one starts on what it had;
 * - nobody wrote since (drained before its stop, never undrained): its rollback point, whatever the class;
 * - the old release reads what the new one wrote: every write is kept;
 * - else the checkpoint comes back where policy allows a loss that was announced, or the node is held.
 */
export function wayOf(r: Rollout, id: NodeId, o: Observed): Way {
  const { to } = planned(r, id)
  const state = node(r, id)
  if (!changed(r, id)) return 'untouched'
  if (state.refuses) return 'stay'
  const point = pointOf(r, o)
  if (point && o.data.from === point.name) return { restore: point.name, sealSuffices: true }
  const opened = o.data.openedBy !== undefined && sameRelease(o.data.openedBy, to)
  if (!opened || !point) return 'keep'
  if (o.traffic === 'drained' && o.drainedAt === point.opens)
    return { restore: point.name, sealSuffices: true }
  if (r.request.rollbackData === 'restore') return { restore: point.name, sealSuffices: false }
  // the old release has refused this data before: what is lost is for a person to say
  if (r.refusedBefore) return 'hold'
  if (r.rehearsed?.class === 'keeps-data') return 'keep'
  return lossy(r, id, o) === 'restore' ? { restore: point.name, sealSuffices: false } : 'hold'
}

function lossy(r: Rollout, id: NodeId, o: Observed): 'restore' | 'hold' {
  const policy = r.request.rollbackData === 'auto' ? r.plan?.policy.rollbackData : r.request.rollbackData
  if (policy === 'restore') return 'restore'
  if (policy === 'keep' || watchPassed(r, id)) return 'hold'
  if (r.goingBack?.cause === 'fault') return 'restore'
  return o.running !== 'stopped' && o.ready ? 'hold' : 'restore'
}

/** The node's own wave was judged good (an old pass still counts here: users were let in). */
export const watchPassed = (r: Rollout, id: NodeId): boolean => r.verdicts[wave(r, id)]?.is === 'pass'

/**
 * The old release does not serve the data: what the new one wrote comes back from the checkpoint of that stop, and the new
 * release is started on it. Where even that failed the node is left stopped, with both folders intact.
 */
function stay(r: Rollout, id: NodeId, old: Release): Goal | undefined {
  const state = node(r, id)
  const o = state.seen
  if (state.failedBack || o === 'unknown') return state.failedBack ? undefined : { ...back(r), release: old }
  const other = planned(r, id)
  const newer = sameRelease(old, other.from) ? other.to : other.from
  const point = o.snapshots.findLast(
    s => s.kind === 'return-point' && s.sealed && s.name.startsWith(`${r.id}.`),
  )
  if (!point) return undefined
  return { ...back(r), release: newer, data: { restore: point.name } }
}

/** Parked: ours until a person decides, and nothing else is done to the node. */
function parkedGoal(r: Rollout, id: NodeId): Goal | undefined {
  const o = node(r, id).seen
  if (o === 'unknown') return { ...forward(r), release: planned(r, id).from, switch: 'as-it-is' }
  if (o.lease !== 'free' && o.lease.parked && o.lease.rollout === r.id) return undefined
  if (typeof o.running !== 'object') return undefined
  const lease = { ...mine(r), state: 'parked' as const, within: within(r) }
  return { ...forward(r), release: o.running, switch: 'as-it-is', lease }
}

/** Leases are kept until every node is where it should be, then all are let go, or parked where something is owed. */
function withLease(r: Rollout, g: Goal): Goal {
  if (r.step !== 'settle' || r.outcome === undefined || g.lease.state === 'free') return g
  if (r.outcome.outcome === 'needs-operator' && r.outcome.code !== HELD_BY_CHOICE)
    return { ...g, lease: { ...mine(r), state: 'parked', within: within(r) } }
  // none is let go with its switch
  return { ...g, switch: 'off', lease: { ...mine(r), state: 'free' } }
}

const ours = (r: Rollout, o: Observed): boolean => o.lease !== 'free' && o.lease.rollout === r.id
const within = (r: Rollout): number => r.plan?.policy.approveWithin ?? 0
const mine = (r: Rollout): { rollout: string; process: string } => ({ rollout: r.id, process: r.by.process })

const forward = (r: Rollout): Omit<Goal, 'release'> => ({
  data: 'in-place',
  proof: [],
  point: 'rollback-point',
  prove: 'none',
  drain: 'first',
  switch: 'off',
  lease: { ...mine(r), state: 'ours' },
})

const back = (r: Rollout): Omit<Goal, 'release'> => ({ ...forward(r), point: 'return-point' })

/** Nothing is left to do on the node but, at most, to let its lease go. */
export function settled(r: Rollout, id: NodeId): boolean {
  const state = node(r, id)
  if (state.lost) return true
  if (state.seen === 'unknown') return false
  const g = goal(r, id)
  return g === undefined || (steps(state.seen, g).length === 0 && !untold(r, id))
}

/** How it ended was decided, and the node, whose record knows the rollout, has not been told: it would call for a person for ever. */
export function untold(r: Rollout, id: NodeId): boolean {
  const o = node(r, id).seen
  if (o === 'unknown' || r.outcome === undefined) return false
  const told = linesOf(o.record, r.id).length
  return told > 0 && told < r.lines.length
}
