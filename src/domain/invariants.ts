import { unreachable } from './errors.ts'
import { count } from './judge/numbers.ts'

/** Totals by name, as the probe counts them: `keys`, `index`, and where they can be trusted `threads`, `messages`. */
export type Counts = Record<string, number>

/**
 * Who may have written between the two counts. `others`: clients could. `own`: how much our own acknowledged writes have
 * added to each total; read a barrier back before counting, or some of them are not applied yet.
 */
export type Writers = { others: boolean; own: Counts }

/** Nobody wrote: a staging copy, or a drained node before the first journey. */
export const NOBODY: Writers = { others: false, own: {} }

/** A record written before, as found after. `text` of `error` and `missing` is printable. */
export type SentinelReading =
  | { is: 'same' }
  | { is: 'missing'; why: string }
  | { is: 'different' }
  | { is: 'error'; why: string }

export type InvariantCode =
  | 'held'
  | 'not-counted'
  | 'data-gone'
  | 'counts-fell'
  | 'counts-differ'
  | 'counts-missing'
  | 'sentinel-missing'
  | 'sentinel-differs'
  | 'sentinel-unread'

export type Invariant = { ok: boolean; code: InvariantCode; text: string }

/** Totals of the statistics page appear and disappear as the store grows past what that page can count. */
const OPTIONAL = new Set(['threads', 'messages'])

/**
 * Compares totals. While nobody else writes they must be equal, our own writes included; else they must not fall below
 * what was there plus our own. `not-counted` is ok and says so: this profile counts nothing.
 */
export const compareCounts = (before: Counts, now: Counts, writers: Writers): Invariant => {
  const names = Object.keys(before).toSorted()
  const checked = names.map(name => compareOne(name, { before: before[name] ?? 0, now: now[name] }, writers))
  const worst = checked.find(c => c.code === 'data-gone') ?? checked.find(c => !c.ok)
  if (worst) return worst
  const counted = names.filter(name => now[name] !== undefined)
  if (counted.length === 0)
    return {
      ok: true,
      code: 'not-counted',
      text: 'nothing was counted before and after, so nothing is known of the data',
    }
  return {
    ok: true,
    code: 'held',
    text: counted.map(n => `${n} ${count(before[n] ?? 0)} -> ${count(now[n] ?? 0)}`).join(', '),
  }
}

const compareOne = (
  name: string,
  seen: { before: number; now: number | undefined },
  writers: Writers,
): Invariant => {
  const { before, now } = seen
  const held: Invariant = { ok: true, code: 'held', text: name }
  if (now === undefined)
    return OPTIONAL.has(name)
      ? held
      : {
          ok: false,
          code: 'counts-missing',
          text: `${name}: ${count(before)} before, could not be counted afterwards`,
        }
  if (now === 0 && before > 0)
    return {
      ok: false,
      code: 'data-gone',
      text: `${name}: ${count(before)} before, 0 now: the data is not visible`,
    }
  const own = writers.own[name] ?? 0
  // how many index keys a write of ours makes is the server's own business
  const exact =
    !writers.others && (writers.own[name] !== undefined || Object.values(writers.own).every(n => n === 0))
  const numbers = `${name}: ${count(before)} before${own > 0 ? ` and ${count(own)} written by the probe` : ''}, ${count(now)} now`
  if (now < before + own)
    return { ok: false, code: 'counts-fell', text: `${numbers}: ${count(before + own - now)} missing` }
  if (exact && now !== before + own)
    return {
      ok: false,
      code: 'counts-differ',
      text: `${numbers}: nobody wrote, so ${count(before + own)} was expected`,
    }
  return held
}

/** The sentinel must read back with the very body that was written. */
export const checkSentinel = (read: SentinelReading): Invariant => {
  switch (read.is) {
    case 'same':
      return { ok: true, code: 'held', text: 'the sentinel reads back unchanged' }
    case 'missing':
      return {
        ok: false,
        code: 'sentinel-missing',
        text: `the sentinel written before cannot be found: ${read.why}`,
      }
    case 'different':
      return {
        ok: false,
        code: 'sentinel-differs',
        text: 'the sentinel reads back with another body than was written',
      }
    case 'error':
      return { ok: false, code: 'sentinel-unread', text: `the sentinel could not be read: ${read.why}` }
    default:
      return unreachable(read)
  }
}
