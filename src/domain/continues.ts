import type { Rollout } from './rollout.ts'

/** Work remains for the next step of the composite: what `continue=true` says. Settling and reporting always run. */
export function continues(r: Rollout): boolean {
  if (r.refused || r.already || r.nothing || r.signal || r.goingBack || r.parked || r.plan === undefined)
    return false
  const { mode, stopAfter } = r.request
  if (mode !== 'release' && mode !== 'rollback') return false
  switch (r.step) {
    case 'plan':
      return stopAfter !== 'plan' || r.resumed
    case 'snapshot':
      return r.rehearsed !== undefined
    case 'canary':
      return mode === 'rollback' || (r.verdicts[0]?.is === 'pass' && !r.stale)
    case 'promote':
    case 'settle':
      return false
  }
}
