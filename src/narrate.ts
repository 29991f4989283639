import { needOfUpgrade, shareRewritten, tightest } from './domain/disk.ts'
import { unreachable } from './domain/errors.ts'
import type {
  Body,
  Command,
  Decision,
  Fact,
  Hooked,
  Mode,
  NodeStepName,
  Past,
  Standing,
  Swept,
} from './domain/event.ts'
import { pageOf } from './domain/holder.ts'
import { watchPolicy } from './domain/next.ts'
import { judge } from './domain/judge/threshold.ts'
import { heldText } from './domain/standing.ts'
import { bytes, clock, count, duration, list, several, utc } from './domain/log.ts'
import type { NodeId, Proof } from './domain/node.ts'
import type { Plan } from './domain/plan.ts'
import type { Rollout } from './domain/rollout.ts'
import { recordsDiffer } from './domain/unfinished.ts'
import { reached } from './domain/goal.ts'
import { printable, Untrusted } from './domain/text.ts'

/** One thing a line: what it is about, and what happened, in the reader's words. */
export type Said = { topic: string; text: string }

/** What a line of the journal is to a reader; most lines are none. */
export function narrate(r: Rollout, body: Body): Said[] {
  switch (body.type) {
    case 'opened':
      return opened(r)
    case 'decided':
      return decision(r, body)
    case 'done':
      return done(r, body.fact)
    case 'started':
      return started(body.command)
    case 'failed':
      return [
        {
          topic: 'failed',
          text: `${body.failure.code}  ${body.failure.what}${body.failure.because ? `: ${body.failure.because}` : ''}`,
        },
      ]
    case 'signal':
      return [{ topic: 'stopping', text: SIGNALS[body.what] }]
    case 'concluded':
    case 'adopted':
    case 'setting-changed':
    case 'fired':
      return []
    default:
      return unreachable(body)
  }
}

const SIGNALS = {
  cancelled: 'told to end: nothing new is started; settle puts every node right',
  'lease-lost': 'the lease on a node was taken away: nothing more is done from here',
  'out-of-time': 'the time for this run is over: nothing new is started; settle puts every node right',
}

function opened(r: Rollout): Said[] {
  if (r.opened > 1 || r.step !== 'plan') return []
  const what = [r.request.mode, r.request.tag].filter(part => part !== '').join(' ')
  return [{ topic: 'rollout', text: `${r.id} by ${r.by.who || 'you'}, ${what}` }]
}

function decision(r: Rollout, d: Decision): Said[] {
  switch (d.what) {
    case 'planned':
      return planned(d.plan, d.hash)
    case 'rehearsed':
      return [
        ...Object.entries(d.proofs).map(([id, proof]) => ({
          topic: 'rehearse',
          text: `${id}: ${rehearsal(proof)}`,
        })),
        ...measuredNeed(r),
        { topic: 'plan', text: `complete with the class ${d.class}; plan hash ${d.hash}` },
      ]
    case 'verdict':
      return [{ topic: 'verdict', text: `${d.verdict.is}  ${d.verdict.code}: ${d.verdict.text}` }]
    case 'parked':
      return [{ topic: 'parked', text: `after ${d.after}, until ${utc(d.until)}` }]
    case 'going-back':
      return [{ topic: 'back', text: `${d.code}: ${d.why}` }]
    case 'outcome':
      return []
    default:
      return unreachable(d)
  }
}

/** What the plan said before anything was measured, replaced. */
function measuredNeed({ plan, proofs }: Rollout): Said[] {
  if (plan?.mode !== 'release') return []
  const needs = Object.values(plan.notes.disk).map(disk => needOfUpgrade(disk, proofs))
  if (needs.length === 0) return []
  const share = Math.round(shareRewritten(proofs) * 100)
  return [
    {
      topic: '',
      text: `the new version wrote ${share} % of the data anew: an upgrade takes ${bytes(Math.max(...needs))} of disk at most, ${bytes(tightest(plan.notes.disk).free)} free`,
    },
  ]
}

function planned(plan: Plan, hash: string): Said[] {
  const { notes } = plan
  const from = [...new Set(plan.nodes.map(n => n.from.version))].join(', ')
  const [canary = [], ...rest] = plan.waves
  const disk = tightest(notes.disk)
  const head = `${from} -> ${plan.version} on ${several(plan.nodes.length, 'node')}, ${plan.mode === 'rollback' ? 'one after the other' : `canary ${list(canary)}`}; disk needed ${bytes(disk.now)} now, ${bytes(disk.worst)} at worst, ${bytes(disk.free)} free`
  const stops = [...Map.groupBy(plan.nodes, n => n.safeStop)].map(
    ([how, on]) => `${how} (${some(on.map(n => n.node))})`,
  )
  return [
    { topic: 'plan', text: head },
    {
      topic: '',
      text: `digests from ${notes.digestSource}; waves ${[canary, ...rest].map(some).join(' then ')}; safe stop: ${stops.join(', ')}`,
    },
    { topic: '', text: `switch: ${notes.switch ?? 'none'}` },
    ...(notes.units ?? []).map(text => ({
      topic: 'unit',
      text: `${text}; set aside while a server is changed, back before it gets traffic`,
    })),
    ...notes.breaking.map(line => ({ topic: '', text: `breaking: ${line}` })),
    ...notes.warnings.map(line => ({ topic: 'warning', text: line })),
    ...Object.entries(notes.restores).map(([id, p]) => ({
      topic: '',
      text: `${id}: ${p.name} comes back, ${duration(p.age)} old; writes it sets aside: ${count(p.writes)}`,
    })),
    ...(notes.leftAlone.length > 0
      ? [{ topic: '', text: `left alone, already there: ${list(notes.leftAlone)}` }]
      : []),
    { topic: '', text: `plan hash ${hash}` },
  ]
}

/** All of them where they are few. */
const some = (nodes: NodeId[]): string =>
  nodes.length <= 4 ? nodes.join('+') : `${nodes.slice(0, 3).join('+')}+${nodes.length - 3} more`

function rehearsal(proof: Proof): string {
  const runs = proof.runs.map(run => {
    const counted = run.counts['messages'] ?? run.counts['keys']
    const data =
      counted === undefined
        ? ''
        : `, ${count(counted)} ${run.counts['messages'] === undefined ? 'keys' : 'messages'}`
    return run.outcome === 'ok'
      ? `${run.release.version} opened the copy in ${duration(run.startup)}${data}`
      : `${run.release.version} ${run.outcome}: ${run.why}`
  })
  const again = proof.runs[2]
  const grew =
    proof.bytesBefore > 0
      ? `; the copy went from ${bytes(proof.bytesBefore)} to ${bytes(proof.bytesAfter)}`
      : ''
  const verdict =
    again === undefined
      ? ''
      : again.outcome === 'ok'
        ? '; a rollback keeps data'
        : '; a rollback would need the snapshot'
  return `${runs.join(', ')}${grew}${verdict}`
}

const STARTS: Partial<Record<NodeStepName, string>> = {
  snapshot: 'takes a checkpoint',
  prove: 'proves the checkpoint on a copy',
  drain: 'is taken out of traffic',
  stop: 'is stopped',
  check: 'is ready; its data is being checked',
  back: 'goes back',
  restore: 'gets its checkpoint back',
}

function started(command: Command): Said[] {
  if (command.kind === 'hook')
    return [{ topic: 'hook', text: `${command.at}${command.node === undefined ? '' : ` ${command.node}`}` }]
  if (command.kind !== 'step') return []
  const { step } = command
  const text = step.do === 'start' ? `is started as ${step.release.version}` : STARTS[step.do]
  return text === undefined ? [] : [{ topic: command.of, text: `${command.node} ${text}` }]
}

/** What is about to become of a rollout that the nodes' records hold. */
const TAKEN_UP: Record<Mode, string> = {
  release: "goes on from what the nodes' records say",
  plan: 'is not finished; nothing is changed',
  status: 'is not finished; nothing is changed',
  rollback: "is taken over, from what the nodes' records say",
  recover: "is settled, from what the nodes' records say",
}

function done(r: Rollout, fact: Fact): Said[] {
  if (fact.is === 'measured') return watching(r)
  if (fact.is === 'hooked') return fact.hooks.flatMap(hooked)
  if (fact.is === 'observed' && fact.swept) return swept(fact.node, fact.swept)
  const held = r.request.mode === 'status' ? standings(fact).flatMap(heldLine) : []
  if (fact.is !== 'resumes') return held
  return [
    { topic: 'resume', text: `${r.id} ${TAKEN_UP[r.request.mode]}` },
    ...held,
    ...(fact.strange ?? []).map(recordsDiffer).map(({ code, what }) => ({
      topic: 'warning',
      text: `${code}  ${what}; it is left as it is`,
    })),
    ...takenOver(r, fact.past),
  ]
}

/** What a command printed is somebody else's. */
const hooked = ({ hook, why, output }: Hooked): Said[] => [
  { topic: '', text: `${hook}: ${why === '' ? 'well' : `${why}; it goes on all the same`}` },
  ...output
    .trim()
    .split('\n')
    .slice(-20)
    .filter(line => line.trim() !== '')
    .map(line => ({ topic: '', text: `  ${printable(new Untrusted(line), 300)}` })),
]

const standings = (fact: Fact): Standing[] => ('standing' in fact ? (fact.standing ?? []) : [])

const heldLine = ({ node, lease }: Standing): Said[] =>
  lease
    ? [{ topic: 'lease', text: `${node} ${heldText(lease)}${lease.run ? `: ${pageOf(lease.run)}` : ''}` }]
    : []

const takenOver = ({ request }: Rollout, past: Past = {}): Said[] =>
  request.mode !== 'recover'
    ? []
    : Object.entries(past).map(([node, { holder, why }]) => ({
        topic: why === 'stolen' ? 'warning' : 'lease',
        text: `${node} is taken over from ${holder}: ${why === 'stolen' ? 'you passed it over (--steal)' : 'its run has ended'}`,
      }))

function swept(id: NodeId, { of, deleted, left, why }: Swept): Said[] {
  const threads = (n: number): string =>
    `${several(n, 'thread')} that the probe ${of === 'this' ? 'wrote' : 'of an earlier run left'}`
  if (left > 0 || why !== '')
    return [{ topic: 'probe', text: `${id}: ${threads(left)} could not be removed: ${why}` }]
  return of === 'before' ? [{ topic: 'probe', text: `${id}: removed ${threads(deleted)}` }] : []
}

function watching(r: Rollout): Said[] {
  const { watch, plan } = r
  if (!plan) return []
  if (!watch) {
    const of = plan.policy.watch.watch
    return [
      {
        topic: 'baseline',
        text: `${clock(r.beforeSpan)} of ${clock(of)}: the old version on the same nodes, as nothing else is left to compare with`,
      },
    ]
  }
  const policy = watchPolicy(r, reached(r))
  const verdict = judge(watch, policy, r.now)
  const arms = (['canary', 'baseline'] as const).map(arm => {
    const probes = watch.blocks.flatMap(b => b[arm].flatMap(n => n.probes))
    const sum = (of: 'of' | 'failed'): number => probes.reduce((total, p) => total + p[of], 0)
    return `${arm} ${count(sum('failed'))} of ${count(sum('of'))} failed`
  })
  const left = verdict.is === 'pending' ? `   to promote: ${clock(verdict.left)} more` : ''
  return [
    {
      topic: 'watch',
      text: `${clock(r.now - watch.from)} of ${clock(policy.watch)}, until ${utc(watch.from + policy.watch)}   probe requests: ${arms.join('   ')}${left}`,
    },
  ]
}
