import type { Problem } from './errors.ts'
import type { PlanFact, Standing, StandingLease } from './event.ts'
import { clock, list } from './log.ts'
import type { Lease } from './node.ts'
import type { Survey, SurveyedNode } from './survey.ts'
import { inTraffic, OUT_OF_TRAFFIC } from './traffic.ts'

/**
 * What a look at a fleet that no rollout works on must be red for: a node that does not serve, or more than one release. `undefined`
 * where every node serves the same.
 */
export function amiss(nodes: SurveyedNode[]): Extract<PlanFact, { is: 'refused' }> | undefined {
  const dark = nodes.map(standingOf).filter(s => s.state !== 'serving')
  if (dark.length > 0) return { is: 'refused', code: 'not-serving', problems: dark.map(notServing) }
  const on = Map.groupBy(nodes, ({ now: { running } }) =>
    typeof running === 'object' ? running.version : '',
  )
  if (on.size < 2) return undefined
  const told = [...on].map(([version, those]) => `${list(those.map(n => n.node))} ${version}`)
  return {
    is: 'refused',
    code: 'mixed-fleet',
    problems: [
      {
        code: 'FLEET_MIXED',
        what: `the nodes serve different releases: ${told.join('; ')}`,
        next: 'release the newer one, which leaves alone the nodes that have it, or roll back:  progressdb-rollout rollback',
      },
    ],
  }
}

const notServing = ({ node, says }: Standing): Problem => ({
  code: 'NODE_NOT_SERVING',
  what: `${node} does not serve: ${says}`,
  next: `look at its log; if a rollout left it so, progressdb-rollout recover`,
  where: node,
})

/** Who holds a node, for how long, until when and what for: `is held by …`. */
export function heldText({ holder, rollout, doing, parked, left, age, ended }: StandingLease): string {
  const since = age === undefined ? '' : ` for ${clock(age)}`
  const until = parked
    ? `parked, for another ${clock(left)}`
    : left > 0
      ? `${doing}; unless it is refreshed it runs out in ${clock(left)}`
      : `${doing}; it ran out`
  return `is held by ${holder}${since} (rollout ${rollout}): ${until}${ended ? '; its run has ended' : ''}`
}

/** What the survey found each node to be, those out of reach first. */
export const standingsOf = (found: Survey): Standing[] => [
  ...found.unreachable.map(({ node, failure }): Standing => {
    const state = failure.code.startsWith('SSH_') || failure.code === 'NODE_SILENT' ? 'unreachable' : 'unseen'
    return { node, state, version: 'unknown', says: failure.what }
  }),
  ...found.nodes.map(standingOf),
]

function standingOf(n: SurveyedNode): Standing {
  const { lease, armed } = n.now
  return {
    ...serviceOf(n),
    ...(lease === 'free' ? {} : { lease: leaseOf(n, lease) }),
    ...(armed ? { armed } : {}),
  }
}

const leaseOf = ({ holding }: SurveyedNode, { process: _, token: __, ...lease }: Lease): StandingLease => ({
  ...lease,
  ended: holding?.is === 'ended',
})

function serviceOf({ node, now, why }: SurveyedNode): Standing {
  if (typeof now.running !== 'object') return { node, state: 'not-serving', version: now.running, says: why }
  const { version } = now.running
  if (!now.ready) return { node, state: 'not-serving', version, says: `not ready: ${why}` }
  if (!inTraffic(now)) return { node, state: 'not-serving', version, says: OUT_OF_TRAFFIC }
  return { node, state: 'serving', version, says: 'ready' }
}
