import type { Millis } from './node.ts'

const UNITS: Record<string, Millis> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** One or more whole numbers with a unit, largest first or not: `90s`, `10m`, `1h30m`. */
export const DURATION = /^(?:\d{1,9}(?:ms|s|m|h|d)\s?)+$/
/** A percentage: `10 %`, `0.5%`. */
export const PERCENTAGE = /^\d{1,3}(?:\.\d{1,4})?\s?%$/

/** Milliseconds of `10m`, `1h30m`, `250ms`; `undefined` where the text is no duration. */
export const parseDuration = (text: string): Millis | undefined => {
  if (!DURATION.test(text)) return undefined
  const parts = text.matchAll(/(\d+)(ms|s|m|h|d)/g)
  return [...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0)
}

/** The shortest spelling of a duration in the file's own words: `600000` is `10m`, `90000` is `1m30s`. */
export const spellDuration = (ms: Millis): string => {
  const largestFirst = Object.entries(UNITS).sort(([, a], [, b]) => b - a)
  let rest = Math.round(ms)
  let spelt = ''
  for (const [unit, size] of largestFirst) {
    const amount = Math.floor(rest / size)
    if (amount > 0) spelt += `${amount}${unit}`
    rest -= amount * size
  }
  return spelt === '' ? '0s' : spelt
}

/** A share 0..1 of `10 %`, `0.1` or `'0.1'`; `undefined` where it is neither or lies outside. */
export const parseShare = (value: string | number): number | undefined => {
  const share =
    typeof value === 'number' ? value : PERCENTAGE.test(value) ? Number.parseFloat(value) / 100 : Number.NaN
  return share >= 0 && share <= 1 ? share : undefined
}

const SIZES: Record<string, number> = { MB: 1e6, GB: 1e9, MiB: 2 ** 20, GiB: 2 ** 30 }
/** A whole number of megabytes or gigabytes: `500MB`, `2 GiB`. */
export const SIZE = /^\d{1,7}\s?[MG]i?B$/

/** Bytes of `500MB`; `undefined` where the text is no size. */
export const parseSize = (text: string): number | undefined =>
  SIZE.test(text) ? Number.parseInt(text, 10) * (SIZES[text.replace(/^\d+\s?/, '')] ?? 1) : undefined
