import type { Config, Inputs } from './config/config.ts'
import { buildPlan } from './domain/build-plan.ts'
import type { Problem } from './domain/errors.ts'
import { asTheNodesSay } from './domain/as-the-nodes-say.ts'
import type { Fact, PlanFact, Standing } from './domain/event.ts'
import { utc } from './domain/log.ts'
import type { Rollout } from './domain/rollout.ts'
import { standingsOf } from './domain/standing.ts'
import type { Wish } from './domain/survey.ts'
import { parseTag } from './domain/tag.ts'
import { type Surveyor, survey } from './survey.ts'

type Planned = PlanFact & { standing?: Standing[] }
type At = { r: Rollout; stop: AbortSignal; keys: Problem[] }

/**
 * Makes the plan of this mode: reads everything, decides purely. A node that somebody else holds is waited for: `lease.wait`, and
 * in mode recover as long as the lease of a dead run can last. What was overtaken meanwhile by a newer release ends there.
 */
export async function plan(s: Surveyor, inputs: Inputs, at: At): Promise<Fact> {
  const { ttl, wait } = s.config.lease
  const until = s.clock.now() + (at.r.request.mode === 'recover' ? Math.max(wait, ttl + 5000) : wait)
  for (let waited = false; ; waited = true) {
    const fact = await planOnce(s, inputs, at)
    const held = fact.is === 'refused' && fact.code === 'lease-held'
    if (!held || s.clock.now() >= until || at.stop.aborted) return waited ? overtaken(fact) : fact
    s.say('waiting', `until ${utc(until)} at most: ${fact.problems[0]?.what ?? ''}`)
    await s.clock.sleep(Math.min(5000, Math.max(500, until - s.clock.now())), at.stop)
  }
}

/** Whoever waited for a newer release to finish has nothing left to do, and that is no mistake. */
function overtaken(fact: Planned): Planned {
  if (fact.is !== 'refused' || fact.code !== 'lower-version') return fact
  const why = `a newer release was rolled out while this one waited: ${fact.problems[0]?.what ?? ''}`
  return {
    is: 'already',
    version: '',
    code: 'superseded',
    why,
    ...(fact.standing ? { standing: fact.standing } : {}),
  }
}

async function planOnce(s: Surveyor, inputs: Inputs, at: At): Promise<Planned> {
  const { mode } = at.r.request
  if (mode === 'recover' || mode === 'status') {
    const found = await survey(s, { tag: '', stop: at.stop })
    return { ...asTheNodesSay(found, at.r.request), standing: standingsOf(found) }
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
    ...(config.rehearsalMemory === undefined ? {} : { rehearsalMemory: config.rehearsalMemory }),
    profile: config.profile,
    rollbackData: inputs.rollbackData,
    planHash: inputs.planHash,
    defaults: config.defaults,
    switch: { ...config.switch, outlivesReboot: config.service.kind === 'systemd' },
    now,
  }
}
