import { createHash } from 'node:crypto'
import type { RollbackClass } from './event.ts'
import type { Plan } from './plan.ts'

/**
 * The canonical text of a plan: what a person approves, one decision a line, in a fixed order. Only decisions stand in it
 * (release and every asset digest, nodes, order, version and binary digest per node, configuration hashes, waves, policies and,
 * after the rehearsal, the class); never times, free space or counts.
 */
export function planText(plan: Plan, found?: RollbackClass): string {
  const { notes: _, leaseOrder: __, nodes, assets, waves, policy, restore, ...head } = plan
  const lines = [
    ...entries('plan', head),
    ...assets.map(a => `asset ${a.name} ${a.os}/${a.arch} sha256:${a.sha256}`).sort(),
    ...nodes.flatMap(({ node, ...rest }) => entries(`node ${node}`, rest)),
    ...waves.map((wave, index) => `wave ${index} ${wave.join(' ')}`),
    ...entries('restore', restore),
    ...entries('policy', policy),
    ...(found ? [`class ${found}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** sha256 of the canonical text, lower-case hex. */
export const planHash = (plan: Plan, found?: RollbackClass): string =>
  createHash('sha256').update(planText(plan, found)).digest('hex')

/** Which lines differ between the plan that was recorded and the one made now, for the refusal. */
export function planDifference(recorded: Plan, now: Plan): string[] {
  const a = planText(recorded).split('\n')
  const b = planText(now).split('\n')
  return [
    ...a.filter(line => !b.includes(line)).map(l => `- ${l}`),
    ...b.filter(line => !a.includes(line)).map(l => `+ ${l}`),
  ]
}

function entries(prefix: string, value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [`${prefix} ${String(value)}`]
  if (Array.isArray(value)) return value.flatMap((item, index) => entries(`${prefix}[${index}]`, item))
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, item]) => entries(`${prefix} ${key}`, item))
}
