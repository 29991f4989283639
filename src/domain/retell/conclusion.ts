import type { Problem } from '../errors.ts'
import type { Conclusion, Owed } from '../event.ts'
import { utc } from '../log.ts'
import { type Rollout, cameBack } from '../rollout.ts'
import { type Line, answersOf, starts } from './lines.ts'

/** How it ended. A journal that nobody concluded belongs to a rollout that is not finished, whatever it had reached. */
export function conclusionOf(lines: readonly Line[], r: Rollout): Conclusion {
  if (r.concluded) return { ...r.concluded, owed: owed(r, r.concluded) }
  const last = lines.at(-1)
  return {
    outcome: 'needs-operator',
    code: 'unfinished-rollout',
    why: `the run ended before it could settle; the last line of its journal is of ${utc(last?.e.at ?? r.now)}`,
    version: '',
    data: dataSoFar(lines, r),
    owed: [
      {
        what: 'Settle what is left: Actions → Recover → Run workflow, or',
        line: 'progressdb-rollout recover',
      },
    ],
  }
}

/** A refusal owes what each of its problems asks for, and so does a step that failed before anything was changed. */
function owed(r: Rollout, said: Conclusion): Owed[] {
  if (said.owed.length > 0 || said.outcome !== 'unchanged') return said.owed
  return [...new Set(problemsOf(r).map(p => p.next))].map(what => ({ what }))
}

/** As far as the nodes' last answers go. */
function dataSoFar(lines: readonly Line[], r: Rollout): Conclusion['data'] {
  const last = (r.plan?.nodes ?? []).flatMap(({ node, from }) =>
    answersOf(lines, node)
      .slice(-1)
      .map(({ now }) => ({ now, from })),
  )
  if (last.some(({ now }) => now.data.from?.startsWith(`${r.id}.`))) return 'restored'
  const moved = last.some(({ now, from }) => cameBack(r, now) || now.data.openedBy?.sha256 !== from.sha256)
  return moved || lines.some(({ e }) => starts(e)) ? 'kept' : 'untouched'
}

/** Every reason of a refusal, or what stopped a step, each once. */
export function problemsOf(r: Rollout): Problem[] {
  const stopped = Object.entries(r.nodes).flatMap(([id, n]) =>
    [n.fault, n.refuses, n.failedBack, n.lost].flatMap(failure => (failure ? [problem(failure, id)] : [])),
  )
  const all = [...(r.refused?.problems ?? []).map(p => problem(p, p.where)), ...stopped]
  return [...new Map(all.map(p => [`${p.code} ${p.where ?? ''} ${p.what}`, p])).values()]
}

/** Without what only the engine needs of a failure. */
const problem = ({ code, what, because, next, where }: Problem, id: string | undefined): Problem => ({
  code,
  what,
  ...(because === undefined ? {} : { because }),
  next,
  ...((where ?? id) === undefined ? {} : { where: where ?? id ?? '' }),
})
