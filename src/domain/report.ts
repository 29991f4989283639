import type { Problem } from './errors.ts'
import { several } from './log.ts'
import { block } from './report/block.ts'
import { checklist } from './report/checklist.ts'
import type { Section } from './report/fit.ts'
import { fit } from './report/fit.ts'
import { headline } from './report/headline.ts'
import type { Inlines } from './report/inline.ts'
import { atMost, folded, toMarkdown } from './report/inline.ts'
import type { HookReport, ReportInput } from './report/input.ts'
import { asideRows, nodesTable } from './report/nodes.ts'
import type { Outputs } from './report/outputs.ts'
import { outputs } from './report/outputs.ts'
import { planInFull } from './report/plan.ts'
import { decidingWatch, probesTable, signalsTable, watchesTable } from './report/signals.ts'
import { gantt, timelineTable } from './report/timeline.ts'
import { markdown } from './text.ts'

/** `markdown` is the whole page; `plain` the headline and the block under it, for a chat or a ticket. */
export type Report = { headline: string; markdown: string; plain: string; outputs: Outputs }

/** Far below the runner's limit of 1 MiB, and still readable. */
const maxBytes = 200_000

/**
 * Everything a rollout says at its end, from data alone. `path` is where the page will be written ('' for nowhere).
 * The page opens with the outcome and the answers to why, data and next; the rest follows, and folds away.
 */
export const report = (input: ReportInput, path = ''): Report => {
  const first = headline(input)
  const answers = block(input)
  return {
    headline: first,
    markdown: `${fit(sections(input, first, answers.markdown), maxBytes)}\n`,
    plain: `${first}\n\n${answers.plain}\n`,
    outputs: outputs(input, first, path),
  }
}

const sections = (input: ReportInput, first: string, answers: string): Section[] => [
  { name: 'headline', markdown: `## ${markdown(first, 1000)}`, folds: 0 },
  { name: 'answers', markdown: answers, folds: 0 },
  { name: 'problems', markdown: problems(input.problems), folds: 1 },
  {
    name: 'warnings',
    markdown: bullets(
      'Warnings',
      input.warnings.map(text => [text]),
    ),
    folds: 2,
  },
  { name: 'nodes', markdown: nodesTable(input.nodes), folds: 3 },
  { name: 'leases', markdown: bullets('Held', input.held.map(heldRow)), folds: 4 },
  { name: 'data set aside', markdown: bullets('Data set aside', asideRows(input.nodes)), folds: 1 },
  { name: 'timeline', markdown: gantt(input.timeline, title(input)), folds: 5 },
  { name: 'signals', markdown: signalsTable(decidingWatch(input.watches)), folds: 4 },
  ...foldedSections(input),
]

const foldedSections = (input: ReportInput): Section[] => [
  fold(probesName(input), input.probes.length > 0 ? probesTable(input.probes) : '', 6),
  fold('Every watch', input.watches.length > 1 ? watchesTable(input.watches) : '', 7),
  fold('Release checklist', Object.keys(input.checklist).length > 0 ? checklist(input.checklist) : '', 5),
  fold('Timeline as text', input.timeline.length > 0 ? timelineTable(input.timeline) : '', 9),
  fold('Hooks', hookRows(input.hooks ?? []), 6),
  fold('Plan in full', input.plan === undefined ? '' : planInFull(input.plan), 8),
  fold('Versions, plan hash, rollout', foot(input), 6),
]

const probesName = ({ probes }: ReportInput): string =>
  probes.some(step => step.failed > 0) ? 'Which probe requests failed' : 'Probe requests by step'

const fold = (name: string, body: string, folds: number): Section => ({
  name,
  markdown: body === '' ? '' : folded(name, body),
  folds,
})

const title = ({ from, to }: ReportInput): string => `${from} to ${to}, times UTC`

const bullets = (name: string, rows: Inlines[]): string =>
  rows.length === 0
    ? ''
    : `**${name}**\n\n${atMost(rows, 30)
        .map(row => `- ${toMarkdown(row, 'start')}`)
        .join('\n')}`

const problemRow = ({ code, what, because, next, where }: Problem): Inlines => [
  { code },
  where === undefined ? ' ' : ` ${where}: `,
  `${what}${because === undefined ? '' : `, because ${because}`}. Next: ${next}`,
]

const heldRow = ({ node, text, run }: ReportInput['held'][number]): Inlines => [
  `${node} ${text}`,
  ...(run === undefined ? [] : [' · ', { link: 'its run', url: run }]),
]

const hookRows = (hooks: HookReport[]): string =>
  atMost(
    hooks.map(
      ({ at, says, output }): Inlines => [
        { code: at },
        ` ${says}`,
        ...(output === '' ? [] : [': ', { code: output }]),
      ],
    ),
    60,
  )
    .map(row => `- ${toMarkdown(row, 'start')}`)
    .join('\n')

const problems = (all: Problem[]): string => bullets(several(all.length, 'problem'), all.map(problemRow))

const foot = (input: ReportInput): string =>
  toMarkdown(
    [
      'plan ',
      { code: input.planHash === '' ? 'none' : input.planHash },
      ' · rollout ',
      { code: input.rollout },
      ` · progressdb-rollout ${input.engine.version} · Node.js ${input.engine.node}`,
      ...(input.journal === undefined ? [] : [' · journal ', { code: input.journal }]),
    ],
    'start',
  )
