import { cutShort, decided, fault, goingBack, unconfirmed, verdictDue } from './due.ts'
import { shortageOf } from './disk.ts'
import { Bug } from './errors.ts'
import type { Body, Event, Task } from './event.ts'
import { goal, reached, settled, untold, watchPassed } from './goal.ts'
import { doneHooks, nodeHook, owedAtTheEnd, phaseHook } from './hook-points.ts'
import { judge } from './judge/threshold.ts'
import type { WatchPolicy } from './measurement.ts'
import type { NodeId, NodeStep } from './node.ts'
import { planHash } from './plan-text.ts'
import { rollbackClass } from './rollback-class.ts'
import { type Rollout, node, planned, said } from './rollout.ts'
import { settleDecision } from './settle.ts'
import { steps } from './steps.ts'
import { linesOf } from './unfinished.ts'

/** Start these now, write this line, or nothing is left for this process. */
export type Next = { start: Task[] } | { record: Body } | 'done'

/**
 * Every command that may start now, at most one per node, waves and `max-parallel` already applied; or the decision that the
 * facts have made due. Decisions wait until nothing is in flight.
 */
export function next(r: Rollout): Next {
  if (r.signal || r.concluded) return 'done'
  const idle = Object.keys(r.inFlight).length === 0
  const decision = idle ? decide(r) : undefined
  if (decision) return { record: decision }
  const start = tasks(r)
  return idle && start.length === 0 ? 'done' : { start }
}

function decide(r: Rollout): Body | undefined {
  switch (r.step) {
    case 'plan':
      return said(r, 'planned') || !r.plan
        ? undefined
        : decided({ what: 'planned', plan: r.plan, hash: r.hash })
    case 'settle':
      return atTheEnd(r)
    case 'snapshot':
      return open(r)
        ? (unconfirmed(r) ?? fault(r) ?? surprise(r) ?? rehearsed(r) ?? park(r, 'rehearse'))
        : undefined
    case 'canary':
    case 'promote':
      return open(r)
        ? (cutShort(r) ?? fault(r) ?? verdict(r) ?? verdictDue(r) ?? park(r, 'canary'))
        : undefined
  }
}

/** What is still to be told of phases that failed comes before the last line. */
function atTheEnd(r: Rollout): Body | undefined {
  const body = settleDecision(r)
  return body?.type === 'concluded' && lastHook(r) ? undefined : body
}
const lastHook = (r: Rollout): Task | undefined => (untouchable(r) ? undefined : owedAtTheEnd(r))

/** A rollout that goes forward: planned, and nothing has ended its way. */
const open = (r: Rollout): boolean => r.plan !== undefined && !r.goingBack && !r.parked && !r.refused

/** What the plan decided is compared again once every lease is held; nodes that this rollout changed are exempt. */
function surprise(r: Rollout): Body | undefined {
  if (
    r.rehearsed ||
    r.resumed ||
    tasks(r).some(t => t.kind === 'inspect' || (t.kind === 'step' && t.step.do === 'lease'))
  ) {
    return undefined
  }
  for (const n of r.plan?.nodes ?? []) {
    const o = node(r, n.node).seen
    if (o === 'unknown') return undefined
    const runs = typeof o.running === 'object' ? o.running.sha256 : o.running
    if (runs !== n.from.sha256)
      return goingBack('plan-changed', `${n.node} no longer runs ${n.from.version}, as planned`)
    if (o.config !== n.config.now)
      return goingBack('plan-changed', `${n.node}: its configuration file changed since the plan`)
  }
  return undefined
}

function rehearsed(r: Rollout): Body | undefined {
  if (r.rehearsed || !r.plan) return undefined
  const owed = r.plan.nodes.filter(n => (goal(r, n.node)?.proof.length ?? 0) > 0)
  const seen = r.plan.nodes.every(n => node(r, n.node).seen !== 'unknown')
  if (owed.length > 0 || !seen || tasks(r).length > 0) return undefined
  const { class: found, failure } = rollbackClass(r.plan, r.proofs)
  if (failure) return goingBack(failure.code, failure.why)
  const short = shortages(r)
  if (short.length > 0) return goingBack('disk-reserve', short.join('; '))
  if (r.plan.policy.requireReversible && found !== 'keeps-data') {
    return goingBack(
      'not-reversible',
      `going back would not keep the data, and the configuration requires that it does`,
    )
  }
  const hash = planHash(r.plan, found)
  const approved = r.request.planHash
  if (approved !== '' && approved !== r.hash && approved !== hash) {
    return goingBack(
      'plan-changed',
      `the approved plan is ${approved.slice(0, 12)}, this one ${hash.slice(0, 12)}`,
    )
  }
  return decided({ what: 'rehearsed', class: found, proofs: r.proofs, hash })
}

/** Nodes whose disk, as the plan found it, would not hold what the rehearsal measured, scaled to their data. */
function shortages(r: Rollout): string[] {
  if (r.plan?.mode !== 'release') return []
  return Object.entries(r.plan.notes.disk).flatMap(([id, disk]) => shortageOf(r, id, disk)?.what ?? [])
}

/** The judge is asked after every block; only a decision is written down. */
function verdict(r: Rollout): Body | undefined {
  const w = reached(r)
  if (!r.watch || !r.plan || (r.verdicts[w] && !r.stale)) return undefined
  const found = judge(r.watch, watchPolicy(r, w), r.now)
  if (found.is === 'pending') return undefined
  return decided({ what: 'verdict', wave: w, verdict: found, before: Object.values(r.before) })
}

/** The canary is watched longest; later waves, and a canary that a person approved, shorter. */
export function watchPolicy(r: Rollout, w: number): WatchPolicy {
  const policy = r.plan?.policy
  if (!policy) throw new Bug('a watch without a plan')
  if (w > 0) return { ...policy.watch, watch: policy.waveWatch }
  return r.stale ? { ...policy.watch, watch: policy.rewatch } : policy.watch
}

function park(r: Rollout, after: 'rehearse' | 'canary'): Body | undefined {
  if (r.request.stopAfter !== after || (r.resumed && after === 'rehearse')) return undefined
  const reached =
    after === 'rehearse' ? r.rehearsed !== undefined : watchPassed(r, r.plan?.waves[0]?.[0] ?? '') && !r.stale
  if (!reached || phaseHook(r)) return undefined
  return decided({
    what: 'parked',
    why: 'stop-after',
    after,
    until: r.now + (r.plan?.policy.approveWithin ?? 0),
  })
}

function tasks(r: Rollout): Task[] {
  if (r.step === 'plan') return planning(r)
  const nodes = r.plan?.nodes.map(n => n.node).filter(id => !node(r, id).lost && !busy(r, id)) ?? []
  if (untouchable(r)) return []
  const unseen = nodes.filter(id => node(r, id).seen === 'unknown')
  if (unseen.length > 0) return unseen.map(id => ({ kind: 'inspect', node: id }))
  if (r.goingBack && r.step !== 'settle') return nodes.flatMap(id => records(r, id) ?? [])
  const last = Object.keys(r.inFlight).length === 0 ? lastHook(r) : undefined
  if (last && settleDecision(r)?.type === 'concluded') return [last]
  if (r.step === 'settle' && !directed(r)) return []
  // after a failure nothing new is started here; settle brings what is between stop and start to a serving state first
  if (r.step !== 'settle' && fault(r)) return []
  return leases(r) ?? hooks(r) ?? [...work(r, nodes), ...watch(r)]
}

const planning = (r: Rollout): Task[] =>
  r.plan || r.refused || r.already || r.nothing || r.found || Object.keys(r.inFlight).length > 0
    ? []
    : [{ kind: 'plan' }]

/** Nothing may be done to any node: nothing was planned, or the mode only looks. */
const untouchable = (r: Rollout): boolean =>
  r.plan === undefined ||
  r.refused !== undefined ||
  r.request.mode === 'plan' ||
  r.request.mode === 'status' ||
  r.request.stopAfter === 'plan'

/** In `settle` nothing moves before the direction is decided. */
const directed = (r: Rollout): boolean =>
  r.goingBack !== undefined ||
  r.outcome !== undefined ||
  r.plan?.mode === 'rollback' ||
  (r.parked !== undefined && r.request.mode !== 'recover') ||
  (r.verdicts.length === r.plan?.waves.length && r.verdicts.every(v => v.is === 'pass') && !r.stale)

/**
 * Leases are taken one after the other in the order of the nodes' identity, so that two rollouts never hold half each; past a node
 * that is not known yet none is taken. Those that an earlier step of this rollout holds already are taken over all at once.
 */
function leases(r: Rollout): Task[] | undefined {
  const wanted: { id: NodeId; again: boolean }[] = []
  for (const id of r.plan?.leaseOrder ?? []) {
    const { lost, seen } = node(r, id)
    if (lost) continue
    if (seen === 'unknown') break
    if (first(r, id)?.do !== 'lease') continue
    const again = seen.lease !== 'free' && seen.lease.rollout === r.id
    if (wanted.length > 0 && !again) break
    wanted.push({ id, again })
    if (!again) break
  }
  if (wanted.length === 0) return undefined
  return wanted
    .filter(({ id }) => !busy(r, id))
    .map(({ id }) => ({ kind: 'step', node: id, step: { do: 'lease', lines: missing(r, id) } }))
}

/** Nothing else happens while somebody is asked. */
function hooks(r: Rollout): Task[] | undefined {
  const waiting = Object.values(r.inFlight).some(c => c.kind === 'hook' && c.node === undefined)
  const idle = Object.keys(r.inFlight).length === 0
  const task = idle ? phaseHook(r) : undefined
  if (task) return [task]
  return waiting ? [] : undefined
}

function work(r: Rollout, nodes: NodeId[]): Task[] {
  const order = r.step === 'settle' ? nodes : nodes.filter(id => inTurn(r, id))
  const todo = [...order.flatMap(id => records(r, id) ?? act(r, id) ?? []), ...doneHooks(r, order)]
  if (r.step === 'settle') return todo
  const room = (r.plan?.policy.maxParallel ?? 1) - Object.keys(r.inFlight).length
  return todo.slice(0, Math.max(0, room))
}

/** Mode rollback goes node by node; a node whose way failed is the last one. */
function inTurn(r: Rollout, id: NodeId): boolean {
  if (r.plan?.mode !== 'rollback' || r.step !== 'promote') return true
  return r.plan.waves.flat().find(n => node(r, n).lost || node(r, n).refuses || !settled(r, n)) === id
}

function act(r: Rollout, id: NodeId): Task[] | undefined {
  const step = first(r, id)
  if (!step || step.do === 'lease') return undefined
  return [nodeHook(r, id) ?? { kind: 'step', node: id, step }]
}

/** Decision lines that the node's record does not have yet; only under our lease. */
function records(r: Rollout, id: NodeId): Task[] | undefined {
  const o = node(r, id).seen
  if (o === 'unknown' || o.lease === 'free' || o.lease.process !== r.by.process || o.lease.rollout !== r.id)
    return undefined
  const lines = missing(r, id)
  return lines.length > 0 ? [{ kind: 'step', node: id, step: { do: 'record', lines } }] : undefined
}

/** A node's record of this rollout is always a beginning of our lines, beside what it says of itself alone. */
function missing(r: Rollout, id: NodeId): Event[] {
  const o = node(r, id).seen
  if (o === 'unknown') return []
  return r.lines.slice(linesOf(o.record, r.id).length)
}

/** When every node upgraded so far is at its goal: one more block. Before the first stop: the nodes' own baseline, if there is no other. */
function watch(r: Rollout): Task[] {
  const plan = r.plan
  if (!plan || plan.mode === 'rollback' || !open(r) || Object.keys(r.inFlight).length > 0) return []
  if (r.step !== 'canary' && r.step !== 'promote') return []
  const w = reached(r)
  const { block } = plan.policy.watch
  if (needsOwnBaseline(r))
    return [{ kind: 'observe', canary: [], baseline: plan.waves[0] ?? [], from: r.now, to: r.now + block }]
  if (w < 0 || (r.verdicts[w] && !r.stale)) return []
  const canary = plan.waves.slice(0, w + 1).flat()
  const baseline = plan.waves.slice(w + 1).flat()
  if (!canary.every(id => settled(r, id)) || doneHooks(r, canary).length > 0) return []
  return [{ kind: 'observe', canary, baseline, from: r.now, to: r.now + block }]
}

/** No old node is left beside the canary: the same nodes are measured before their stop, as long and as fast. */
export function needsOwnBaseline(r: Rollout): boolean {
  const plan = r.plan
  if (!plan || plan.mode === 'rollback' || plan.waves.length > 1 || r.step !== 'canary' || r.resumed)
    return false
  return r.verdicts.length === 0 && r.watch === undefined && r.beforeSpan < plan.policy.watch.watch
}

function first(r: Rollout, id: NodeId): NodeStep | undefined {
  const o = node(r, id).seen
  if (o === 'unknown') return undefined
  const g = goal(r, id)
  const step = g && (steps(o, g)[0] ?? (untold(r, id) ? ({ do: 'lease', lines: [] } as const) : undefined))
  // users stay on the old version until its own baseline is measured
  return step && needsOwnBaseline(r) && step.do !== 'lease' && g.release.sha256 === planned(r, id).to.sha256
    ? undefined
    : step
}

const busy = (r: Rollout, id: NodeId): boolean =>
  Object.values(r.inFlight).some(c => 'node' in c && c.node === id)
