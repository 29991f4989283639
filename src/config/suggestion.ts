/** How many single-character changes lead from one word to the other. */
const distance = (a: string, b: string): number => {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const change = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(change, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    above = current
  }
  return above[b.length] ?? 0
}

/** `maxParallel` and `max_parallel` in the file's own spelling, `max-parallel`. */
const kebab = (word: string): string =>
  word
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()

/** The known word that was probably meant, or `undefined`. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const meant = kebab(word.slice(0, 100))
  const close = known
    .map(candidate => ({ candidate, changes: distance(meant, candidate) }))
    .filter(({ candidate, changes }) => changes <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.changes - b.changes)
  return close[0]?.candidate
}
