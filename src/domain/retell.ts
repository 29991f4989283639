import type { Problem } from './errors.ts'
import type { Conclusion, Event, Mode, Standing } from './event.ts'
import type { Armed, Millis } from './node.ts'
import { pageOf } from './holder.ts'
import { isReasonCode } from './reason.ts'
import { heldText } from './standing.ts'
import type { Link, ReportInput } from './report/input.ts'
import { checklistOf } from './retell/checklist.ts'
import { conclusionOf, problemsOf } from './retell/conclusion.ts'
import { hooksOf } from './retell/hooks.ts'
import { type Line, linesOf } from './retell/lines.ts'
import { nodesOf } from './retell/node.ts'
import type { Places } from './retell/set-aside.ts'
import { timelineOf } from './retell/timeline.ts'
import { probesOf, watchReport, watchesOf } from './retell/watches.ts'
import type { Rollout } from './rollout.ts'
import { armedText, disarmLine } from './switch.ts'
import { parseTag } from './tag.ts'

/**
 * What is not in a journal. `asked`, `who`, `at` and `problems` speak only where there is no journal at all: nothing that was read
 * could even be planned. `keep`: how long rollback points are kept.
 */
export type Context = {
  asked: { mode: Mode; tag: string }
  who: string
  at: Millis
  problems: Problem[]
  keep?: Millis
  links: Link[]
  journal?: string
  engine: ReportInput['engine']
  places: Places
}

/**
 * A journal as what its report may say: everything comes from its lines, nothing from what was attempted.
 * `undefined` where there is neither a journal nor a problem. Throws `Bug` on lines that cannot follow each other.
 */
export function retell(events: readonly Event[], context: Context): ReportInput | undefined {
  const lines = linesOf(events)
  const last = lines.at(-1)
  if (!last) return context.problems.length > 0 ? refused(context) : undefined
  const r = last.after
  const said = conclusionOf(lines, r)
  const watches = watchesOf(lines)
  const nodes = nodesOf({ lines, r, standing: standingOf(lines), places: context.places })
  const reports = watches.map(watchReport)
  return {
    ...outline(r, said, last.e.at),
    nodes,
    held: heldOf(r, standingOf(lines)),
    armed: armedOf(lines, context.places),
    watches: reports,
    probes: probesOf(watches),
    timeline: timelineOf(lines, { r, watches, end: last.e.at }),
    checklist: checklistOf({ r, nodes, watches: reports }),
    problems: problemsOf(r),
    ...(hooksOf(lines).length > 0 ? { hooks: hooksOf(lines) } : {}),
    warnings: [...(planOf(lines, r)?.notes.warnings ?? []), ...remains(lines)],
    ...planned(lines, r),
    ...stopped(r, said),
    ...(said.outcome === 'promoted' && context.keep !== undefined
      ? { keptUntil: last.e.at + context.keep }
      : {}),
    ...around(context),
  }
}

/** A rollout that works tells of its own leases by what it does. */
const heldOf = (r: Rollout, standing: readonly Standing[]): ReportInput['held'] =>
  r.request.mode !== 'status' && r.refused === undefined
    ? []
    : standing.flatMap(({ node, lease }) =>
        lease ? [{ node, text: heldText(lease), ...(lease.run ? { run: pageOf(lease.run) } : {}) }] : [],
      )

/** As each node last said, also one that is out of reach now. */
function armedOf(lines: readonly Line[], { install }: Places): ReportInput['armed'] {
  const last = new Map<string, { armed: Armed | undefined; at: Millis }>()
  for (const { e } of lines) {
    if (e.type !== 'done') continue
    if ('standing' in e.fact)
      for (const s of e.fact.standing ?? []) last.set(s.node, { armed: s.armed, at: e.at })
    if (e.fact.is === 'observed') last.set(e.fact.node, { armed: e.fact.now.armed, at: e.at })
  }
  return [...last].flatMap(([node, { armed, at }]) =>
    armed ? [{ node, text: armedText(node, armed, at), line: disarmLine(install[node] ?? '') }] : [],
  )
}

/** What the probe could not take away again. */
const remains = (lines: readonly Line[]): string[] =>
  lines.flatMap(({ e }) => {
    if (e.type !== 'done' || e.fact.is !== 'observed' || e.fact.swept?.of !== 'this') return []
    const { left, why } = e.fact.swept
    return left > 0 || why !== ''
      ? [`${e.fact.node}: threads of the probe are left (${why}); the next rollout removes them`]
      : []
  })

type Outline = Pick<
  ReportInput,
  'outcome' | 'mode' | 'code' | 'why' | 'rollout' | 'from' | 'to' | 'who' | 'at' | 'data' | 'owed'
>

const outline = (r: Rollout, said: Conclusion, at: Millis): Outline => ({
  outcome: said.outcome,
  mode: r.request.mode,
  code: isReasonCode(said.code) ? said.code : 'step-failed',
  why: said.why,
  rollout: r.id,
  from: fromOf(r),
  to: r.plan?.version ?? r.already?.version ?? parseTag(r.request.tag)?.version ?? '',
  who: r.by.who || 'nobody known',
  at,
  data: said.data,
  owed: said.owed,
})

const fromOf = ({ plan }: Rollout): string => {
  const versions = new Set(plan?.nodes.map(n => n.from.version))
  return versions.size > 1 ? 'mixed' : ([...versions][0] ?? '')
}

/** The plan that was made; of a refusal, the one that was refused. */
const planOf = (lines: readonly Line[], r: Rollout): Rollout['plan'] =>
  r.plan ??
  lines
    .flatMap(({ e }) => (e.type === 'done' && e.fact.is === 'refused' && e.fact.plan ? [e.fact.plan] : []))
    .at(-1)

/** A rehearsal before a rollback asks another question than the class answers. */
function planned(lines: readonly Line[], r: Rollout): Pick<ReportInput, 'plan' | 'planHash' | 'rehearsed'> {
  const plan = planOf(lines, r)
  const rehearsed =
    r.rehearsed && plan?.mode === 'release'
      ? { rehearsed: { class: r.rehearsed.class, proofs: r.proofs } }
      : {}
  return { ...(plan ? { plan } : {}), planHash: r.hash, ...rehearsed }
}

function stopped(r: Rollout, said: Conclusion): Pick<ReportInput, 'stopped'> {
  if (said.outcome !== 'stopped') return {}
  if (said.code === 'planned') return { stopped: { after: 'plan' } }
  const { parked } = r
  if (!parked || parked.why !== 'stop-after') return {}
  return { stopped: { after: parked.after === 'canary' ? 'canary' : 'rehearse', until: parked.until } }
}

/** What the plan step found each node to be. */
const standingOf = (lines: readonly Line[]): Standing[] =>
  lines
    .flatMap(({ e }) =>
      e.type === 'done' && 'standing' in e.fact && e.fact.standing ? [e.fact.standing] : [],
    )
    .at(-1) ?? []

const around = ({ links, journal, engine }: Context): Pick<ReportInput, 'links' | 'journal' | 'engine'> => ({
  links,
  ...(journal === undefined ? {} : { journal }),
  engine,
})

/** Inputs or configuration could not be read: no node was asked, so nothing is said of any. */
const refused = (context: Context): ReportInput => ({
  outcome: 'unchanged',
  mode: context.asked.mode,
  code: 'plan-refused',
  why: context.problems.map(p => p.what).join('; '),
  rollout: '',
  from: '',
  to: parseTag(context.asked.tag)?.version ?? '',
  who: context.who,
  at: context.at,
  data: 'untouched',
  nodes: [],
  held: [],
  armed: [],
  watches: [],
  probes: [],
  timeline: [],
  checklist: {},
  owed: context.problems.map(p => ({ what: p.next })),
  problems: context.problems,
  warnings: [],
  planHash: '',
  ...around(context),
})
