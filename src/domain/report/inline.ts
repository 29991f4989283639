import { code, markdown, markdownWithin, safeLine } from '../text.ts'

/** A run of text as it shows; the same runs are rendered as Markdown, as a table cell and as plain text. */
export type Inline = string | { code: string } | { strong: string } | { link: string; url: string }
export type Inlines = Inline[]

const longest = 2000

const renderOne = (part: Inline, where: 'start' | 'inline' | 'cell'): string => {
  if (typeof part === 'string')
    return spaced(part, text => (where === 'start' ? markdown(text, longest) : markdownWithin(text, longest)))
  if ('code' in part) return code(part.code, where === 'cell' ? 'cell' : 'inline', longest)
  if ('strong' in part) return safeLine(part.strong) === '' ? '' : `**${markdownWithin(part.strong)}**`
  return isWeb(part.url)
    ? `[${markdownWithin(part.link)}](<${part.url}>)`
    : markdownWithin(`${part.link}: ${part.url}`, longest)
}

/** Escaping trims; the space between two runs must stay. */
const spaced = (text: string, escape: (text: string) => string): string => {
  if (text.trim() === '') return text === '' ? '' : ' '
  return `${/^\s/.test(text) ? ' ' : ''}${escape(text)}${/\s$/.test(text) ? ' ' : ''}`
}

const isWeb = (url: string): boolean => /^https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(url)

/** Markdown of the runs: at the start of a paragraph or list item, after other text, or in a table cell. */
export const toMarkdown = (parts: Inlines, where: 'start' | 'inline' | 'cell'): string =>
  parts.map((part, i) => renderOne(part, where === 'start' && i > 0 ? 'inline' : where)).join('')

const plainOne = (part: Inline): string => {
  if (typeof part === 'string') return spaced(part, text => safeLine(text, longest))
  if ('code' in part) return safeLine(part.code, longest)
  return safeLine('strong' in part ? part.strong : `${part.link} (${part.url})`, longest)
}

/** The same without markup. */
export const toPlain = (parts: Inlines): string => parts.map(plainOne).join('')

/** A GFM table; every row has as many cells as the header. */
export const table = (header: string[], rows: Inlines[][]): string => {
  const row = (cells: string[]): string => `| ${cells.join(' | ')} |`
  const escaped = rows.map(cells => row(cells.map(cell => toMarkdown(cell, 'cell'))))
  return [row(header.map(text => markdown(text))), `|${header.map(() => '---|').join('')}`, ...escaped].join(
    '\n',
  )
}

/** A part that folds away. `summary` is our own words, `body` finished Markdown. */
export const folded = (summary: string, body: string): string =>
  `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`

/** Several runs with something between them. */
export const joined = (parts: Inlines[], between: string): Inlines =>
  parts.flatMap((part, i) => (i === 0 ? part : [between, ...part]))

/** At most `max` of them, and how many were left out as a last one. */
export const atMost = (parts: Inlines[], max: number, rest = 'more'): Inlines[] =>
  parts.length <= max ? parts : [...parts.slice(0, max), [`and ${parts.length - max} ${rest}`]]
