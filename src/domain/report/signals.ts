import { clock, count, list, utc } from '../log.ts'
import type { ProbeCounts, Signal } from '../measurement.ts'
import type { Inlines } from './inline.ts'
import { table } from './inline.ts'
import type { WatchReport } from './input.ts'

const maxRows = 60

const says: Record<Signal['says'], Inlines> = {
  pass: ['pass'],
  fail: [{ strong: 'fail' }],
  error: [{ strong: 'could not measure' }],
  'no-data': [{ strong: 'no data' }],
  pending: ['undecided'],
}

/** Failing signals first, so that a long table opens with what decided. */
const order = (signal: Signal): number => ['fail', 'error', 'no-data', 'pending', 'pass'].indexOf(signal.says)

const signalRow = (signal: Signal): Inlines[] => [
  [signal.name],
  [signal.canary],
  [signal.baseline],
  [signal.limit],
  says[signal.says],
]

/** Every signal of one watch beside its limit. Empty when nothing was judged. */
export const signalsTable = (watch: WatchReport | undefined): string => {
  if (watch === undefined || watch.verdict.signals.length === 0) return ''
  const sorted = watch.verdict.signals.toSorted((a, b) => order(a) - order(b))
  const left = sorted.length - maxRows
  const rows = sorted.slice(0, maxRows).map(signalRow)
  return `${table(['signal', 'canary', 'baseline', 'limit', 'says'], rows)}${left > 0 ? `\n\nand ${left} more signals, in the journal` : ''}`
}

/** The watch that decided: the first that did not pass, else the canary's. */
export const decidingWatch = (watches: WatchReport[]): WatchReport | undefined =>
  watches.find(watch => watch.verdict.is !== 'pass') ?? watches[0]

/** One row per watch: how long, and what it said. */
export const watchesTable = (watches: WatchReport[]): string =>
  table(
    ['watched', 'for', 'of', 'verdict', 'because'],
    watches
      .slice(0, maxRows)
      .map((w): Inlines[] => [
        [list(w.nodes.slice(0, 6))],
        [clock(w.watched)],
        [clock(w.of)],
        [w.verdict.is],
        [w.verdict.text],
      ]),
  )

const firstError = ({ firstFailure, limited = 0 }: ProbeCounts): Inlines => [
  ...(firstFailure === undefined ? [] : [{ code: firstFailure.text }, ` at ${utc(firstFailure.at)}`]),
  limited === 0 ? '' : ` (${count(limited)} refused by the server's rate limit)`,
]

/** Probe requests by step. `not asked` are those we could not send: they say nothing about the server. */
export const probesTable = (probes: ProbeCounts[]): string =>
  table(
    ['step', 'failed', 'not asked', 'of', 'first error'],
    probes
      .slice(0, maxRows)
      .map((p): Inlines[] => [[p.step], [count(p.failed)], [count(p.errors)], [count(p.of)], firstError(p)]),
  )
