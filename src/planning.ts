import type { Config, Inputs } from './config/config.ts'
import { buildPlan } from './domain/build-plan.ts'
import type { Problem } from './domain/errors.ts'
import type { Fact, PlanFact } from './domain/event.ts'
import type { Rollout } from './domain/rollout.ts'
import { standingsOf } from './domain/standing.ts'
import type { Survey, Wish } from './domain/survey.ts'
import { parseTag } from './domain/tag.ts'
import { unfinished } from './domain/unfinished.ts'
import { type Surveyor, survey } from './survey.ts'

type At = { r: Rollout; stop: AbortSignal; keys: Problem[] }

/** Makes the plan of this mode: reads everything, decides purely. */
export async function plan(s: Surveyor, inputs: Inputs, at: At): Promise<Fact> {
  const { mode } = at.r.request
  if (mode === 'recover' || mode === 'status') {
    const found = await survey(s, { tag: '', stop: at.stop })
    return { ...asTheNodesSay(found), standing: standingsOf(found) }
  }
  const previous = mode === 'rollback' && inputs.tag === 'previous'
  const known = mode === 'rollback' && !previous ? await survey(s, { tag: '', stop: at.stop }) : undefined
  const here =
    known?.nodes.every(n => n.now.installed.some(r => r.version === versionOf(inputs.tag))) ?? previous
  const found = here && known ? known : await survey(s, { tag: here ? '' : inputs.tag, stop: at.stop })
  const fact = buildPlan(
    { ...found, problems: [...at.keys, ...found.problems] },
    wish(s.config, inputs, at.r.now),
  )
  return { ...fact, standing: standingsOf(found) }
}

/** Settling and looking go by what the nodes say, and by nothing else. */
function asTheNodesSay(found: Survey): PlanFact {
  const seen = Object.fromEntries(found.nodes.map(n => [n.node, n.now]))
  const rollout = unfinished(seen)
  const stranded = found.unreachable.map(u => u.node)
  if (rollout) return { is: 'resumes', lines: rollout.lines, stranded }
  if (stranded.length === 0) return { is: 'nothing', why: standing(found) }
  const problems = found.unreachable.map(({ node, failure }) => ({ ...failure, where: node }))
  return { is: 'refused', code: 'node-unreachable', problems }
}

const standing = (found: Survey): string =>
  found.nodes
    .map(({ node, now, why }) => {
      const runs = typeof now.running === 'object' ? now.running.version : now.running
      const serving = typeof now.running !== 'object' ? '' : now.ready ? ', ready' : `, not ready: ${why}`
      return `${node} ${runs}${serving}${now.traffic === 'drained' ? ', drained' : ''}`
    })
    .join('; ')

const versionOf = (tag: string): string => parseTag(tag)?.version ?? tag

function wish(config: Config, inputs: Inputs, now: number): Wish {
  const mode = inputs.mode === 'rollback' ? 'rollback' : 'release'
  return {
    mode,
    target: inputs.tag === 'previous' ? 'previous' : versionOf(inputs.tag),
    order: config.nodes.map(n => n.name),
    canary: config.canary,
    waveSize: config.waveSize,
    policy: { ...config.policy, rollbackData: inputs.rollbackData },
    acceptWriteLoss: config.acceptWriteLoss,
    profile: config.profile,
    from: config.from,
    rollbackData: inputs.rollbackData,
    planHash: inputs.planHash,
    defaults: config.defaults,
    now,
  }
}
