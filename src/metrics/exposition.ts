/** A series' identity: its name and labels, escapes already undone. */
export type Series = { name: string; labels: Record<string, string> }
export type Sample = Series & { value: number }
/** `bad`: the first line that is not in the format, counted from 1; the whole scrape is then not to be trusted. */
export type Exposition =
  | { samples: Sample[]; types: Record<string, string> }
  | { bad: { line: number; why: string } }

/**
 * Reads the Prometheus text format 0.0.4, the OpenMetrics text format (exemplars, `# EOF`) and the quoted UTF-8 names of
 * Prometheus 3. Timestamps, help texts and exemplars are checked for shape and dropped.
 */
export const parseExposition = (text: string): Exposition => {
  const samples: Sample[] = []
  const types: Record<string, string> = Object.create(null)
  const lines = text.split('\n')
  for (const [i, raw] of lines.entries()) {
    const line = raw.replace(/\r$/, '').trim()
    if (line === '# EOF') break
    if (line === '') continue
    if (line.startsWith('#')) {
      const type = TYPE.exec(line)
      const name = type && (type[1] ?? unescape(type[2] ?? ''))
      if (name) types[name] = type[3] ?? ''
      continue
    }
    const sample = parseSample(line)
    if (typeof sample === 'string') return { bad: { line: i + 1, why: sample } }
    samples.push(sample)
  }
  return { samples, types }
}

const TYPE = /^#\s*TYPE\s+(?:([a-zA-Z_:][\w:]*)|"((?:[^"\\]|\\.)*)")\s+(\w+)$/
const NAME = /[a-zA-Z_:][\w:]*/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
const LABEL = /[a-zA-Z_]\w*/y
const BLANKS = /[ \t]*/y
const NUMBER = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i
const STAMP = /^-?\d+(?:\.\d+)?$/

/** A line's position while it is read. */
type Cursor = { text: string; at: number }

const take = (c: Cursor, pattern: RegExp): RegExpExecArray | undefined => {
  pattern.lastIndex = c.at
  const found = pattern.exec(c.text)
  if (!found) return undefined
  c.at = pattern.lastIndex
  return found
}

const eat = (c: Cursor, char: string): boolean => {
  take(c, BLANKS)
  if (c.text[c.at] !== char) return false
  c.at++
  return true
}

const parseSample = (line: string): Sample | string => {
  const c: Cursor = { text: line, at: 0 }
  const series = readSeries(c)
  if (typeof series === 'string') return series
  const [numbers = '', ...exemplar] = splitExemplar(line.slice(c.at))
  const [value = '', stamp, ...more] = numbers.trim().split(/[ \t]+/)
  if (!NUMBER.test(value)) return 'a value is not a number'
  if ((stamp !== undefined && !STAMP.test(stamp)) || more.length > 0) return 'a timestamp is not a number'
  if (exemplar.some(text => !isExemplar(text))) return 'an exemplar cannot be read'
  return { ...series, value: toNumber(value) }
}

/** After the series itself a `#` can only begin an exemplar. */
const splitExemplar = (rest: string): string[] => {
  const at = rest.indexOf('#')
  return at < 0 ? [rest] : [rest.slice(0, at), rest.slice(at + 1)]
}

const isExemplar = (text: string): boolean => {
  const c: Cursor = { text, at: 0 }
  if (!eat(c, '{') || typeof readLabels(c) === 'string') return false
  const [value = '', stamp, ...more] = text
    .slice(c.at)
    .trim()
    .split(/[ \t]+/)
  return NUMBER.test(value) && (stamp === undefined || STAMP.test(stamp)) && more.length === 0
}

const toNumber = (text: string): number => {
  const plain = text.toLowerCase()
  if (plain.endsWith('nan')) return Number.NaN
  if (plain.includes('inf')) return plain.startsWith('-') ? -Infinity : Infinity
  return Number(plain)
}

/** `name`, `name{labels}` or `{"quoted name", labels}`, leaving the cursor behind it. A string says what is wrong. */
const readSeries = (c: Cursor): Series | string => {
  const bare = take(c, NAME)?.[0]
  if (!eat(c, '{'))
    return bare === undefined ? 'a line does not begin with a name' : { name: bare, labels: {} }
  const read = readLabels(c)
  if (typeof read === 'string') return read
  if (bare !== undefined && read.quoted !== undefined) return 'a series has two names'
  const name = bare ?? read.quoted
  return name === undefined ? 'a series has no name' : { name, labels: read.labels }
}

/** Labels up to and with the closing brace; `quoted` is a quoted name that stands first among them. */
const readLabels = (c: Cursor): { labels: Record<string, string>; quoted?: string } | string => {
  const labels: Record<string, string> = Object.create(null)
  let quoted: string | undefined
  for (let first = true; !eat(c, '}'); first = false) {
    if (!first && !eat(c, ',')) return 'labels are not separated by a comma'
    if (eat(c, '}')) break
    const text = take(c, QUOTED)?.[1]
    const label = text === undefined ? take(c, LABEL)?.[0] : unescape(text)
    if (label === undefined) return 'a label has no name'
    if (!eat(c, '=')) {
      if (!first || text === undefined) return 'a label has no value'
      quoted = label
      continue
    }
    take(c, BLANKS)
    const value = take(c, QUOTED)?.[1]
    if (value === undefined) return 'a label value is not quoted'
    if (label in labels) return 'a label is given twice'
    labels[label] = unescape(value)
  }
  return quoted === undefined ? { labels } : { labels, quoted }
}

const unescape = (text: string): string =>
  text.replace(/\\([\\"n])/g, (_, char: string) => (char === 'n' ? '\n' : char))

/** A selector as configured: the same grammar as a series, with equality only. A string says what is wrong. */
export const parseSelector = (text: string): Series | string => {
  const c: Cursor = { text: text.trim(), at: 0 }
  const series = readSeries(c)
  if (typeof series === 'string') return series
  return c.at === c.text.length ? series : 'there is something behind the selector'
}

/** Samples whose name is the selector's, and whose labels contain the selector's. */
export const select = (samples: Sample[], selector: Series): Sample[] =>
  samples.filter(
    s =>
      s.name === selector.name &&
      Object.entries(selector.labels).every(([label, v]) => s.labels[label] === v),
  )
