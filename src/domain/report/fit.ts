/** A part of the report. The larger `folds` is, the sooner it is left out; 0 always stays. */
export type Section = { name: string; markdown: string; folds: number }

const sizeOf = (text: string): number => new TextEncoder().encode(text).length

const assemble = (sections: Section[], dropped: Section[]): string => {
  const kept = sections
    .filter(section => !dropped.includes(section) && section.markdown !== '')
    .map(s => s.markdown)
  const names = dropped.map(section => section.name).join(', ')
  return [
    ...kept,
    ...(names === ''
      ? []
      : [`Left out, because this page would be too long: ${names}. The journal holds them.`]),
  ].join('\n\n')
}

/**
 * The sections as one page of at most `max` bytes of UTF-8: whole sections are left out and named, never cut, so that
 * no table or `<details>` stays open.
 */
export const fit = (sections: Section[], max: number): string => {
  const dropped: Section[] = []
  const expendable = sections
    .filter(s => s.folds > 0 && s.markdown !== '')
    .toSorted((a, b) => b.folds - a.folds)
  for (const section of expendable) {
    if (sizeOf(assemble(sections, dropped)) <= max) break
    dropped.push(section)
  }
  return assemble(sections, dropped)
}
