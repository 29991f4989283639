import { gt, valid } from 'semver'
import { incompatibilities } from './compatibility.ts'
import { nodeDisk } from './disk.ts'
import { Bug, type Problem } from './errors.ts'
import type { PlanFact } from './event.ts'
import { goesOn, holdsOf, leaseProblems } from './going-on.ts'
import { knownGood, lastRollback, rolledBackBefore } from './known-good.ts'
import { clock, list } from './log.ts'
import type { NodeId } from './node.ts'
import type { Plan, PlanNotes, PlannedNode } from './plan.ts'
import { planHash } from './plan-text.ts'
import { type Release, sameRelease } from './release.ts'
import { safeStop } from './safe-stop.ts'
import type { Survey, SurveyedNode, Wish } from './survey.ts'
import { contradicted, unfinished, waitsForPerson } from './unfinished.ts'

/**
 * What the plan step found: a plan, every reason against one, that nothing is to be done, or a rollout that goes on.
 * Pure: the survey holds everything that was read.
 */
export function buildPlan(survey: Survey, wish: Wish): PlanFact {
  const seen = Object.fromEntries(survey.nodes.map(n => [n.node, n.now]))
  const found = unfinished(seen)
  const takenOver = found && wish.mode === 'rollback' && waitsForPerson(found, seen) ? found : undefined
  if (found && found.strange.length > 0) return contradicted(found)
  if (found && !takenOver) return goesOn(found, survey, wish)
  const holder = leaseProblems(survey.nodes.filter(n => !takenOver?.leased.includes(n.node)))
  if (holder.length > 0) return { is: 'refused', code: 'lease-held', problems: holder }
  const resolved = wish.mode === 'rollback' ? rollbackTarget(survey, wish) : { version: wish.target }
  if ('fact' in resolved) return resolved.fact
  const target = (n: SurveyedNode): Release | undefined => targetOf(n, survey, wish, resolved.version)
  const problems = incompatibilities(survey, wish, target)
  const lower = problems.find(p => p.code === 'LOWER_VERSION')
  if (problems.length > 0) return { is: 'refused', code: lower ? 'lower-version' : 'plan-refused', problems }
  const freed = new Set(takenOver ? Object.keys(seen).filter(id => holdsOf(seen[id], takenOver.rollout)) : [])
  const plan = planOf(survey, wish, { version: resolved.version, target, freed })
  if (plan.nodes.length === 0) {
    return {
      is: 'already',
      version: resolved.version,
      code: 'already-there',
      why: `every node serves ${resolved.version} already`,
    }
  }
  const lossy = wish.mode === 'rollback' && wish.rollbackData === 'restore' ? unrestorable(plan) : []
  if (lossy.length > 0) return { is: 'refused', code: 'plan-refused', problems: lossy }
  return { is: 'planned', plan, hash: planHash(plan) }
}

type Target = { version: string } | { fact: PlanFact }

/** The version to go back to: named, or the newest known-good release before the newest that runs. */
function rollbackTarget(survey: Survey, wish: Wish): Target {
  if (wish.target !== 'previous') return { version: wish.target }
  const first = newestRunning(survey.nodes)
  const runs = first?.now.running
  if (!first || typeof runs !== 'object') return { version: '' }
  const last = lastRollback(first.now.record)
  if (last !== undefined && last === runs.version) {
    const why = `the last rollback went to ${last} already; to go further back, name the version`
    return { fact: { is: 'already', version: last, code: 'already-there', why } }
  }
  const good = knownGood(first.now.record, first.node).filter(g => !sameRelease(g.release, runs))
  const newest = good.at(-1)
  return newest ? { version: newest.release.version } : { fact: noPrevious(runs.version) }
}

/** Half way, the fleet runs two releases: what is to be undone is the newer of them. */
const newestRunning = (nodes: SurveyedNode[]): SurveyedNode | undefined => {
  const version = ({ now: { running } }: SurveyedNode): string =>
    typeof running === 'object' && valid(running.version) ? running.version : '0.0.0'
  const all = nodes.filter(n => typeof n.now.running === 'object')
  return all.reduce<SurveyedNode | undefined>(
    (newest, n) => (newest && !gt(version(n), version(newest)) ? newest : n),
    undefined,
  )
}

const noPrevious = (runs: string): PlanFact => ({
  is: 'refused',
  code: 'plan-refused',
  problems: [
    {
      code: 'NO_PREVIOUS_RELEASE',
      what: `no release before ${runs} is known to be good on this fleet`,
      because: 'only a release that was adopted, or promoted and not rolled back since, counts',
      next: 'name one:  progressdb-rollout rollback --tag <version>',
    },
  ],
})

function targetOf(n: SurveyedNode, survey: Survey, wish: Wish, version: string): Release | undefined {
  if (wish.mode === 'rollback') {
    const good = knownGood(n.now.record, n.node).findLast(g => g.release.version === version)
    const known = good?.release ?? n.now.installed.findLast(r => r.version === version)
    if (known) return known
  }
  const sha256 = survey.release?.binaries[`${n.facts.os}/${n.facts.arch}`]
  return sha256 && survey.release ? { version: survey.release.version, sha256 } : undefined
}

function planOf(
  survey: Survey,
  wish: Wish,
  at: { version: string; target: (n: SurveyedNode) => Release | undefined; freed: ReadonlySet<NodeId> },
): Plan {
  const ordered = wish.order.flatMap(id => survey.nodes.filter(n => n.node === id))
  const moving = ordered.filter(n => {
    const to = at.target(n)
    if (typeof n.now.running !== 'object' || to === undefined) return false
    return !sameRelease(n.now.running, to) || at.freed.has(n.node)
  })
  const nodes = moving.map(n => plannedNode(n, wish, at.target(n)))
  const ids = moving.map(n => n.node)
  return {
    mode: wish.mode,
    tag: survey.release?.tag ?? at.version,
    version: at.version,
    assets: survey.release?.assets ?? [],
    nodes,
    waves: wish.mode === 'rollback' ? ids.map(id => [id]) : wavesOf(ids, wish),
    leaseOrder: moving.toSorted((a, b) => (a.facts.identity < b.facts.identity ? -1 : 1)).map(n => n.node),
    restore: wish.mode === 'rollback' && wish.rollbackData === 'restore' ? restores(moving, nodes) : {},
    policy: wish.policy,
    notes: notesOf(survey, wish, { ordered, moving, version: at.version, nodes }),
  }
}

function plannedNode(n: SurveyedNode, wish: Wish, to: Release | undefined): PlannedNode {
  const runs = n.now.running
  if (typeof runs !== 'object' || !to) throw new Bug('planned without a release')
  return {
    node: n.node,
    from: runs,
    to,
    config: { now: n.facts.configSha, next: n.facts.configNextSha || n.facts.configSha },
    safeStop:
      safeStop(n, { drain: wish.policy.drain, acceptWriteLoss: wish.acceptWriteLoss }) ?? 'accepted-loss',
    checkpoint: n.facts.checkpoint,
  }
}

/** A rollback that goes on without a drain: requests under way fail, and no write is lost. */
const undrained = (moving: SurveyedNode[]): string[] =>
  moving
    .filter(n => n.drainRefused !== '')
    .map(
      n =>
        `${n.node} cannot be taken out of traffic (${n.drainRefused}): it is stopped under its clients, and its intake WAL keeps what it has accepted`,
    )

/** The canary first, the rest in waves, in the order of the fleet file. */
function wavesOf(ids: NodeId[], wish: Wish): NodeId[][] {
  const canary = ids.filter(id => wish.canary.includes(id))
  const first = canary.length > 0 ? canary : ids.slice(0, 1)
  const rest = ids.filter(id => !first.includes(id))
  const count = Math.ceil(rest.length / wish.waveSize)
  return [
    first,
    ...Array.from({ length: count }, (_, i) => rest.slice(i * wish.waveSize, (i + 1) * wish.waveSize)),
  ]
}

function restores(moving: SurveyedNode[], nodes: PlannedNode[]): Record<NodeId, string> {
  const found = moving.flatMap(n => {
    const to = nodes.find(p => p.node === n.node)?.to
    const moves = to && typeof n.now.running === 'object' && !sameRelease(n.now.running, to)
    const point =
      moves && n.now.snapshots.findLast(s => s.kind === 'rollback-point' && s.sealed && sameRelease(s.of, to))
    return point ? [[n.node, point.name] as const] : []
  })
  return Object.fromEntries(found)
}

const unrestorable = (plan: Plan): Problem[] =>
  plan.nodes
    .filter(n => plan.restore[n.node] === undefined && !sameRelease(n.from, n.to))
    .map(n => ({
      code: 'NO_ROLLBACK_POINT',
      what: `${n.node} has no rollback point of ${n.to.version} to restore`,
      next: 'go back with the data it has: leave `rollback-data` at auto',
      where: n.node,
    }))

function notesOf(
  survey: Survey,
  wish: Wish,
  at: { ordered: SurveyedNode[]; moving: SurveyedNode[]; version: string; nodes: PlannedNode[] },
): PlanNotes {
  const record = at.moving[0]?.now.record ?? []
  const before = wish.mode === 'release' ? rolledBackBefore(record, at.version) : []
  return {
    digestSource: survey.release?.digestSource ?? 'the digests recorded on the nodes',
    disk: Object.fromEntries(at.moving.map(n => [n.node, nodeDisk(n.facts)])),
    counts: Object.fromEntries(at.ordered.flatMap(n => (n.counts ? [[n.node, n.counts]] : []))),
    breaking: survey.release?.breaking ?? [],
    defaults: wish.defaults,
    warnings: [
      ...before.map(b => `${at.version} was rolled back on ${new Date(b.at).toISOString()}: ${b.why}`),
      ...survey.warnings,
      ...accepted(at.nodes),
      ...undrained(at.moving),
    ],
    ...unitsOf(at.moving),
    ...switchOf(wish),
    leftAlone: at.ordered.filter(n => !at.moving.includes(n)).map(n => n.node),
    restores: restoreNotes(at.moving, at.nodes, wish),
  }
}

/** A rollback is never armed: whoever asked for it is there. */
const switchOf = ({ mode, switch: { confirmWithin, outlivesReboot } }: Wish): Pick<PlanNotes, 'switch'> =>
  mode === 'rollback'
    ? {}
    : {
        switch: `a changed node goes back by itself after ${clock(confirmWithin)} without a sign of life${outlivesReboot ? '' : ', unless it was rebooted'}`,
      }

/** Alike units are told once. */
function unitsOf(moving: SurveyedNode[]): Pick<PlanNotes, 'units'> {
  const told = Map.groupBy(
    moving.filter(n => n.facts.unit && n.facts.unit.settings !== ''),
    n => n.facts.unit?.settings ?? '',
  )
  if (told.size === 0) return {}
  return { units: [...told].map(([settings, nodes]) => `${list(nodes.map(n => n.node))}: ${settings}`) }
}

const accepted = (nodes: PlannedNode[]): string[] =>
  nodes
    .filter(n => n.safeStop === 'accepted-loss')
    .map(n => `${n.node}: a stop may lose acknowledged writes; you accepted that (accept-write-loss)`)

function restoreNotes(moving: SurveyedNode[], nodes: PlannedNode[], wish: Wish): PlanNotes['restores'] {
  if (wish.mode !== 'rollback' || wish.rollbackData !== 'restore') return {}
  const names = restores(moving, nodes)
  return Object.fromEntries(
    moving.flatMap(n => {
      const point = n.now.snapshots.find(s => s.name === names[n.node])
      return point
        ? [[n.node, { name: point.name, age: wish.now - point.at, writes: 'unknown' as const }]]
        : []
    }),
  )
}
