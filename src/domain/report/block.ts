import { unreachable } from '../errors.ts'
import type { Owed } from '../event.ts'
import { clock, count, day, list, several } from '../log.ts'
import { dataLine } from './data.ts'
import { kindOf } from './headline.ts'
import type { Inlines } from './inline.ts'
import { atMost, toMarkdown, toPlain } from './inline.ts'
import type { ReportInput, WatchReport } from './input.ts'
import { approveLine, contractLine, releaseLine, rehearsedLine } from './plan.ts'

/** One labelled line of the block; `steps` follow it as a numbered list, and `after` that list. */
type Line = { label: string; says: Inlines; list?: { steps: Inlines[]; after: Inlines } }

const watched = ({ nodes, watched, of }: WatchReport): string =>
  `${list(nodes.slice(0, 4))} watched ${clock(watched)}${watched < of ? ` of ${clock(of)}` : ''}`

/** The canary's watch with its numbers, then the others' lengths. */
const evidence = (input: ReportInput): Inlines => {
  const [first, ...others] = input.watches
  if (first === undefined) return [input.why]
  const then = others.slice(0, 6).map(watched)
  const more = others.length > 6 ? ` and ${count(others.length - 6)} more` : ''
  const later = then.length === 0 ? '' : ` Then ${then.join('; ')}${more}.`
  return [`${watched(first)}: ${sentence(first.verdict.text)}${later}`]
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

const owedStep = ({ what, line }: Owed): Inlines =>
  line === undefined ? [sentence(what)] : [`${what.replace(/[.:]$/, '')}: `, { code: line }]

const wayBack = (input: ReportInput): Inlines => {
  const kept =
    input.keptUntil === undefined
      ? ''
      : ` The release before and its rollback points are kept until ${day(input.keptUntil)}.`
  const bad = input.outcome === 'rolled-back' || input.code === 'rehearsal-failed'
  if (bad && input.mode === 'release') return [' Fix, tag, and the next release runs as usual.']
  return input.outcome === 'promoted' ? [' To go back: ', { code: 'mode: rollback' }, `.${kept}`] : []
}

const links = (input: ReportInput): Inlines =>
  input.links.slice(0, 5).flatMap((link): Inlines => [{ link: link.label, url: link.url }, ' · '])

/** What is owed, as lines to paste; nothing owed is said too. */
const next = (input: ReportInput): Line => {
  const [only, ...others] = input.owed
  const about: Inlines = [...links(input), `started by ${input.who}`]
  if (only === undefined)
    return { label: 'Next', says: ['nothing is owed.', ...wayBack(input), ' · ', ...about] }
  if (others.length === 0) return { label: 'Next', says: [...owedStep(only), ' · ', ...about] }
  const steps = atMost(input.owed.map(owedStep), 20, 'more in the journal')
  return {
    label: 'Next',
    says: [`${count(input.owed.length)} things, in this order:`],
    list: { steps, after: about },
  }
}

const why = (input: ReportInput): Line => ({
  label: 'Why',
  says: [{ code: input.code }, `: ${sentence(input.why)}`],
})
const data = (input: ReportInput): Line => ({ label: 'Data', says: dataLine(input) })

/** Whoever reads it must know what happens by itself, and how to prevent it. */
const armed = ({ armed: all }: ReportInput): Line[] =>
  all.length === 0
    ? []
    : [
        {
          label: 'Armed',
          says: [`${several(all.length, 'node')}; each is disarmed by one line, typed on it:`],
          list: {
            steps: atMost(
              all.map(({ text, line }): Inlines => [`${text}: `, { code: line }]),
              20,
            ),
            after: [],
          },
        },
      ]

const linesOf = (input: ReportInput): Line[] => [...said(input), ...armed(input)]

const said = (input: ReportInput): Line[] => {
  const kind = kindOf(input)
  switch (kind) {
    case 'promoted':
    case 'parked':
      return [{ label: 'Evidence', says: evidence(input) }, data(input), next(input)]
    case 'plan':
      return [
        { label: 'You approve', says: approveLine(input) },
        { label: 'Data', says: rehearsedLine(input) },
        { label: 'Release', says: releaseLine(input) },
        { label: 'Plan', says: contractLine(input) },
        next(input),
      ]
    case 'rolled-back':
    case 'needs-operator':
    case 'unchanged':
    case 'status':
      return [why(input), data(input), next(input)]
    default:
      return unreachable(kind)
  }
}

type Render = { label: (label: string) => string; text: (parts: Inlines) => string }

const rendered = (line: Line, { label, text }: Render): string => {
  const head = `${label(line.label)} ${text(line.says)}`
  if (line.list === undefined) return head
  const steps = line.list.steps.map((step, i) => `${i + 1}. ${text(step)}`)
  const after = line.list.after.length === 0 ? '' : `\n\n${text(line.list.after)}`
  return `${[head, ...steps].join('\n')}${after}`
}

/** The block under the headline: why, what happened to the data, what to do now; as Markdown and as plain text. */
export const block = (input: ReportInput): { markdown: string; plain: string } => {
  const lines = linesOf(input)
  const marked: Render = { label: label => `**${label}**`, text: parts => toMarkdown(parts, 'inline') }
  const plain: Render = { label: label => `${label}:`, text: toPlain }
  return {
    // Two spaces keep the lines apart: a job summary joins them otherwise.
    markdown: lines.map(line => rendered(line, marked)).join('  \n'),
    plain: lines.map(line => rendered(line, plain)).join('\n'),
  }
}
