import { Untrusted } from './text.ts'

const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/
const LIST_MARK = /^\s*(?:[*+-]|\d{1,3}[.)])\s+/
const BREAKING_HEADING = /\bbreaking\b/i
/** `BREAKING CHANGE: …` as a footer, or `feat(api)!: …`, perhaps behind the commit hash that goreleaser puts first. */
const BREAKING_LINE =
  /^(?:\*\*)?BREAKING[ -]CHANGES?(?:\*\*)?\s*:|^(?:[0-9a-f]{7,40}:?\s+)?[a-z]+(?:\([^)]*\))?!:/i

const CHARACTERS = 100_000
const LINE = 300

/**
 * The lines of release notes that say what breaks: everything under a heading with the word "breaking", and every line that is
 * marked as in Conventional Commits. At most `most` lines of at most 300 characters, in their order, without list marks.
 */
export const breakingChanges = (notes: Untrusted, most = 20): Untrusted[] => {
  const found: string[] = []
  let under = 0
  for (const line of Untrusted.raw(notes)
    .slice(0, CHARACTERS)
    .split(/\r\n|\r|\n/)) {
    const heading = HEADING.exec(line)
    if (heading !== null) {
      under = sectionAfter(heading[1]?.length ?? 0, heading[2] ?? '', under)
      continue
    }
    const text = line
      .slice(0, 4 * LINE)
      .replace(LIST_MARK, '')
      .trim()
    if (text !== '' && (under > 0 || BREAKING_LINE.test(text))) found.push(text)
  }
  return found
    .slice(0, most)
    .map(text => new Untrusted(text.length > LINE ? `${text.slice(0, LINE - 1)}…` : text))
}

/** Level of the breaking section we are in after this heading, 0 for none; deeper headings stay inside it. */
const sectionAfter = (level: number, title: string, under: number): number => {
  if (BREAKING_HEADING.test(title) && !/\bno(?:n-?| )\s*breaking\b/i.test(title))
    return under > 0 ? Math.min(under, level) : level
  return under > 0 && level > under ? under : 0
}
