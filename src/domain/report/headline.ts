import { unreachable } from '../errors.ts'
import type { Mode, Outcome } from '../event.ts'
import { list, several, utc } from '../log.ts'
import type { ReasonCode } from '../reason.ts'
import { reasonTitle } from '../reason.ts'
import { fleetPhrase, nodeNames } from './fleet.ts'
import type { ReportInput } from './input.ts'

/** How the job ends: the exit code of the command line, and the level of the annotation. */
export type Ending = { exit: 0 | 2 | 3 | 4; level: 'notice' | 'error' }

/** Green only where nothing is wrong; a rollback is green only when a person asked for it. */
export const ending = (end: { outcome: Outcome; mode: Mode; code: string }): Ending => {
  const good: Ending = { exit: 0, level: 'notice' }
  switch (end.outcome) {
    case 'promoted':
    case 'stopped':
      return good
    case 'rolled-back':
      return end.mode === 'rollback' ? good : { exit: 2, level: 'error' }
    case 'unchanged':
      return ['already-there', 'superseded', 'nothing-owed'].includes(end.code)
        ? good
        : { exit: 3, level: 'error' }
    case 'needs-operator':
      return { exit: 4, level: 'error' }
    default:
      return unreachable(end.outcome)
  }
}

/** Which words open the report. A plan is a `stopped` that changed no node; a status is one that was asked for. */
export const kindOf = (
  input: ReportInput,
): 'promoted' | 'rolled-back' | 'needs-operator' | 'unchanged' | 'parked' | 'plan' | 'status' => {
  if (input.outcome !== 'stopped') return input.outcome
  if (input.mode === 'status' || input.code === 'nothing-owed') return 'status'
  return input.stopped?.after === 'canary' ? 'parked' : 'plan'
}

const failures: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'error-rate-higher',
  'errors-breaker',
  'latency-higher',
  'series-above-limit',
  'series-below-limit',
  'series-above-baseline',
  'health-failed',
  'process-restarted',
  'wrong-version',
  'disk-reserve',
  'not-ready',
  'start-failed',
  'invariants-failed',
  'rehearsal-surprise',
])

const cause = (input: ReportInput): string => {
  const changed = input.nodes.filter(node => node.wentBack)
  const where = changed.length === 0 ? '' : ` on ${nodeNames(changed)}`
  if (input.mode === 'rollback') return `from ${input.from} to ${input.to}, asked for by ${input.who}`
  return failures.has(input.code)
    ? `${input.to} failed${where}`
    : `${input.to}${where}: ${reasonTitle(input.code)}`
}

/** What became of the data, in three words. */
export const dataPhrase = (input: ReportInput): string => {
  if (input.data !== 'restored') return `data ${input.data}`
  const from = input.nodes.filter(node => node.restoredFrom !== undefined).map(node => node.name)
  return from.length === 0 || from.length > 3
    ? 'data restored from snapshots'
    : `data restored from a snapshot on ${list(from)}`
}

const unchanged = (input: ReportInput): string => {
  const now = fleetPhrase(input.nodes)
  if (input.code === 'already-there') return `nothing to do: ${now}`
  if (ending(input).exit === 0) return `${reasonTitle(input.code)}; ${now}`
  const what = input.to === '' ? 'refused' : `${input.to} was not rolled out`
  return `${what}: ${reasonTitle(input.code)}; ${now}, data ${input.data}`
}

const planned = (input: ReportInput): string => {
  const on = input.nodes.filter(node => node.state === 'serving' && node.now === input.to)
  const already =
    on.length === 0
      ? `no node runs ${input.to} yet`
      : `${several(on.length, 'node')} of them on ${input.to} already`
  return `${input.from} → ${input.to} on ${several(input.nodes.length, 'node')}; ${already}`
}

const parked = (input: ReportInput): string => {
  const until = input.stopped?.until === undefined ? '' : ` until ${utc(input.stopped.until)}`
  return `waiting for your approval${until}; ${fleetPhrase(input.nodes)}`
}

/**
 * The first line, without Markdown: it can be read aloud in an incident call. It says what the nodes show, never what was
 * attempted.
 */
export const headline = (input: ReportInput): string => {
  const now = fleetPhrase(input.nodes)
  const kind = kindOf(input)
  switch (kind) {
    case 'promoted':
      return `✓ Promoted — ${now}`
    case 'rolled-back':
      return `⟲ Rolled back — ${cause(input)}; ${now}, ${dataPhrase(input)}`
    case 'needs-operator':
      return `✗ Needs you — ${now}`
    case 'unchanged':
      return `= Unchanged — ${unchanged(input)}`
    case 'parked':
      return `⏸ Stopped — ${parked(input)}`
    case 'plan':
      return `Plan — ${planned(input)}`
    case 'status':
      return `= Status — ${reasonTitle(input.code)}; ${now}`
    default:
      return unreachable(kind)
  }
}
