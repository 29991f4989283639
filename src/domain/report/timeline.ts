import { duration, fullDate, utc } from '../log.ts'
import { mermaid } from '../text.ts'
import type { Inlines } from './inline.ts'
import { table } from './inline.ts'
import type { Segment } from './input.ts'

const maxBars = 100
const maxRows = 300
const day = 86_400_000

const bar = (segment: Segment): string => {
  const seconds = Math.max(1, Math.round((segment.end - segment.start) / 1000))
  return `    ${mermaid(segment.label).padEnd(18)}:${segment.crit ? 'crit' : 'done'}, ${fullDate(segment.start)}, ${seconds}s`
}

/** When there are too many bars: what failed, then the longest, in the order they ran. */
const chosen = (timeline: Segment[]): Segment[] => {
  if (timeline.length <= maxBars) return timeline
  const length = (s: Segment): number => (s.crit ? Number.POSITIVE_INFINITY : s.end - s.start)
  const kept = new Set(timeline.toSorted((a, b) => (length(a) < length(b) ? 1 : -1)).slice(0, maxBars))
  return timeline.filter(segment => kept.has(segment))
}

/**
 * A Mermaid gantt with full dates (Mermaid cuts names at `:` and takes bare times for today's), one section per node.
 * Empty when there is nothing to show. It must stand outside `<details>`: GitHub draws none inside a closed one.
 */
export const gantt = (timeline: Segment[], title: string): string => {
  if (timeline.length === 0) return ''
  const bars = chosen(timeline)
  const sections = [...new Set(bars.map(segment => segment.section))]
  const span = Math.max(...bars.map(s => s.end)) - Math.min(...bars.map(s => s.start))
  const lines = [
    'gantt',
    `  title ${mermaid(title, 100)}`,
    '  dateFormat YYYY-MM-DD HH:mm:ss',
    `  axisFormat ${span > day ? '%d %b %H:%M' : '%H:%M:%S'}`,
    ...sections.flatMap(name => [
      `  section ${mermaid(name)}`,
      ...bars.filter(s => s.section === name).map(bar),
    ]),
  ]
  const left = timeline.length - bars.length
  const note = left > 0 ? `\n\n${left} shorter parts are not drawn; all are in the table below.` : ''
  return `\`\`\`mermaid\n${lines.join('\n')}\n\`\`\`${note}`
}

/** The same as text, every part of it. */
export const timelineTable = (timeline: Segment[]): string => {
  const rows = timeline
    .toSorted((a, b) => a.start - b.start)
    .slice(0, maxRows)
    .map((s): Inlines[] => [
      [utc(s.start)],
      [s.section],
      s.crit ? [{ strong: s.label }] : [s.label],
      [duration(s.end - s.start)],
    ])
  const left = timeline.length - rows.length
  return `${table(['from', 'where', 'what', 'took'], rows)}${left > 0 ? `\n\nand ${left} more parts, in the journal` : ''}`
}
