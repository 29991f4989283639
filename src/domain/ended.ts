import type { Owed } from './event.ts'
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

/** Characters. Slack's own limit is 40,000. */
const LONGEST = 3000

/** Slack's mrkdwn: three characters mean something in it, and nothing else is escaped. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The message for Slack: the headline, why, what is owed, and the page of the run. */
export function slackMessage(e: Ended): { text: string } {
  const next = e.next.map(
    ({ what, line }) => `• ${escaped(what)}${line === undefined ? '' : `\n\`${escaped(line)}\``}`,
  )
  const page = e.run === '' ? [] : [`<${e.run}|this run>, ${escaped(e.rollout)}`]
  const lines = [`*${escaped(e.headline)}*`, escaped(e.why), ...next, ...page].filter(line => line !== '')
  return { text: lines.join('\n').slice(0, LONGEST) }
}
