import type { Config } from './config/config.ts'
import { readServerConfig } from './config/server-config.ts'
import { nodeDisk, shortageOf } from './domain/disk.ts'
import { Bug, UserError, unreachable } from './domain/errors.ts'
import type { Command, Event, Fact, Failure, Swept } from './domain/event.ts'
import type { Millis, NodeId, NodeStep, Observed, Witness } from './domain/node.ts'
import type { Release } from './domain/release.ts'
import { type Rollout, node as stateOf } from './domain/rollout.ts'
import { type Doing, type Effects, act, opensBefore, target, witnessAt } from './effects.ts'
import { holds } from './hold.ts'
import { type Action, type Claim, type Inspection, StepFailed } from './node/port.ts'
import { proveCheckpoint } from './prove.ts'
import { beforeStop, letsWritesThrough, quietTime, witness, writtenThrough } from './witness.ts'

/** Carries out one command and answers what was found out. Rejects with `StepFailed`, `UserError` or `Bug`. */
export async function perform(
  effects: Effects,
  command: Command,
  at: { r: Rollout; stop: AbortSignal },
): Promise<Fact> {
  switch (command.kind) {
    case 'plan':
      return effects.plan(at.r, at.stop)
    case 'observe':
      return { is: 'measured', block: await effects.observe({ ...command, ...watchOf(at.r) }, at.stop) }
    case 'inspect':
      return observed(effects, command.node, at)
    case 'hook':
      return { is: 'hooked', hooks: await effects.hook(command, at.r) }
    case 'step':
      return step(doing(effects, command.node, at), command.step)
    default:
      return unreachable(command)
  }
}

const watchOf = (r: Rollout): { rate: number; metrics: Config['metrics'] } => {
  const policy = r.plan?.policy.watch
  if (!policy) throw new Bug('a watch without a plan')
  return { rate: policy.rate, metrics: policy.metrics }
}

function doing(effects: Effects, id: NodeId, at: { r: Rollout; stop: AbortSignal }): Doing {
  const node = effects.nodes.get(id)
  const config = effects.config.nodes.find(n => n.name === id)
  if (!node || !config) throw new UserError(unknownNode(id))
  return { ...at, node, config, effects }
}

const unknownNode = (id: NodeId) => ({
  code: 'NODE_UNKNOWN',
  what: `the rollout holds ${id}, which is not in the fleet file any more`,
  next: 'put it back into `nodes:` until the rollout is finished',
})

async function observed(effects: Effects, id: NodeId, at: { r: Rollout; stop: AbortSignal }): Promise<Fact> {
  const d = doing(effects, id, at)
  const began = effects.clock.now()
  return fact(d, { began, seen: await d.node.inspect() })
}

/** The node's own answer, and whether it is ready: that is asked over HTTP. */
async function fact(
  d: Doing,
  at: { began: Millis; seen: Inspection; witness?: Witness },
): Promise<Extract<Fact, { is: 'observed' }>> {
  const { now } = at.seen
  const runs = typeof now.running === 'object'
  const ready = runs && (await d.effects.probe.ready(target(d), d.stop)).ready
  const took = d.effects.clock.now() - at.began
  return {
    is: 'observed',
    node: d.node.id,
    now: { ...now, ready },
    took,
    ...(at.witness ? { witness: at.witness } : {}),
  }
}

async function step(d: Doing, s: NodeStep): Promise<Fact> {
  const began = d.effects.clock.now()
  switch (s.do) {
    case 'lease': {
      const seen = await lease(d, s.lines)
      return {
        ...(await fact(d, { began, seen })),
        ...(d.r.step === 'snapshot' ? await swept(d, 'before') : {}),
      }
    }
    case 'release': {
      const left = await swept(d, 'this')
      return { ...(await fact(d, { began, seen: await act(d, s) })), ...left }
    }
    case 'install':
      return fact(d, { began, seen: await act(d, { ...s, file: await d.effects.binary(s.release) }) })
    case 'stop':
    case 'back':
      return stopping(d, s, began)
    case 'snapshot':
      return snapshot(d, s, began)
    case 'prove': {
      const { proof, seen } = await proveCheckpoint(d, s)
      return { ...(await fact(d, { began, seen })), proof }
    }
    case 'wait-ready':
      return fact(d, { began, seen: await waitReady(d, s.release) })
    case 'check': {
      const { seen, counts } = await check(d, s.release)
      return { ...(await fact(d, { began, seen })), counts }
    }
    case 'record':
    case 'clean-staging':
    case 'finish-swap':
    case 'drain':
      if (!goesBack(d.r)) await roomFor(d)
      return fact(d, { began, seen: await act(d, s) })
    case 'arm':
      return fact(d, { began, seen: await act(d, { ...s, rollout: d.r.id, quiet: await quietTime(d) }) })
    case 'hold':
    case 'let-go':
      return fact(d, { began, seen: await act(d, { ...s, lines: [settingChanged(d, s.do)] }) })
    case 'restore':
    case 'activate':
    case 'start':
    case 'undrain':
    case 'park':
    case 'disarm':
      return fact(d, { began, seen: await act(d, s) })
    default:
      return unreachable(s)
  }
}

/** For the node's own record. */
const settingChanged = (d: Doing, what: 'hold' | 'let-go'): Event => ({
  schema: 1,
  seq: d.r.seq,
  at: d.effects.clock.now(),
  type: 'setting-changed',
  rollout: d.r.id,
  what,
})

/**
 * The probe's threads are removed: those that a dead run left, before this one writes, and its own at the end. A server that does
 * not answer keeps them; the next rollout asks again.
 */
async function swept(d: Doing, of: Swept['of']): Promise<{ swept?: Swept }> {
  const { seen } = stateOf(d.r, d.node.id)
  if (seen === 'unknown' || !seen.ready) return {}
  const found = await d.effects.probe.sweep(target(d), of === 'this', d.stop)
  return found.deleted + found.left === 0 && found.why === '' ? {} : { swept: { of, ...found } }
}

/**
 * A lease of an earlier step of this job is ours; a parked one waits for us; any other is taken only when it has run out, or when
 * it is the very one of which the plan step found that it may be.
 */
function over(d: Doing): Claim['over'] {
  const { seen } = stateOf(d.r, d.node.id)
  if (seen === 'unknown' || seen.lease === 'free') return 'expired'
  if (d.r.processes.includes(seen.lease.process)) return 'same-rollout'
  if (seen.lease.parked) return 'parked'
  const past = d.r.past?.[d.node.id]
  return past?.token === seen.lease.token ? past.token : 'expired'
}

async function lease(d: Doing, lines: Extract<NodeStep, { do: 'lease' }>['lines']): Promise<Inspection> {
  const { by } = d.r
  return d.node.lease({
    rollout: d.r.id,
    process: by.process,
    holder: [by.who, by.run, by.host].filter(part => part !== '').join(', '),
    doing: d.effects.doing(d.r),
    run: by.page ?? '',
    ttl: d.effects.config.lease.ttl,
    lines,
    over: over(d),
  })
}

const goesBack = (r: Rollout): boolean => r.goingBack !== undefined || r.plan?.mode === 'rollback'

/** Quiet, read back, remember what is there; then stop, or stop and go back in one program. */
async function stopping(
  d: Doing,
  s: Extract<NodeStep, { do: 'stop' | 'back' }>,
  began: Millis,
): Promise<Fact> {
  const seen = stateOf(d.r, d.node.id).seen
  const goingBack = goesBack(d.r)
  const serves = seen !== 'unknown' && seen.running !== 'stopped' && seen.ready
  if (!goingBack) await roomFor(d)
  if (serves && goingBack && sinceBefore(seen) && (await writtenThrough(d, opensBefore(d, seen)))) {
    await act(d, { do: 'doubt-drain' })
    throw new StepFailed({ ...letsWritesThrough(d), effect: 'unknown', kind: 'drain' })
  }
  const witness = serves ? await beforeStop(d, goingBack) : undefined
  const action: Action = s.do === 'stop' && goingBack ? { ...s, force: true } : s
  return fact(d, { began, seen: await act(d, action), ...(witness ? { witness } : {}) })
}

/** It was drained before its present start: its rollback point is put back because nobody wrote since. */
const sinceBefore = ({ traffic, drainedAt, data }: Observed): boolean =>
  traffic === 'drained' && drainedAt !== data.opens

/** Before users notice anything: by what the rehearsal measured, does the upgrade fit on this node's disk as it is now? */
async function roomFor(d: Doing): Promise<void> {
  const { facts } = await d.node.inspect()
  const shortage = shortageOf(d.r, d.node.id, nodeDisk(facts))
  if (shortage) throw new StepFailed({ ...shortage, effect: 'none', kind: 'disk' })
}

async function snapshot(d: Doing, s: Extract<NodeStep, { do: 'snapshot' }>, began: Millis): Promise<Fact> {
  if (s.kind !== 'rehearsal') return fact(d, { began, seen: await act(d, s) })
  const before = await witness(d)
  // what users notice begins here
  const paused = d.effects.clock.now()
  const seen = await act(d, s)
  return fact(d, { began: paused, seen, witness: { ...before, quiet: false } })
}

/** Asks until it is ready; a server that ended meanwhile is not waited for. */
async function waitReady(d: Doing, release: Release): Promise<Inspection> {
  const { probe, clock } = d.effects
  const limit = d.r.plan?.policy.startLimit ?? 60_000
  const until = clock.now() + limit
  for (;;) {
    const found = await probe.waitReady(target(d), {
      limit: Math.min(1000, limit),
      version: release.version,
      stop: d.stop,
    })
    const seen = await d.node.inspect()
    if (found.ready) return seen
    if (seen.now.running === 'stopped') throw new StepFailed(ended(d, release, seen))
    if (clock.now() >= until || d.stop.aborted)
      throw new StepFailed(notReady(d, { release, why: found.why, limit }))
  }
}

const ended = (d: Doing, release: Release, seen: Inspection): Failure => ({
  code: 'SERVER_ENDED',
  what: `${release.version} ended on ${d.node.id} before it was ready (exit ${seen.now.lastExit ?? 'unknown'})`,
  next: `read its last words in ${seen.facts.serverLog}`,
  effect: 'none',
  kind: 'ended',
})

const notReady = (d: Doing, at: { release: Release; why: string; limit: Millis }): Failure => ({
  code: 'SERVER_NOT_READY',
  what: `${at.release.version} on ${d.node.id} is not ready after ${Math.round(at.limit / 1000)} s: ${at.why}`,
  next: 'look at its log; `start-limit` in the fleet file sets how long a start may take',
  effect: 'none',
  kind: 'ready',
})

/** Counts and sentinel against what was known at the stop before this start; equal where nobody could write since. */
async function check(
  d: Doing,
  release: Release,
): Promise<{ seen: Inspection; counts: Record<string, number> }> {
  const before = await d.node.inspect()
  const known = witnessAt(d, opensBefore(d, before.now))
  const quiet = known.quiet && before.now.traffic === 'drained'
  const pause = 2 * readServerConfig(before.facts.configText).applyBatch + 100
  const held = await holds(d, target(d), { ...known, quiet, pause })
  if (!held.ok) throw new StepFailed(broken(d, release, held.text))
  return { seen: await act(d, { do: 'mark-checked', process: before.facts.process }), counts: held.counts }
}

const broken = (d: Doing, release: Release, text: string): Failure => ({
  code: 'INVARIANT_BROKEN',
  what: `${d.node.id} on ${release.version}: ${text}`,
  next: 'nothing that was there is deleted; the report says where it lies',
  effect: 'none',
  kind: 'check',
})

/** Reads any error as the failure of a command. What is not expected is our bug, and says so. */
export function failureOf(error: unknown, command: Command): Failure {
  if (error instanceof StepFailed) return error.failure
  if (error instanceof UserError && error.problems[0]) {
    // the server could not be asked: it may have ended meanwhile
    const checked = command.kind === 'step' && command.step.do === 'check'
    return {
      ...error.problems[0],
      effect: checked ? 'unknown' : 'none',
      kind: checked ? 'check' : 'other',
    }
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    code: 'INTERNAL',
    what: `progressdb-rollout failed in ${command.kind === 'step' ? command.step.do : command.kind}: ${what.split('\n').slice(0, 4).join(' ')}`,
    next: 'please report it with the journal; the nodes are inspected before anything else happens',
    effect: 'unknown',
    kind: 'other',
  }
}
