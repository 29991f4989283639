import type { Owed } from './event.ts'
import type { HookPoint } from './hook-points.ts'
import type { ReportInput } from './report/input.ts'

/** How a job ended, for whoever is told: plain data, no secret. Fields are only ever added; `schema` changes with their meaning. */
export type Ended = {
  schema: 1
  /** The same for every job of one rollout, so that a receiver can keep its messages together. */
  rollout: string
  outcome: ReportInput['outcome']
  reason: string
  fired: boolean
  mode: string
  from: string
  to: string
  data: string
  headline: string
  why: string
  next: Owed[]
  nodes: { name: string; state: string; version: string }[]
  who: string
  at: string
  repository: string
  /** Page of the run; '' where there is none. */
  run: string
}

/** `fired`: a node went back by itself. */
export const ENDINGS = ['promoted', 'rolled-back', 'stopped', 'needs-operator', 'fired'] as const
export type Ending = (typeof ENDINGS)[number]

/** What an end counts as; nothing for one that changed nothing and asks for nobody. */
export function endingsOf({ outcome, mode, code }: ReportInput): Ending[] {
  const looked = outcome === 'stopped' && (mode === 'plan' || mode === 'status' || code === 'planned')
  return [
    ...(outcome === 'unchanged' || looked ? [] : [outcome]),
    ...(code === 'confirmation-lost' ? ['fired' as const] : []),
  ]
}

export const ended = (input: ReportInput, more: { headline: string; repository: string }): Ended => ({
  schema: 1,
  rollout: input.rollout,
  outcome: input.outcome,
  reason: input.code,
  fired: input.code === 'confirmation-lost',
  mode: input.mode,
  from: input.from,
  to: input.to,
  data: input.data,
  headline: more.headline,
  why: input.why,
  next: input.owed,
  nodes: input.nodes.map(({ name, state, now }) => ({ name, state, version: now })),
  who: input.who,
  at: new Date(input.at).toISOString(),
  repository: more.repository,
  run: input.links[0]?.url ?? '',
})

/** What a hook is told, in the three ways that there are: JSON, variables of a command, and a text for Slack. */
export type Message = { rollout: string; body: object; words: [name: string, value: string][]; text: string }

/** Of the end of a job. */
export const endMessage = (e: Ended): Message => ({
  rollout: e.rollout,
  body: e,
  words: [
    ['OUTCOME', e.outcome],
    ['REASON', e.reason],
    ['FIRED', String(e.fired)],
    ['ID', e.rollout],
    ['MODE', e.mode],
    ['FROM', e.from],
    ['TO', e.to],
    ['DATA', e.data],
    ['HEADLINE', e.headline],
    ['REPOSITORY', e.repository],
    ['RUN', e.run],
  ],
  text: slackText(e),
})

/** A point on the way. `node` is '' for a phase; `result` says of what it comes after whether that passed, else ''. */
export type Point = {
  schema: 1
  rollout: string
  at: HookPoint
  node: string
  result: 'passed' | 'failed' | ''
  mode: string
  from: string
  to: string
  who: string
  repository: string
  run: string
}

export const pointMessage = (p: Point): Message => ({
  rollout: p.rollout,
  body: p,
  words: [
    ['AT', p.at],
    ['NODE', p.node],
    ['RESULT', p.result],
    ['ID', p.rollout],
    ['MODE', p.mode],
    ['FROM', p.from],
    ['TO', p.to],
    ['REPOSITORY', p.repository],
    ['RUN', p.run],
  ],
  text: [
    `*${escaped(p.at)}*${p.node === '' ? '' : ` ${escaped(p.node)}`}${p.result === '' ? '' : `: ${p.result}`}`,
    `${escaped(p.from)} → ${escaped(p.to)}`,
    ...page(p.run, p.rollout),
  ].join('\n'),
})

/** What stands for a rollout until it has ended. */
export const openingText = ({ rollout, body }: Message): string =>
  'to' in body && typeof body.to === 'string'
    ? `*${escaped(body.to)}* is being rolled out, ${escaped(rollout)}`
    : escaped(rollout)

/** Characters. Slack's own limit is 40,000. */
const LONGEST = 3000

/** Slack's mrkdwn: three characters mean something in it, and nothing else is escaped. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The headline, why, what is owed, and the page of the run. */
function slackText(e: Ended): string {
  const next = e.next.map(
    ({ what, line }) => `• ${escaped(what)}${line === undefined ? '' : `\n\`${escaped(line)}\``}`,
  )
  const lines = [`*${escaped(e.headline)}*`, escaped(e.why), ...next, ...page(e.run, e.rollout)]
  return lines
    .filter(line => line !== '')
    .join('\n')
    .slice(0, LONGEST)
}

const page = (run: string, rollout: string): string[] =>
  run === '' ? [] : [`<${run}|this run>, ${escaped(rollout)}`]
