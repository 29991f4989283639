import { cutShort, fault, faultReason, goingBack, unconfirmed, verdictDue } from './due.ts'
import { about } from './errors.ts'
import type { Body, Conclusion, Owed } from './event.ts'
import { movedOn, settled } from './goal.ts'
import { utc } from './log.ts'
import type { NodeId } from './node.ts'
import { changed, node, planned, type Rollout, said } from './rollout.ts'
import { recordsDiffer } from './unfinished.ts'
import { lossCode, neverBegun, recoverLine, runs, unsettled } from './unsettled.ts'

/**
 * What is still owed, and what may be said (DESIGN 4, the settle table). `undefined`: the nodes are not where they should be yet.
 * An outcome is decided only when every reachable node is at its goal, is written to the nodes, and is said when the leases are
 * let go.
 */
export function settleDecision(r: Rollout): Body | undefined {
  const idle = withoutWork(r)
  if (idle) return { type: 'concluded', ...idle }
  const all = r.plan?.nodes.map(n => n.node) ?? []
  if (all.some(id => !node(r, id).lost && node(r, id).seen === 'unknown')) return undefined
  // what another rollout has gone on with is not ours to speak of
  const ids = all.filter(id => !movedOn(r, id))
  const done = ids.every(id => settled(r, id))
  // a person's stop ends where the node did not wait for that person
  const late = r.goingBack || r.outcome || r.plan?.mode === 'rollback' ? undefined : cutShort(r)
  if (late) return late
  if (r.outcome) return done ? { type: 'concluded', ...amended(r, r.outcome) } : undefined
  if (parkedHere(r)) return done ? { type: 'concluded', ...parkedConclusion(r) } : undefined
  if (r.goingBack) return done ? outcome(afterGoingBack(r, ids)) : undefined
  if (r.plan?.mode === 'rollback') return done ? outcome(afterRollback(r, ids)) : undefined
  return direction(r, ids) ?? (done ? outcome(promoted(r)) : undefined)
}

/** Going back is decided once: a pass that the nodes do not show any more, or a run that ended before its end. */
function direction(r: Rollout, ids: NodeId[]): Body | undefined {
  const taken = r.plan?.nodes.find(n => movedOn(r, n.node))?.node
  if (taken) return goingBack('lease-lost', `${taken} was taken over by another rollout`, 'interrupted')
  const complete =
    r.verdicts.length === r.plan?.waves.length && r.verdicts.every(v => v.is === 'pass') && !r.stale
  const broken = ids.find(id => node(r, id).lost ?? node(r, id).failedBack)
  if (complete && !broken) return undefined
  const failure = broken && (node(r, broken).lost ?? node(r, broken).failedBack)
  if (complete && failure) return goingBack('not-ready', about(broken, failure.what), 'fault')
  const due = fault(r) ?? verdictDue(r)
  if (due) return due
  const [code, why] = interruption(r)
  return goingBack(code, why, 'interrupted')
}

const interruption = (r: Rollout): [string, string] => {
  const stolen = Object.values(r.past ?? {}).find(p => p.why === 'stolen')
  if (stolen)
    return ['taken-over', `${r.id} was taken over by hand (--steal) from ${stolen.holder}, which held it`]
  if (r.request.mode === 'recover')
    return ['runner-lost', `an earlier run of ${r.id} ended before it was finished`]
  if (r.cancelled === 'cancelled')
    return ['cancelled', 'the job was cancelled before the rollout was finished']
  if (r.cancelled === 'out-of-time')
    return ['out-of-time', 'the time of this run (`timeout`) was over before the rollout was finished']
  if (r.cancelled === 'lease-lost')
    return ['lease-lost', 'the lease on a node was taken away while it worked']
  return ['runner-lost', 'a step ended without a word: killed, out of memory, or its runner was lost']
}

/** Reasons not to go on that somebody has to see to, whoever asked. */
const CALLS: ReadonlySet<string> = new Set(['records-differ', 'mixed-fleet', 'not-serving'])

/** Nothing was planned, or the mode only looks: there is nothing to put right. */
function withoutWork(r: Rollout): Conclusion | undefined {
  const none = nothingDone
  if (r.already)
    return {
      ...none,
      outcome: 'unchanged',
      code: r.already.code,
      why: r.already.why,
      version: r.already.version,
    }
  if (r.refused) {
    const why = r.refused.problems.map(p => p.what).join('; ')
    const owed = [...new Set(r.refused.problems.map(p => p.next))].map((what): Owed => ({ what }))
    const outcome = CALLS.has(r.refused.code) ? 'needs-operator' : 'unchanged'
    return { ...none, outcome, code: r.refused.code, why, owed }
  }
  if (r.request.mode === 'status') return statusConclusion(r)
  if (r.nothing) return { ...none, outcome: 'unchanged', code: 'nothing-owed', why: r.nothing }
  // a plan that was never decided has touched nothing
  if (!r.plan || !said(r, 'planned'))
    return { ...none, outcome: 'unchanged', code: interruption(r)[0], why: interruption(r)[1] }
  if ((r.request.mode === 'plan' || r.request.stopAfter === 'plan') && !r.resumed) {
    return { ...none, outcome: 'stopped', code: 'planned', why: 'only the plan was asked for' }
  }
  return undefined
}

function statusConclusion(r: Rollout): Conclusion {
  const none = nothingDone
  if (!r.found)
    return { ...none, outcome: 'stopped', code: 'nothing-owed', why: r.nothing ?? 'no rollout is under way' }
  const fired = unconfirmed(r)
  if (fired?.type === 'decided' && fired.what === 'going-back')
    return { ...none, outcome: 'needs-operator', code: fired.code, why: fired.why, owed: [recoverLine] }
  if (r.parked?.why === 'stop-after' && r.now > r.parked.until) {
    const why = `${r.id} waited for an approval after ${r.parked.after} until ${utc(r.parked.until)}`
    return { ...none, outcome: 'needs-operator', code: 'approval-expired', why, owed: [recoverLine] }
  }
  if (r.parked?.why === 'stop-after') {
    return {
      ...none,
      outcome: 'stopped',
      code: 'awaiting-approval',
      why: `${r.id} waits for an approval after ${r.parked.after}, until ${utc(r.parked.until)}`,
      owed: [
        {
          what: 'To approve it, run the same release again',
          line: `progressdb-rollout release --tag ${r.plan?.version ?? ''}`,
        },
      ],
    }
  }
  const why = `${r.id} is not finished`
  return { ...none, outcome: 'needs-operator', code: 'unfinished-rollout', why, owed: [recoverLine] }
}

const parkedHere = (r: Rollout): boolean =>
  r.parked !== undefined && r.request.mode !== 'recover' && !r.goingBack

function parkedConclusion(r: Rollout): Conclusion {
  const version = r.parked?.after === 'rehearse' ? (r.plan?.nodes[0]?.from.version ?? '') : ''
  const data = 'untouched'
  if (r.parked?.why === 'stop-after') {
    return {
      outcome: 'stopped',
      code: 'awaiting-approval',
      why: `it waits for you after ${r.parked.after}`,
      version,
      data,
      owed: [],
    }
  }
  return {
    outcome: 'needs-operator',
    code: 'inconclusive-hold',
    why: r.verdicts.at(-1)?.text ?? 'the watch could not decide',
    version,
    data,
    owed: [recoverLine],
  }
}

const promoted = (r: Rollout): Conclusion => ({
  outcome: 'promoted',
  code: 'all-passed',
  why: r.verdicts.at(-1)?.text ?? '',
  version: r.plan?.version ?? '',
  data: 'kept',
  owed: [],
})

function afterGoingBack(r: Rollout, ids: NodeId[]): Conclusion {
  const { code, why } = r.goingBack ?? { code: '', why: '' }
  const stuck = unsettled(r, ids)
  if (stuck) return { outcome: 'needs-operator', ...stuck, version: '', data: dataOf(r, ids) }
  const version = before(r, ids)
  const some = ids.some(id => changed(r, id))
  return { outcome: some ? 'rolled-back' : 'unchanged', code, why, version, data: dataOf(r, ids), owed: [] }
}

function afterRollback(r: Rollout, ids: NodeId[]): Conclusion {
  const stuck = unsettled(r, ids)
  if (stuck) return { outcome: 'needs-operator', ...stuck, version: '', data: dataOf(r, ids) }
  const onTarget = ids.filter(id => runs(r, id) === planned(r, id).to.sha256)
  const base = { version: r.plan?.version ?? '', data: dataOf(r, ids), owed: [] }
  if (onTarget.length === ids.length)
    return { ...base, outcome: 'rolled-back', code: 'by-hand', why: r.request.reason || 'asked for by hand' }
  const [code, why] = faultReason(r) ?? interruption(r)
  if (onTarget.length === 0) return { ...base, version: before(r, ids), outcome: 'unchanged', code, why }
  const line = `progressdb-rollout rollback --tag ${r.plan?.version ?? ''}`
  return {
    ...base,
    version: '',
    outcome: 'needs-operator',
    code: 'mixed-fleet',
    why,
    owed: [{ what: 'Finish the rollback', line }],
  }
}

/** What the fleet served before, and serves; '' where that is more than one version. */
function before(r: Rollout, ids: NodeId[]): string {
  if (ids.some(id => runs(r, id) !== planned(r, id).from.sha256)) return ''
  const [one = '', ...others] = new Set(ids.map(id => planned(r, id).from.version))
  return others.length === 0 ? one : ''
}

/** Letting go failed on a node after the outcome was decided: it stays true of the others, and the lease is named. */
function amended(r: Rollout, decided: Conclusion): Conclusion {
  const { outcome: said, code, why, version, data, owed } = decided
  const unheard = ofAll(r, decided) && r.plan?.nodes.map(n => n.node).find(id => unknownTo(r, id))
  if (unheard) {
    const { what, next } = recordsDiffer(unheard)
    return {
      outcome: 'needs-operator',
      code: 'records-differ',
      why: what,
      version: '',
      data,
      owed: [{ what: next }],
    }
  }
  const lost = r.plan?.nodes.map(n => n.node).find(id => node(r, id).lost && !neverBegun(r, id))
  if (!lost || said === 'needs-operator') return { outcome: said, code, why, version, data, owed }
  const failure = node(r, lost).lost
  return {
    outcome: 'needs-operator',
    code: lossCode(failure),
    why: about(lost, failure?.what ?? ''),
    version: '',
    data,
    owed: [recoverLine],
  }
}

/** It is said of every node of the plan, and so every one of them was told of the rollout before. */
const ofAll = (r: Rollout, { outcome: said }: Conclusion): boolean =>
  r.resumed && (said === 'promoted' || (said === 'rolled-back' && r.plan?.mode === 'rollback'))

const unknownTo = (r: Rollout, id: NodeId): boolean => {
  const o = node(r, id).seen
  return o !== 'unknown' && !o.record.some(e => e.type === 'opened' && e.rollout === r.id)
}

function dataOf(r: Rollout, ids: NodeId[]): Conclusion['data'] {
  const seen = ids.flatMap(id => (node(r, id).seen === 'unknown' ? [] : [id]))
  const restored = seen.some(id => {
    const o = node(r, id).seen
    return (
      o !== 'unknown' &&
      (o.data.from?.startsWith(`${r.id}.`) ||
        (o.data.from !== undefined && o.data.from === r.plan?.restore[id]))
    )
  })
  if (restored) return 'restored'
  return seen.some(id => changed(r, id)) ? 'kept' : 'untouched'
}

const nothingDone: Pick<Conclusion, 'data' | 'owed' | 'version'> = {
  data: 'untouched',
  owed: [],
  version: '',
}
const outcome = (c: Conclusion): Body => ({ type: 'decided', what: 'outcome', ...c })
