/** The candidate that `wanted` is most likely a misspelling of: at most a third of its letters differ. */
export const nearest = (wanted: string, candidates: readonly string[]): string | undefined => {
  const bound = Math.max(1, Math.floor(wanted.length / 3))
  return candidates
    .map(name => ({ name, distance: editDistance(wanted, name, bound) }))
    .filter(c => c.distance <= bound)
    .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))[0]?.name
}

/** Letters to insert, delete or replace; anything beyond `bound` is answered as `bound + 1` when lengths alone say so. */
export const editDistance = (a: string, b: string, bound = Infinity): number => {
  if (Math.abs(a.length - b.length) > bound) return bound + 1
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replace, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    above = row
  }
  return above[b.length] ?? 0
}
