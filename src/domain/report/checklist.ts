import { toMarkdown } from './inline.ts'
import type { Checklist, ChecklistItem } from './input.ts'

const labels: Record<ChecklistItem, string> = {
  artifacts: 'Artifacts',
  backup: 'Back up',
  staging: 'Staging',
  canary: 'Canary',
  remainder: 'Remainder',
  retention: 'One retention period',
}

const items: ChecklistItem[] = ['artifacts', 'backup', 'staging', 'canary', 'remainder', 'retention']

/** The release checklist as a task list: a box is ticked by evidence only; what was not reached says so. */
export const checklist = (done: Checklist): string =>
  items
    .map(item => {
      const entry = done[item]
      return `- [${entry?.done ? 'x' : ' '}] ${toMarkdown([`${labels[item]}: ${entry?.evidence ?? 'not reached'}`], 'inline')}`
    })
    .join('\n')
