import { about, type Problem } from './errors.ts'
import type { Millis } from './node.ts'

const topicWidth = 10

/** `plan      v0.2.1 -> v0.2.2 on 3 nodes`: what it is about in a column of its own, then one thing. */
export const line = (topic: string, text: string): string => `${topic.padEnd(topicWidth)}${text}`.trimEnd()

/** An error as a block of lines: code and what, then why, then the next thing to do, aligned. */
export const problemLines = (problem: Problem): string[] => {
  const what = problem.where === undefined ? problem.what : about(problem.where, problem.what, '  ')
  return [
    `error  ${problem.code}  ${what}`,
    ...(problem.because === undefined ? [] : [`       because ${problem.because}`]),
    `       next  ${problem.next}`,
  ]
}

/** A table of short cells as lines, each column as wide as its widest cell. */
export const columns = (rows: string[][]): string[] => {
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows.map(row =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const two = (n: number): string => String(n).padStart(2, '0')

/** `3:20`, `1:02:03`: minutes and seconds (hours where there are any) of `ms`, rounded down to whole seconds. */
export const clock = (ms: Millis): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** A measured time in the unit a person would use: `3 ms`, `8.1 ms`, `1.9 s`, `14 s`, `3:20`. */
export const duration = (ms: Millis): string => {
  if (ms < 0) return `-${duration(-ms)}`
  if (ms > 0 && ms < 0.1) return '<0.1 ms'
  if (ms < 10) return `${trimmed(ms, 1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`
  return clock(Math.round(ms / 1000) * 1000)
}

/** A setting's time in words: `10 min`, `4 h`, `60 s`, `90 s`. */
export const span = (ms: Millis): string => {
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  if (ms > 60_000 && ms % 60_000 === 0) return `${ms / 60_000} min`
  return ms >= 1000 ? `${trimmed(ms / 1000, 1)} s` : `${trimmed(ms, 1)} ms`
}

const trimmed = (n: number, digits: number): string => String(Number(n.toFixed(digits)))

/** `48,211`; a number that is not known is the word `unknown`, never 0. */
export const count = (n: number | 'unknown' | undefined): string =>
  n === undefined || n === 'unknown' || !Number.isFinite(n)
    ? 'unknown'
    : Math.round(n).toLocaleString('en-US')

/** `3 nodes`, `1 node`. */
export const several = (n: number, one: string, more = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : more}`

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Decimal units with two significant digits below ten: `512 B`, `38 MB`, `4.7 GB`. */
export const bytes = (n: number | 'unknown' | undefined): string => {
  if (n === undefined || n === 'unknown' || !Number.isFinite(n)) return 'unknown'
  let [value, unit] = [n, 0]
  while (Math.abs(value) >= 999.5 && unit < byteUnits.length - 1) [value, unit] = [value / 1000, unit + 1]
  return `${unit > 0 && Math.abs(value) < 9.95 ? trimmed(value, 1) : Math.round(value)} ${byteUnits[unit]}`
}

/** A share of 1 as `9.2 %`, `0.07 %`; never rounds something to nothing, nor nearly all to all. */
export const share = (x: number): string => {
  if (!Number.isFinite(x)) return 'unknown'
  const percent = x * 100
  if (percent > 0 && percent < 0.01) return '<0.01 %'
  if (percent < 100 && percent > 99.9) return '>99.9 %'
  return `${trimmed(percent, percent < 1 ? 2 : 1)} %`
}

const iso = (at: Millis): string => new Date(at).toISOString()

/** `22:25:32 UTC`. */
export const utc = (at: Millis): string => `${iso(at).slice(11, 19)} UTC`

/** `2026-11-22 22:25:32`, UTC. */
export const fullDate = (at: Millis): string => iso(at).slice(0, 19).replace('T', ' ')

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `6 Dec 2026`, UTC. */
export const day = (at: Millis): string => {
  const date = new Date(at)
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** Names in a sentence: `db-1`, `db-1 and db-2`, `db-1, db-2 and db-3`. */
export const list = (names: string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
