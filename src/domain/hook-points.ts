import { fault } from './due.ts'
import type { Step, Task } from './event.ts'
import { reached, settled, wave } from './goal.ts'
import type { NodeId } from './node.ts'
import { type Rollout, node } from './rollout.ts'

/**
 * Where a release asks or tells others on its way. A hook that may stop it does so by `hook-failed`; after a phase or a node that had
 * failed already, nothing that a hook says counts. A way back asks nobody.
 */
export const HOOK_POINTS = [
  'before-snapshot',
  'after-snapshot',
  'before-canary',
  'after-canary',
  'confirm-promotion',
  'before-promote',
  'after-promote',
  'before-node',
  'after-node',
] as const
export type HookPoint = (typeof HOOK_POINTS)[number]
export type HookTask = Extract<Task, { kind: 'hook' }>

/** One of them, at one node where it has one. */
export const hookKey = ({ at, node: id }: { at: HookPoint; node?: NodeId }): string =>
  id === undefined ? at : `${at} ${id}`

type Phase = Extract<Step, 'snapshot' | 'canary' | 'promote'>
const BEFORE: Record<Phase, HookPoint[]> = {
  snapshot: ['before-snapshot'],
  canary: ['before-canary'],
  promote: ['confirm-promotion', 'before-promote'],
}
const PHASES = ['snapshot', 'canary', 'promote'] as const
const isPhase = (step: Step): step is Phase => step !== 'plan' && step !== 'settle'

/** Of the phase that this process is in, before it begins or once it has passed; one at a time. */
export function phaseHook(r: Rollout): HookTask | undefined {
  if (!isPhase(r.step) || !goesForward(r)) return undefined
  const points: HookPoint[] = [
    ...(begins(r, r.step) ? BEFORE[r.step] : []),
    ...(passed(r, r.step) ? [after(r.step)] : []),
  ]
  return points.map(at => due(r, { at })).find(task => task !== undefined)
}

/** Before the first change of a node. */
export const nodeHook = (r: Rollout, id: NodeId): HookTask | undefined =>
  (r.step === 'canary' || r.step === 'promote') && goesForward(r) && untouched(r, id)
    ? due(r, { at: 'before-node', node: id })
    : undefined

/** Behind a node that is where it should be, before it is watched. */
export const doneHooks = (r: Rollout, ids: NodeId[]): HookTask[] =>
  goesForward(r) && (r.step === 'canary' || r.step === 'promote')
    ? ids
        .filter(id => isUpgraded(r, id) && settled(r, id))
        .flatMap(id => due(r, { at: 'after-node', node: id }) ?? [])
    : []

/** In settle, when all else is done: phases that had begun here and did not pass. A job that was cancelled has no time for them. */
export function owedAtTheEnd(r: Rollout): HookTask | undefined {
  if (r.step !== 'settle' || r.cancelled || r.signal) return undefined
  return PHASES.filter(phase => r.began.includes(phase))
    .map(phase => due(r, { at: after(phase) }))
    .find(task => task !== undefined)
}

/** What happened at a point: whether what it comes after has passed. */
export const resultAt = (r: Rollout, at: HookPoint): 'passed' | 'failed' | '' => {
  if (!at.startsWith('after-')) return ''
  return r.goingBack || r.refused ? 'failed' : 'passed'
}

const after = (phase: Phase): HookPoint => `after-${phase}`

const due = (r: Rollout, task: { at: HookPoint; node?: NodeId }): HookTask | undefined =>
  r.plan?.mode === 'release' && r.plan.policy.hooks?.includes(task.at) && !r.hooked.includes(hookKey(task))
    ? { kind: 'hook', ...task }
    : undefined

const goesForward = (r: Rollout): boolean =>
  r.plan !== undefined && !r.goingBack && !r.parked && !r.refused && !fault(r)

const begins = (r: Rollout, phase: Phase): boolean => {
  if (phase === 'snapshot') return r.rehearsed === undefined
  if (phase === 'canary') return r.rehearsed !== undefined && r.verdicts.length === 0
  return canaryPassed(r)
}

function passed(r: Rollout, phase: Phase): boolean {
  if (phase === 'snapshot') return r.rehearsed !== undefined
  if (phase === 'canary') return canaryPassed(r)
  return (
    canaryPassed(r) && r.verdicts.length === r.plan?.waves.length && r.verdicts.every(v => v.is === 'pass')
  )
}

/** One that another job passed is watched again first. */
const canaryPassed = (r: Rollout): boolean => r.verdicts[0]?.is === 'pass' && !r.stale

/** Its turn has come, and it is what it was. */
const untouched = (r: Rollout, id: NodeId): boolean => wave(r, id) <= reached(r) && runs(r, id, 'from')
const isUpgraded = (r: Rollout, id: NodeId): boolean => runs(r, id, 'to')

function runs(r: Rollout, id: NodeId, which: 'from' | 'to'): boolean {
  const o = node(r, id).seen
  const release = r.plan?.nodes.find(n => n.node === id)?.[which]
  return o !== 'unknown' && typeof o.running === 'object' && o.running.sha256 === release?.sha256
}
