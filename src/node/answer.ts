import type { Progress } from './port.ts'

/**
 * What a program said. `end` undefined: its last line is missing, so nobody knows what it did.
 * `values` hold every key's values in order, decoded.
 */
export type Answer = { end: string | undefined; values: Record<string, string[]> }

/** `key=value` lines; values are percent-encoded bytes. Anything else is ignored; only a last line `end=...` ends an answer. */
export function parseAnswer(stdout: string): Answer {
  const lines = stdout.split('\n')
  // an unfinished last line is no line
  lines.pop()
  const values: Record<string, string[]> = Object.create(null)
  for (const line of lines) {
    const pair = /^([a-z][a-z0-9_]*)=(.*)$/s.exec(line)
    if (pair?.[1] === undefined || pair[2] === undefined || pair[1] === 'progress') continue
    ;(values[pair[1]] ??= []).push(decode(pair[2]))
  }
  const last = lines.at(-1)
  return { end: last?.startsWith('end=') ? last.slice(4) : undefined, values }
}

const decode = (value: string): string =>
  value.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, bytes =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'),
  )

/** `progress=hash 67108864 4800000000 bytes`; undefined for any other line. */
export function parseProgress(line: string): Progress | undefined {
  const found = /^progress=([a-z]+) (\d+) (\d+) (bytes|files|requests|s)$/.exec(line)
  if (!found) return undefined
  const [, what = '', done, of, unit] = found
  return {
    what,
    done: Number(done),
    of: Number(of),
    unit: unit === 'files' || unit === 'requests' || unit === 's' ? unit : 'bytes',
  }
}
