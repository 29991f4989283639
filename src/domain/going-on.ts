import type { Problem } from './errors.ts'
import type { Event, Past, PlanFact, Step } from './event.ts'
import { type Holding, pageOf, working } from './holder.ts'
import { duration } from './log.ts'
import type { Lease, NodeId, Observed } from './node.ts'
import type { Plan, PlannedNode } from './plan.ts'
import { planDifference, planHash } from './plan-text.ts'
import { sameRelease } from './release.ts'
import { type Fired, firedText } from './switch.ts'
import type { Survey, SurveyedNode, Wish } from './survey.ts'
import { contradicted, lastRollout, type Unfinished } from './unfinished.ts'

/** A rollout that waits for its approval goes on with the same release; any other unfinished one is settled first. */
export function goesOn(found: Unfinished, survey: Survey, wish: Wish): PlanFact {
  const decisions = found.lines.filter(e => e.type === 'decided')
  const recorded = decisions.find(e => e.what === 'planned')?.plan
  const parked = decisions.findLast(e => e.what === 'parked')
  const waits =
    parked?.why === 'stop-after' && !decisions.some(e => e.what === 'going-back') && !goneOnWith(found.lines)
  const resumes: PlanFact = {
    is: 'resumes',
    lines: found.lines,
    ...pastOf(survey.nodes),
    ...firedIn(survey.nodes, found.rollout),
  }
  if (!recorded || !waits || wish.mode !== 'release' || recorded.version !== wish.target)
    return busy(found, survey, recorded)
  if (survey.unreachable.length > 0 || survey.problems.length > 0) {
    const unreachable = survey.unreachable.map(u => ({ ...u.failure, where: u.node }))
    return { is: 'refused', code: 'plan-refused', problems: [...survey.problems, ...unreachable] }
  }
  if (survey.nodes.some(atWork))
    return { is: 'refused', code: 'lease-held', problems: leaseProblems(survey.nodes.filter(atWork)) }
  const unknown = recorded.nodes.map(n => n.node).filter(id => !knows(survey, id, found.rollout))
  if (unknown.length > 0) return contradicted({ ...found, strange: unknown })
  const rehearsed = decisions.findLast(e => e.what === 'rehearsed')
  const hash = planHash(recorded, rehearsed?.class)
  const differences =
    wish.planHash !== '' && wish.planHash !== hash
      ? approvedOther(wish.planHash, hash)
      : differs(recorded, survey)
  if (differences.length > 0) return { is: 'refused', code: 'plan-changed', problems: differences }
  return resumes
}

/** It was approved, and whoever went on with it got as far as to change nodes: they are settled, not gone on with once more. */
function goneOnWith(lines: readonly Event[]): boolean {
  const at = lines.findLastIndex(e => e.type === 'decided' && e.what === 'parked')
  const parked = lines[at]
  const after = parked?.type === 'decided' && parked.what === 'parked' ? parked.after : ''
  const further: Step[] = after === 'rehearse' ? ['canary', 'promote'] : ['promote']
  return lines.slice(at + 1).some(e => e.type === 'opened' && further.includes(e.step))
}

/** A node of a rollout that waits was told of it before anything was changed anywhere. */
const knows = (survey: Survey, id: NodeId, rollout: string): boolean =>
  survey.nodes.every(
    n => n.node !== id || n.now.record.some(e => e.type === 'opened' && e.rollout === rollout),
  )

const approvedOther = (approved: string, now: string): Problem[] => [
  {
    code: 'PLAN_CHANGED',
    what: `the approved plan is ${approved.slice(0, 12)}…, the one that waits is ${now.slice(0, 12)}…`,
    next: 'approve the plan that waits, or settle it with `progressdb-rollout recover` and start again',
  },
]

/** The recorded plan against what is there now; versions only on nodes that the rollout has not changed. */
function differs(recorded: Plan, survey: Survey): Problem[] {
  const assets = survey.release?.assets ?? recorded.assets
  const nodes = recorded.nodes.map((p): PlannedNode => {
    const n = survey.nodes.find(s => s.node === p.node)
    const runs = n?.now.running
    const untouched = typeof runs === 'object' && !sameRelease(runs, p.to)
    return n && untouched ? { ...p, from: runs, config: { ...p.config, now: n.facts.configSha } } : p
  })
  return planDifference(recorded, { ...recorded, assets, nodes }).map(line => ({
    code: 'PLAN_CHANGED',
    what: `the plan that was approved is not the one that would be carried out: ${line}`,
    next: 'settle what waits with `progressdb-rollout recover`, then release again',
  }))
}

function busy(found: Unfinished, survey: Survey, recorded: Plan | undefined): PlanFact {
  const held = survey.nodes.filter(
    ({ now: { lease } }) => lease !== 'free' && lease.rollout === found.rollout,
  )
  const what = recorded ? `${found.rollout} (${recorded.mode} to ${recorded.version})` : found.rollout
  if (held.some(atWork)) {
    return { is: 'refused', code: 'lease-held', problems: leaseProblems(survey.nodes) }
  }
  const { fired } = firedIn(survey.nodes, found.rollout)
  return {
    is: 'refused',
    code: fired === undefined ? 'unfinished-rollout' : 'confirmation-lost',
    problems: [
      {
        code: 'ROLLOUT_UNFINISHED',
        what: `an earlier rollout, ${what}, is not finished`,
        because:
          fired !== undefined
            ? fired
            : found.leased.length > 0
              ? `it still holds ${found.leased.join(', ')}`
              : 'no outcome was ever written down for it',
        next: 'progressdb-rollout recover',
      },
    ],
  }
}

/** What the switch of a rollout did on its nodes. */
export function firedIn(nodes: SurveyedNode[], rollout: string): { fired?: string } {
  const told = nodes.flatMap(({ node, now: { record } }) => {
    const lines = record.filter((e): e is Fired => e.type === 'fired' && e.rollout === rollout)
    return lines.length > 0 ? [`${node}: ${firedText(lines)}`] : []
  })
  return told.length > 0 ? { fired: told.join('; ') } : {}
}

/** Somebody may be working on it at this moment: the lease has time left, nobody parked it, and its run is not known to have ended. */
export const atWork = ({ now: { lease }, holding }: SurveyedNode): boolean =>
  lease !== 'free' && working(lease) && holding?.is !== 'ended'

/** Leases that have time left and are taken over: their run has ended, or a person said so. */
export function pastOf(nodes: SurveyedNode[]): { past?: Past } {
  const past = nodes.flatMap(({ node, now: { lease }, holding }): [NodeId, Past[NodeId]][] => {
    if (lease === 'free' || !working(lease)) return []
    const why = holding?.is === 'ended' ? 'run-ended' : 'stolen'
    return [[node, { token: lease.token, holder: lease.holder, why }]]
  })
  return past.length > 0 ? { past: Object.fromEntries(past) } : {}
}

/** Every node that somebody holds at this moment. */
export function leaseProblems(nodes: SurveyedNode[]): Problem[] {
  return nodes.flatMap(({ node, now: { lease }, holding }) => {
    if (lease === 'free' || lease.left <= 0 || holding?.is === 'ended') return []
    if (lease.parked) return [waiting(node, lease)]
    const seconds = Math.max(0, Math.round(lease.left / 1000))
    return [
      {
        code: 'LEASE_HELD',
        what: `${node} is held by ${lease.holder} (rollout ${lease.rollout}), which is busy with: ${lease.doing || 'its rollout'}`,
        because: `its lease runs for another ${seconds} s unless it is refreshed${doubt(holding)}`,
        next: nextOf(lease, holding),
        where: node,
      },
    ]
  })
}

/** Nobody works there, and nobody may until a person has decided. */
const waiting = (node: NodeId, { holder, rollout, left }: Lease): Problem => ({
  code: 'LEASE_HELD',
  what: `${node} waits for a decision on rollout ${rollout}, which ${holder} started`,
  because: `it is kept for that for another ${duration(left)}`,
  next: 'approve it by running the same release again, or settle it: progressdb-rollout recover',
  where: node,
})

const doubt = (holding: Holding | undefined): string => {
  if (holding?.is === 'going-on') return '; its run goes on'
  return holding?.is === 'unknown' ? `; whether its run has ended is not known: ${holding.why}` : ''
}

function nextOf({ run }: Lease, holding: Holding | undefined): string {
  const first = holding?.is === 'unknown' && holding.next !== undefined ? `${holding.next}. ` : ''
  const where = run ? ` (${pageOf(run)})` : ''
  return `${first}wait for it, or cancel that run${where}; a dead run is settled by \`progressdb-rollout recover\``
}

/** The node carries that rollout's lease, or its record is the last it knows of: only a new end frees it. */
export const holdsOf = (o: Observed | undefined, rollout: string): boolean => {
  const opened = o && lastRollout(o.record)[0]
  const leased = o !== undefined && o.lease !== 'free' && o.lease.rollout === rollout
  return leased || (opened?.type === 'opened' && opened.rollout === rollout)
}
