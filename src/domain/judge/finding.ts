import type { Signal } from '../measurement.ts'
import { count } from './numbers.ts'

/**
 * What one rule found: its row in the signal table, and the reason code and sentence it would give.
 * `decides`: false for a series that is only reported.
 */
export type Finding = { signal: Signal; code: Code; text: string; decides: boolean }

/** Reason codes of a verdict. */
export const CODES = [
  'all-passed',
  'watching',
  'wrong-version',
  'process-restarted',
  'health-failed',
  'errors-breaker',
  'error-rate-higher',
  'latency-higher',
  'series-above-limit',
  'series-below-limit',
  'series-above-baseline',
  'disk-reserve',
  'not-enough-samples',
  'no-data',
  'could-not-measure',
] as const
export type Code = (typeof CODES)[number]

/** A rule's outcome beside its row. */
type Says = { says: Signal['says']; code: Code; text: string }

/** Puts a row and what it says together. */
export const finding = (row: Omit<Signal, 'says'>, { says, code, text }: Says, decides = true): Finding => ({
  signal: { ...row, says },
  code,
  text,
  decides,
})

/** Which arms have fewer samples than needed, in words; undefined when none. */
export const shortOf = (arms: [string, number][], needed: number): string | undefined =>
  arms
    .filter(([, n]) => n < Math.max(1, needed))
    .map(([name, n]) => `${count(n)} of the ${count(Math.max(1, needed))} samples needed on the ${name}`)
    .join(', ') || undefined
