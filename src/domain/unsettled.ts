import { about } from './errors.ts'
import type { Failure, Owed } from './event.ts'
import { goal, ofAnother, wayOf } from './goal.ts'
import type { NodeId } from './node.ts'
import { changed, node, planned, pointOf, type Rollout } from './rollout.ts'
import { serves } from './steps.ts'
import { HELD_BY_CHOICE } from './unfinished.ts'
import { inTraffic } from './traffic.ts'

/** The first thing that keeps a person awake: a node out of reach, one that neither release serves, one that is held. */
export function unsettled(
  r: Rollout,
  all: NodeId[],
): { code: string; why: string; owed: Owed[] } | undefined {
  const ids = all.filter(id => !ofAnother(r, id))
  const lost = ids.find(id => node(r, id).lost && !neverBegun(r, id))
  const failure = lost && node(r, lost).lost
  if (failure)
    return {
      code: lossCode(failure),
      why: about(lost, failure.what),
      owed: isUnbelieved(failure) ? [{ what: about(lost, failure.next) }, recoverLine] : [recoverLine],
    }
  const refusing = ids.find(id => node(r, id).refuses)
  if (refusing)
    return {
      code: 'old-version-refuses-data',
      why: about(refusing, node(r, refusing).refuses?.what ?? ''),
      owed: choices(r, refusing),
    }
  const held = r.goingBack ? ids.filter(id => isHeld(r, id)) : []
  if (held.length > 0) return heldBack(r, held)
  const dark = ids.find(id => !inService(r, id) && !neverBegun(r, id))
  if (dark) return { code: 'rollback-failed', why: `${dark} does not serve`, owed: [recoverLine] }
  return undefined
}

/** It serves as it did, and not even its lease could be taken (its disk is full, say): nothing is left on it to settle. */
export function neverBegun(r: Rollout, id: NodeId): boolean {
  const { lost, seen: o } = node(r, id)
  if (lost?.effect !== 'none' || lost.kind === 'unreachable' || o === 'unknown') return false
  const serving = runs(r, id) === planned(r, id).from.sha256 && o.ready && inTraffic(o)
  return serving && o.lease === 'free' && !changed(r, id)
}

/** What the node's record says is nothing to go by. */
const isUnbelieved = ({ code }: Failure): boolean =>
  code === 'RECORDS_DIFFER' || code === 'RECORD_NOT_TRUSTED'

export const lossCode = (failure: Failure | undefined): string => {
  if (failure && isUnbelieved(failure)) return 'records-differ'
  if (failure?.kind === 'unreachable') return 'node-unreachable'
  if (failure?.kind === 'drain') return 'drain-failed'
  return failure?.kind === 'lease' ? 'lease-lost' : 'step-failed'
}

function heldBack(r: Rollout, held: NodeId[]): { code: string; why: string; owed: Owed[] } {
  const version = r.plan?.version ?? ''
  if (r.request.mode === 'recover' && r.request.rollbackData === 'keep') {
    const next = {
      what: `Fix forward: release a newer version than ${version}; nothing holds the nodes any more`,
    }
    return {
      code: HELD_BY_CHOICE,
      why: `${held.join(', ')} stays on ${version} with every write, as you chose`,
      owed: [next],
    }
  }
  const code = r.goingBack?.cause === 'interrupted' ? 'cancel-would-lose-writes' : 'held-by-policy'
  const why = `${held.join(', ')} would lose what was written since ${version} was started; ${r.goingBack?.why ?? ''}`
  return { code, why, owed: held.flatMap(id => choices(r, id)) }
}

/** Both ways out, each with what it costs. */
function choices(r: Rollout, id: NodeId): Owed[] {
  const o = node(r, id).seen
  const point = o === 'unknown' ? undefined : pointOf(r, o)
  const { to, from } = planned(r, id)
  if (r.plan?.mode === 'rollback') {
    const line = `progressdb-rollout rollback --tag ${to.version} --rollback-data restore`
    return [
      recoverLine,
      {
        what: `${id} stays on ${from.version} with every write; to go back all the same, to an older state of its data`,
        line,
      },
    ]
  }
  const stay: Owed = {
    what: `${id}: to stay on ${to.version} and keep every write, fix forward and release again after`,
    line: 'progressdb-rollout recover --rollback-data keep',
  }
  const restore: Owed = {
    what: `${id}: to go back to ${from.version} with the data of ${point?.name ?? 'its rollback point'}, setting later writes aside`,
    line: 'progressdb-rollout recover --rollback-data restore',
  }
  return point ? [stay, restore] : [stay]
}

const isHeld = (r: Rollout, id: NodeId): boolean => {
  const o = node(r, id).seen
  return o !== 'unknown' && wayOf(r, id, o) === 'hold'
}

function inService(r: Rollout, id: NodeId): boolean {
  const o = node(r, id).seen
  const g = goal(r, id)
  return o !== 'unknown' && g !== undefined && serves(o, g)
}

/** sha256 of what runs on the node; '' where nothing does, or nobody knows. */
export const runs = (r: Rollout, id: NodeId): string => {
  const o = node(r, id).seen
  return o === 'unknown' || typeof o.running !== 'object' ? '' : o.running.sha256
}

export const recoverLine: Owed = {
  what: 'Settle what is left: Actions → Recover → Run workflow, or',
  line: 'progressdb-rollout recover',
}
