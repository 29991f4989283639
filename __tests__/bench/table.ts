/** One thing that was measured several times, in ms. `against`: the row that it is a multiple of. */
export type Row = { name: string; values: number[]; against?: Row }

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[sorted.length % 2 === 0 ? middle - 1 : middle],
    sorted[middle],
  ]
  return (low + high) / 2
}

const ms = (value: number): string =>
  value < 100
    ? `${value.toFixed(1)} ms`
    : value < 10_000
      ? `${value.toFixed(0)} ms`
      : `${(value / 1000).toFixed(1)} s`

const cells = ({ name, values, against }: Row): string[] => [
  name,
  ms(median(values)),
  `${ms(Math.min(...values))} .. ${ms(Math.max(...values))}`,
  String(values.length),
  against ? `${(median(values) / median(against.values)).toFixed(2)} x ${against.name}` : '',
]

/** Rows as a table for people: median, least and most, how often, and the multiple of the row that it is compared with. */
export function table(rows: Row[]): string {
  const measured = rows.filter(row => row.values.length > 0)
  const lines = [['', 'median', 'min .. max', 'n', 'ratio of medians'], ...measured.map(cells)]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0))) ?? []
  return lines
    .map(line =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
