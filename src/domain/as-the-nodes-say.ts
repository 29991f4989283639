import type { PlanFact, Request } from './event.ts'
import { atWork, firedIn, leaseProblems, pastOf } from './going-on.ts'
import { amiss } from './standing.ts'
import type { Survey } from './survey.ts'
import { contradicted, unfinished } from './unfinished.ts'
import { inTraffic } from './traffic.ts'

/** Settling and looking go by what the nodes say, and by nothing else. A rollout that is alive is not settled by anyone else. */
export function asTheNodesSay(found: Survey, request: Request): PlanFact {
  const seen = Object.fromEntries(found.nodes.map(n => [n.node, n.now]))
  const rollout = unfinished(seen)
  const alive = request.mode === 'recover' && !request.steal ? leaseProblems(found.nodes.filter(atWork)) : []
  if (alive.length > 0) return { is: 'refused', code: 'lease-held', problems: alive }
  if (rollout && rollout.lines.length === 0) return contradicted(rollout)
  if (rollout) {
    const { lines, strange } = rollout
    const fired = firedIn(found.nodes, rollout.rollout)
    return {
      is: 'resumes',
      lines,
      ...pastOf(found.nodes),
      ...fired,
      ...(strange.length > 0 ? { strange } : {}),
    }
  }
  if (found.unreachable.length === 0) {
    const wrong = request.mode === 'status' ? amiss(found.nodes) : undefined
    return wrong ?? { is: 'nothing', why: standing(found) }
  }
  const problems = found.unreachable.map(({ node, failure }) => ({ ...failure, where: node }))
  return { is: 'refused', code: 'node-unreachable', problems }
}

const standing = (found: Survey): string =>
  found.nodes
    .map(({ node, now, why }) => {
      const runs = typeof now.running === 'object' ? now.running.version : now.running
      const serving = typeof now.running !== 'object' ? '' : now.ready ? ', ready' : `, not ready: ${why}`
      return `${node} ${runs}${serving}${inTraffic(now) ? '' : ', drained'}`
    })
    .join('; ')
