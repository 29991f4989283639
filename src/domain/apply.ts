import { Bug, unreachable } from './errors.ts'
import { hookKey } from './hook-points.ts'
import { recordsDiffer } from './unfinished.ts'
import type { Command, CommandId, Decision, Event, Fact, Failure } from './event.ts'
import { merge } from './judge/merge.ts'
import type { Block } from './measurement.ts'
import type { NodeId, Observed, Witness } from './node.ts'
import type { Plan } from './plan.ts'
import { type Release, sameRelease } from './release.ts'
import { MAX_TRIES, type NodeState, node, planned, pointOf, type Rollout } from './rollout.ts'

/** The rollout after one more fact. Pure; throws `Bug` on a line that cannot follow. */
export function apply(r: Rollout, e: Event): Rollout {
  const at = { seq: e.seq, now: e.at }
  switch (e.type) {
    case 'opened':
      return open({ ...r, ...at, lines: [...r.lines, e] }, e)
    case 'decided':
      return decided({ ...r, ...at, lines: [...r.lines, e] }, e)
    case 'started':
      return {
        ...r,
        ...at,
        inFlight: { ...r.inFlight, [e.command.id]: e.command },
        lastCommand: Math.max(r.lastCommand, e.command.id),
      }
    case 'done':
      return learned({ ...r, ...at, inFlight: landed(r, e.id) }, command(r, e.id), e.fact)
    case 'failed':
      return failed({ ...r, ...at, inFlight: landed(r, e.id) }, command(r, e.id), e.failure)
    case 'signal':
      return { ...r, ...at, signal: e.what, cancelled: e.what }
    case 'concluded':
      return { ...r, ...at, concluded: e }
    case 'adopted':
    case 'setting-changed':
    case 'fired':
      return { ...r, ...at, lines: [...r.lines, e] }
    default:
      return unreachable(e)
  }
}

/** A new process: everything in flight has an unknown outcome, and nothing that was seen still counts. */
function open(r: Rollout, e: Extract<Event, { type: 'opened' }>): Rollout {
  const nodes = Object.fromEntries(
    Object.entries(r.nodes).map(([id, n]): [NodeId, NodeState] => {
      const { lost: _, ...rest } = n
      return [id, { ...rest, seen: 'unknown', tries: 0, failing: 0 }]
    }),
  )
  // a watch that another process began is not continued: its gap was not measured
  const { signal: _, concluded: __, watch: ___, ...rest } = r
  return {
    ...rest,
    id: r.id || e.rollout,
    step: e.step,
    by: e.by,
    request: e.request,
    opened: r.opened + 1,
    processes: [...r.processes, e.by.process],
    began: [...r.began, e.step],
    nodes: withoutStrange({ ...r, nodes }),
    inFlight: {},
  }
}

function decided(r: Rollout, e: Decision): Rollout {
  switch (e.what) {
    case 'planned':
      return { ...r, plan: e.plan, hash: e.hash, nodes: r.plan ? r.nodes : unseen(e.plan) }
    case 'rehearsed':
      return {
        ...r,
        rehearsed: { class: e.class, hash: e.hash },
        proofs: { ...r.proofs, ...e.proofs },
        hash: e.hash,
      }
    case 'verdict':
      return verdict(r, e)
    case 'parked':
      return { ...r, parked: e }
    case 'going-back': {
      // an outcome before it reached this node late: whoever decided to go back did not know of it, and it is not true any more
      const { outcome: _, ...rest } = r
      return { ...rest, goingBack: e, nodes: patient(r.nodes) }
    }
    case 'outcome':
      return { ...r, outcome: e }
    default:
      return unreachable(e)
  }
}

const unseen = (plan: Plan): Record<NodeId, NodeState> =>
  Object.fromEntries(plan.nodes.map(n => [n.node, { seen: 'unknown', tries: 0, failing: 0, witnesses: {} }]))

/** A failure on the way forward is no reason to give a node up on the way back. */
const patient = (nodes: Rollout['nodes']): Rollout['nodes'] =>
  Object.fromEntries(Object.entries(nodes).map(([id, n]) => [id, { ...n, tries: 0, failing: 0 }]))

function verdict(r: Rollout, e: Extract<Decision, { what: 'verdict' }>): Rollout {
  const { watch: _, ...rest } = r
  const before = Object.fromEntries(e.before.map(b => [b.node, b]))
  return {
    ...rest,
    verdicts: [...r.verdicts.slice(0, e.wave), e.verdict],
    stale: false,
    before: { ...r.before, ...before },
    beforeSpan: r.watch ? r.now - r.watch.from : r.beforeSpan,
  }
}

function learned(r: Rollout, c: Command, fact: Fact): Rollout {
  switch (fact.is) {
    case 'planned':
      return { ...r, plan: fact.plan, hash: fact.hash, nodes: unseen(fact.plan) }
    case 'refused':
      return { ...r, refused: { code: fact.code, problems: fact.problems } }
    case 'already':
      return { ...r, already: fact }
    case 'nothing':
      return { ...r, nothing: fact.why }
    case 'resumes':
      return resume(r, fact)
    case 'measured':
      return measured(r, fact.block, c)
    case 'observed':
      return observed(r, fact, c)
    case 'hooked':
      return called(r, c)
    default:
      return unreachable(fact)
  }
}

/** Folds the decision lines that the nodes kept of a rollout another machine began. */
function resume(r: Rollout, fact: Extract<Fact, { is: 'resumes' }>): Rollout {
  const decisions = fact.lines.filter(e => e.type === 'decided')
  const first = fact.lines.find(e => e.type === 'opened')
  if (!first) throw new Bug('a record without an opened line')
  const base: Rollout = {
    ...r,
    id: first.rollout,
    // whoever takes it up speaks for it from its own first line on
    lines: [...fact.lines, ...r.lines.map(e => (e.type === 'opened' ? { ...e, rollout: first.rollout } : e))],
    resumed: true,
    ...(fact.past ? { past: fact.past } : {}),
    ...(fact.fired ? { fired: fact.fired } : {}),
    ...(fact.strange ? { strange: fact.strange } : {}),
  }
  const folded = decisions.reduce<Rollout>((acc, e) => decided(acc, e), base)
  const { parked, outcome, ...rest } = { ...folded, nodes: withoutStrange(folded) }
  const continues = r.request.mode === 'release' && parked?.why === 'stop-after'
  return {
    ...rest,
    found: fact.lines,
    refusedBefore: outcome?.code === 'old-version-refuses-data' || r.refusedBefore,
    stale: folded.verdicts.length > 0,
    ...(parked === undefined || continues ? {} : { parked }),
    // a person has taken it up: what was left to them is asked again
    ...(outcome === undefined || outcome.outcome === 'needs-operator' ? {} : { outcome }),
  }
}

/** Nodes whose records cannot be believed count as lost from the beginning. */
const withoutStrange = ({ nodes, strange = [] }: Rollout): Rollout['nodes'] =>
  Object.fromEntries(
    Object.entries(nodes).map(([id, n]) => [
      id,
      strange.includes(id) ? { ...n, lost: recordsDiffer(id) } : n,
    ]),
  )

function observed(r: Rollout, fact: Extract<Fact, { is: 'observed' }>, c: Command): Rollout {
  const was = node(r, fact.node)
  const opens = was.seen === 'unknown' ? 0 : was.seen.data.opens
  const state: NodeState = {
    ...was,
    seen: fact.now,
    tries: 0,
    failing: c.kind === 'step' ? 0 : was.failing,
    witnesses: {
      ...was.witnesses,
      ...proofAsWitness(fact),
      ...(fact.witness ? { [opens]: fact.witness } : {}),
    },
  }
  const next = { ...r, nodes: { ...r.nodes, [fact.node]: state } }
  if (!fact.proof) return next
  const asked = fact.proof.name.includes('.rehearsal.') || fact.proof.name === r.plan?.restore[fact.node]
  return asked ? { ...next, proofs: { ...r.proofs, [fact.node]: fact.proof } } : next
}

/** What a run on a copy of a checkpoint counted is what must be there when the checkpoint itself is put back. */
function proofAsWitness(fact: Extract<Fact, { is: 'observed' }>): Record<number, Witness> {
  const run = fact.proof?.runs.length === 1 ? fact.proof.runs[0] : undefined
  const point = fact.now.snapshots.find(s => s.name === fact.proof?.name)
  return run?.outcome === 'ok' && point && point.kind !== 'rehearsal'
    ? { [point.opens]: { counts: run.counts, quiet: true } }
    : {}
}

function measured(r: Rollout, block: Block, c: Command): Rollout {
  const before = merge([...Object.values(r.before), ...block.baseline])
  const kept = Object.fromEntries(before.map(b => [b.node, b]))
  if (c.kind !== 'observe' || c.canary.length === 0) {
    return { ...r, before: kept, beforeSpan: r.beforeSpan + (block.to - block.from) }
  }
  const watch = r.watch ?? {
    from: block.from,
    canary: c.canary,
    baseline: c.baseline,
    ...(r.plan ? { version: r.plan.version } : {}),
    blocks: [],
    before: c.baseline.length > 0 ? [] : c.canary.flatMap(id => r.before[id] ?? []),
  }
  return { ...r, watch: { ...watch, blocks: [...watch.blocks, block] }, before: kept }
}

function failed(r: Rollout, c: Command, failure: Failure): Rollout {
  if (c.kind === 'plan') return { ...r, refused: { code: 'plan-refused', problems: [failure] } }
  if (c.kind === 'observe') return r
  if (c.kind === 'hook') return saidNo(r, c, failure)
  const was = node(r, c.node)
  const tries = was.tries + 1
  // a node whose switch fired is not what it was
  const gone = failure.effect === 'unknown' || failure.kind === 'fired' || c.kind === 'inspect'
  const seen = gone ? 'unknown' : was.seen
  const failing = was.failing + (c.kind === 'step' ? 1 : 0)
  const given = tries >= MAX_TRIES || failing >= MAX_TRIES
  // on a way that a person asked for, the next process should know why this one gave up
  const fault = c.kind === 'step' && r.plan?.mode === 'rollback' ? { fault: was.fault ?? failure } : {}
  const state: NodeState = { ...was, seen, tries, failing, ...(given ? { lost: failure, ...fault } : {}) }
  return { ...r, nodes: { ...r.nodes, [c.node]: { ...state, ...consequence(r, c, failure, was) } } }
}

const called = (r: Rollout, c: Command): Rollout =>
  c.kind === 'hook' ? { ...r, hooked: [...r.hooked, hookKey(c)] } : r

/** A hook ends the way forward; it never hides what ended it before, and is not asked twice. */
function saidNo(r: Rollout, c: Command, failure: Failure): Rollout {
  const forward = r.goingBack === undefined && r.step !== 'settle'
  return { ...called(r, c), ...(forward && !r.hookFault ? { hookFault: failure } : {}) }
}

/** What a failed step means for its node: a fault on the way forward, a refusal on the way back. */
function consequence(r: Rollout, c: Command, failure: Failure, was: NodeState): Partial<NodeState> {
  const forward = r.goingBack === undefined && r.step !== 'settle' && r.request.mode !== 'recover'
  if (c.kind !== 'step') return forward && was.tries + 1 >= MAX_TRIES ? { fault: failure } : {}
  if (forward && r.plan?.mode === 'release')
    return failure.kind === 'busy' && was.tries + 1 < MAX_TRIES ? {} : { fault: was.fault ?? failure }
  if (failure.kind === 'drain' && c.step.do === 'drain' && goesUndrained(r, c.node, was))
    return { undrained: failure }
  const deaf =
    c.step.do === 'wait-ready' || c.step.do === 'check' || c.step.do === 'start' || c.step.do === 'back'
  // whether a server that could not be asked holds its data, nobody knows
  const asked = failure.kind !== 'check' || failure.effect === 'none'
  const refusal =
    deaf && asked && (failure.kind === 'ready' || failure.kind === 'ended' || failure.kind === 'check')
  if (!refusal) return {}
  const old = planned(r, c.node)[r.plan?.mode === 'rollback' ? 'to' : 'from']
  const ofOld = 'release' in c.step && c.step.release.sha256 === old.sha256
  if (!ofOld) return { failedBack: failure }
  // on data that is its own it refuses nothing: something else happened, and it is looked at again
  if (was.seen !== 'unknown' && itsOwn(r, was.seen, old)) return { seen: 'unknown' }
  // a node that has no other way is not asked for ever
  return was.refuses ? {} : { refuses: failure, tries: 0, failing: 0 }
}

/** A way back does not end at the balancer: what keeps what it has accepted is stopped without a drain, where one does not work. */
const goesUndrained = (r: Rollout, id: NodeId, was: NodeState): boolean =>
  !was.undrained && planned(r, id).safeStop.includes('intake-wal')

/** The data is what this release left: its checkpoint was put back, or no other release was ever started on it. */
const itsOwn = (r: Rollout, o: Observed, release: Release): boolean =>
  (o.data.from !== undefined && o.data.from === pointOf(r, o)?.name) ||
  (o.data.openedBy !== undefined &&
    sameRelease(o.data.openedBy, release) &&
    !o.snapshots.some(s => s.kind === 'return-point' && s.name.startsWith(`${r.id}.`)))

const landed = (r: Rollout, id: CommandId): Rollout['inFlight'] => {
  const { [id]: _, ...rest } = r.inFlight
  return rest
}

const command = (r: Rollout, id: CommandId): Command => {
  const c = r.inFlight[id]
  if (!c) throw new Bug(`the journal answers command ${id}, which is not in flight`)
  return c
}
