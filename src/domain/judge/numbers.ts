import type { Millis } from '../node.ts'

/** `1,204`. */
export const count = (n: number): string => Math.round(n).toLocaleString('en-US')

/** `9.2 %`, `0.05 %`, `0 %` of a share 0..1. */
export const share = (x: number): string => {
  const percent = x * 100
  return `${Number(percent.toFixed(percent !== 0 && percent < 0.1 ? 2 : 1))} %`
}

/** `38 of 412`. */
export const outOf = (k: number, n: number): string => `${count(k)} of ${count(n)}`

/** `8.4 ms`, `120 ms`, `2.1 s`. */
export const latency = (ms: number): string =>
  ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${Number(ms.toFixed(ms < 100 ? 1 : 0))} ms`

/** `6:40`, `1:02:05`. */
export const clock = (ms: Millis): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const tail = `${String(Math.floor(seconds / 60) % 60)}:${String(seconds % 60).padStart(2, '0')}`
  return seconds < 3600 ? tail : `${Math.floor(seconds / 3600)}:${tail.padStart(5, '0')}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const bytes = (n: number): string => {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(n))) / 3)))
  return `${Number((n / 1000 ** power).toPrecision(3))} ${UNITS[power] ?? 'B'}`
}

/** A reading of a series in the unit its name says: `41 MB` for `..._bytes`, `2.5 s` for `..._seconds`, else 3 digits. */
export const reading = (series: string, value: number): string => {
  const name = series.split('{', 1)[0] ?? series
  if (!Number.isFinite(value)) return String(value)
  if (name.endsWith('_bytes')) return bytes(value)
  if (name.endsWith('_seconds')) return `${Number(value.toPrecision(3))} s`
  return Math.abs(value) >= 1000 ? count(value) : String(Number(value.toPrecision(3)))
}
