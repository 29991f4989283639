import { mergeProbes } from '../judge/merge.ts'
import { judge } from '../judge/threshold.ts'
import type { Block, ProbeCounts, Verdict } from '../measurement.ts'
import { reached } from '../goal.ts'
import { watchPolicy } from '../next.ts'
import type { Plan } from '../plan.ts'
import type { WatchReport } from '../report/input.ts'
import { decidingWatch } from '../report/signals.ts'
import type { Rollout } from '../rollout.ts'
import type { Line } from './lines.ts'

/** A watch with the blocks it was judged by; none where another job measured them. */
export type Told = WatchReport & { wave: number; blocks: readonly Block[] }

/** Every watch in the order they ran, also one that ended before its verdict. */
export function watchesOf(lines: readonly Line[]): Told[] {
  return lines.flatMap(({ e, before, after }, i): Told[] => {
    if (e.type === 'decided' && e.what === 'verdict') return [decided(before, e.wave, e.verdict)]
    if (e.type === 'done' && e.fact.is === 'resumes') return recorded(after)
    const over = e.type === 'opened' ? before : i === lines.length - 1 ? after : undefined
    return over?.watch ? undecided(over) : []
  })
}

function decided(r: Rollout, wave: number, verdict: Verdict): Told {
  const { blocks = [], canary = [] } = r.watch ?? {}
  const nodes = canary.length > 0 ? canary : (r.plan?.waves.slice(0, wave + 1).flat() ?? [])
  return { wave, nodes, watched: length(blocks), of: watchPolicy(r, wave).watch, verdict, blocks }
}

/** The process was ended while it watched: what had been seen by then decides nothing. */
function undecided(r: Rollout): Told[] {
  if (!r.watch || !r.plan) return []
  const wave = Math.max(0, reached(r))
  const policy = watchPolicy(r, wave)
  const verdict: Verdict = { ...judge(r.watch, policy, r.now), is: 'pending' }
  const { canary, blocks } = r.watch
  return [{ wave, nodes: canary, watched: length(blocks), of: policy.watch, verdict, blocks }]
}

/** Of watches of an earlier job only the verdicts are on record: how long a failed one lasted is not known, so none is told then. */
function recorded(r: Rollout): Told[] {
  const { plan, verdicts } = r
  if (!plan || verdicts.some(v => v.is !== 'pass')) return []
  return verdicts.map((verdict, wave) => {
    const of = full(plan, wave)
    return { wave, nodes: plan.waves.slice(0, wave + 1).flat(), watched: of, of, verdict, blocks: [] }
  })
}

/** A pass needs the whole length. */
const full = (plan: Plan, wave: number): number =>
  wave === 0 ? plan.policy.watch.watch : plan.policy.waveWatch

const length = (blocks: readonly Block[]): number => (blocks.at(-1)?.to ?? 0) - (blocks[0]?.from ?? 0)

/** Probe requests of the canary arm in the watch that decided. */
export function probesOf(watches: Told[]): ProbeCounts[] {
  const deciding = decidingWatch(watches)
  const { blocks } = watches.find(w => w === deciding) ?? { blocks: [] }
  return mergeProbes(blocks.flatMap(b => b.canary.flatMap(n => n.probes)))
}

/** Without what only the retelling needs. */
export const watchReport = ({ nodes, watched, of, verdict }: Told): WatchReport => ({
  nodes,
  watched,
  of,
  verdict,
})
