import { hookKey } from '../hook-points.ts'
import type { HookReport } from '../report/input.ts'
import { printable, Untrusted } from '../text.ts'
import type { Line } from './lines.ts'

/** What was asked and told on the way, in order; the rest of what was printed is in the report's own file. */
export const hooksOf = (lines: readonly Line[]): HookReport[] =>
  lines.flatMap(({ e, command }): HookReport[] => {
    if (command?.kind !== 'hook') return []
    const at = hookKey(command)
    if (e.type === 'failed')
      return [{ at, says: e.failure.what.replace(`${at}: `, ''), output: e.failure.because ?? '' }]
    if (e.type !== 'done' || e.fact.is !== 'hooked') return []
    return e.fact.hooks.map(({ hook, why, output }) => ({
      at,
      says: `${hook}: ${why === '' ? 'well' : `${why}; it went on all the same`}`,
      output: printable(new Untrusted(output.trim().split('\n').slice(-3).join(' / ')), 300),
    }))
  })
