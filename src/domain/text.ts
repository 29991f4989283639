/**
 * Text that we did not write: release notes, node output, error bodies, metric labels, dispatch inputs.
 * It has no `toString`, so it cannot slip into a message: `printable`, `markdown` and `mermaid` are the only ways out.
 */
export class Untrusted {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  /** For comparing and parsing, never for printing. */
  static raw(value: Untrusted): string {
    return value.#text
  }
}

/** A plain string is our own, or was made printable before. */
export type Text = Untrusted | string

const rawOf = (text: Text): string => (typeof text === 'string' ? text : Untrusted.raw(text))

/* oxlint-disable eslint/no-control-regex -- control characters are the subject */
/** OSC, DCS, SOS, PM and APC strings up to their terminator (never past the line), CSI sequences, then the two-character ones. */
const terminalSequences =
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x9c|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g
const lineBreaks = /[\t\n\v\f\r\x85\u2028\u2029]+/g
/* oxlint-enable eslint/no-control-regex */
/** Everything invisible, bidi and tag characters among it, but not the joiners (U+200C, U+200D) that scripts and emoji need. */
const invisible = /(?![\u200c\u200d])[\p{Cc}\p{Cf}]/gu

/** The runner takes a line that opens with `::` and a `##[` anywhere in it as a command. */
const fenced = (line: string): string => line.replace(/^:(?=:)/, ': ').replace(/##(?=\[)/g, '## ')

/** A stranger's `::` may come to stand first in a line that somebody makes of it later. */
const broken = (line: string): string => fenced(line.replace(/:(?=:)/g, ': '))

/** Cut between characters, never inside a surrogate pair. */
const bounded = (line: string, max: number): string =>
  line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`

/** The visible characters of a text, in one line. */
const visible = (text: string, max: number): string =>
  // A sequence can only shrink: reading 16 times the bound is enough for any honest text and bounds the work for any other.
  text
    .slice(0, max * 16 + 1024)
    .replace(terminalSequences, '')
    .replace(lineBreaks, ' ')
    .replace(invisible, '')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .trim()

/**
 * One line that is safe in a log: no control character, terminal sequence, invisible or bidi character, no `::` or `##[`
 * anywhere. Line breaks and tabs become one space. `max` is in UTF-16 units; a cut text ends in `…`.
 */
export const printable = (text: Text, max = 500): string => bounded(broken(visible(rawOf(text), max)), max)

/**
 * As `printable`, but of our own text a `::` within the line stays: an IPv6 address in a line to paste must not be changed.
 * No line that starts with the result is a workflow command.
 */
export const safeLine = (text: Text, max = 500): string =>
  typeof text === 'string' ? bounded(fenced(visible(text, max)), max) : printable(text, max)

/** The first `lines` lines of a longer text, each printable; blank ones are left out, and what was cut is said. */
export const printableLines = (text: Untrusted, lines = 50, max = 500): string[] => {
  const all = Untrusted.raw(text)
    .split(/\r\n|[\n\r]/)
    .filter(line => line.trim() !== '')
  const shown = all.slice(0, lines).map(line => printable(new Untrusted(line), max))
  const left = all.length - shown.length
  return left === 0 ? shown : [...shown, `… and ${left} more ${left === 1 ? 'line' : 'lines'}`]
}

const zeroWidth = '\u200b'

/** GitHub makes links and mentions of bare text after unescaping, so that only a character in between keeps them apart. */
const breakLinks = (line: string): string =>
  line
    .replace(/@/g, `@${zeroWidth}`)
    .replace(/:(?=\/\/)/g, `:${zeroWidth}`)
    .replace(/www(?=\.)/gi, `$&${zeroWidth}`)

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', $: '&#36;' }

/** As `markdown`, for where a line has begun already (after other text, in a table cell): nothing there can open a block. */
export const markdownWithin = (text: Text, max = 500): string =>
  breakLinks(safeLine(text, max))
    .replace(/[\\`*_[\]~|]/g, '\\$&')
    .replace(/[&<>$]/g, c => entities[c] ?? c)

/** The Markdown of a text that shows as itself wherever it stands: no block, markup, link, mention, HTML, formula or cell border. */
export const markdown = (text: Text, max = 500): string =>
  markdownWithin(text, max).replace(/^(?:[-#+=:]|\d{1,9}(?=[.)]))/, start =>
    /\d/.test(start) ? `${start}\\` : `\\${start}`,
  )

/**
 * A code span: shows every character as it is, for paths and lines to paste. In a table cell (`'cell'`) a `|` is escaped too.
 */
export const code = (text: Text, where: 'inline' | 'cell' = 'inline', max = 500): string => {
  const line = safeLine(text, max)
  if (line === '') return ''
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map(run => run.length))
  const fence = '`'.repeat(longest + 1)
  const pad = /^`|`$|^ .* $/.test(line) ? ' ' : ''
  const body = where === 'cell' ? line.replace(/\\(?=\|)/g, `\\${zeroWidth}`).replace(/\|/g, '\\|') : line
  return `${fence}${pad}${body}${pad}${fence}`
}

/** Mermaid reads these at the start of a line as its own words. */
const mermaidWords =
  /^(?:title|section|click|call|href|gantt|dateformat|inclusiveenddates|topaxis|axisformat|tickinterval|includes|excludes|todaymarker|weekday|weekend|acc(?:title|descr)|\d{4}-\d\d-\d\d)/i

/** A name for a Mermaid chart: letters, digits and `. , - _ + / ( )` only, never empty, never a word of Mermaid's own. */
export const mermaid = (text: Text, max = 60): string => {
  const name = safeLine(text, max)
    .replace(/[^\p{L}\p{M}\p{N} .,_+/()-]+/gu, ' ')
    .replace(/-{3,}/g, '--')
    .replace(/ {2,}/g, ' ')
    .trim()
  if (name === '') return 'unnamed'
  return mermaidWords.test(name) ? `· ${name}` : name
}
