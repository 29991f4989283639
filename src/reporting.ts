import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Inputs } from './config/config.ts'
import { systemClock } from './clock.ts'
import { type Problem, UserError } from './domain/errors.ts'
import type { Event } from './domain/event.ts'
import { ownPage, pageOf } from './domain/holder.ts'
import { report, type Report } from './domain/report.ts'
import { ending } from './domain/report/headline.ts'
import type { Link, ReportInput } from './domain/report/input.ts'
import { type Context, retell } from './domain/retell.ts'
import { annotate } from './github/annotations.ts'
import type { Console } from './github/console.ts'
import { writeOutputs } from './github/outputs.ts'
import { writeReport, writeSummary } from './github/summary.ts'
import { readLine } from './journal/upcast.ts'
import { recordDeployment } from './reporting/deployment.ts'
import { VERSION } from './version.ts'

/** `dir` is the folder of this use, with its journal; `problems` is why inputs or configuration could not be read. */
export type Reporting = {
  env: NodeJS.ProcessEnv
  dir: string
  out: Console
  redact: (text: string) => string
  inAction: boolean
  config?: Config
  inputs?: Inputs
  problems: Problem[]
}

/**
 * Says how it ended, from the journal alone: report folder, job summary, outputs, annotation, deployment status, log. Answers the
 * exit code. Only what is said is tried: a page or record that cannot be written is told, and never changes the outcome.
 */
export async function reportOn(use: Reporting): Promise<number> {
  const events = journalOf(use)
  const input = events && retell(events, contextOf(use))
  if (!events || !input) return untold(use)
  const folder = join(use.dir, 'report')
  const told = report(input, folder)
  await attempt(use, () => files(use, { folder, told, events }))
  say(use, { input, told, folder })
  if (use.inAction) await recordDeployment(use, input, told.headline)
  return ending(input).exit
}

/** Everything that was written whole; `undefined`, and told why, when it is no journal. A last line without its end never happened. */
function journalOf(use: Reporting): Event[] | undefined {
  const file = join(use.dir, 'journal.jsonl')
  try {
    const text = textOf(file)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .flatMap((line, index) => (line === '' ? [] : [readLine(line, `${file}:${index + 1}`)]))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    for (const problem of error.problems) use.out.problem(problem)
    return undefined
  }
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

/** What a journal is read with to tell of it. */
export function contextOf({ config, inputs, env, problems }: Reporting): Context {
  return {
    asked: {
      mode: inputs === undefined || inputs.mode === 'adopt' || inputs.mode === 'init' ? 'plan' : inputs.mode,
      tag: inputs?.tag ?? '',
    },
    who: env['GITHUB_ACTOR'] ? `@${env['GITHUB_ACTOR']}` : (env['USER'] ?? env['LOGNAME'] ?? 'you'),
    at: systemClock.now(),
    problems,
    ...(config ? { keep: config.keep } : {}),
    links: runLink(env),
    journal: 'journal.jsonl',
    engine: { version: `v${VERSION}`, node: process.versions.node },
    places: {
      install: Object.fromEntries(config?.nodes.map(n => [n.name, n.install]) ?? []),
      binary: config?.binary ?? 'progressdb',
    },
  }
}

function runLink(env: NodeJS.ProcessEnv): Link[] {
  const page = ownPage(env)
  return page ? [{ label: 'this run', url: pageOf(page) }] : []
}

type Told = { folder: string; told: Report; events: Event[] }

/** What is kept beside the log: the page, the journal and the servers' own words. No data, environment or configuration. */
async function files({ redact, env }: Reporting, { folder, told, events }: Told): Promise<void> {
  await writeSummary(told.markdown, redact, env)
  await writeReport(join(folder, 'summary.md'), told.markdown, redact)
  await writeReport(join(folder, 'journal.jsonl'), events.map(e => `${JSON.stringify(e)}\n`).join(''), redact)
}

function say(
  { env, redact, inAction, out }: Reporting,
  { input, told, folder }: { input: ReportInput; told: Report; folder: string },
): void {
  out.lines(['', ...told.plain.trimEnd().split('\n')])
  if (!inAction) out.line('report', folder)
  writeOutputs(told.outputs, redact, env)
  annotate({ level: ending(input).level, headline: told.headline, text: told.plain }, redact, env)
}

async function attempt({ out }: Reporting, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    out.problem({
      code: 'REPORT_NOT_WRITTEN',
      what: 'the report could not be written to its folder',
      because: error instanceof Error ? error.message : String(error),
      next: 'nothing for the fleet; make room on this machine. Everything is in the log',
    })
  }
}

/** Nothing is known of what was done: that is never green. */
function untold({ out, env, redact }: Reporting): number {
  out.problem({
    code: 'NO_JOURNAL',
    what: 'there is no journal of this run to report on',
    because: 'no step got as far as to write one, or what lies there is none',
    next: 'progressdb-rollout status',
  })
  writeOutputs({ outcome: 'needs-operator', 'reason-code': 'unfinished-rollout' }, redact, env)
  return 4
}
