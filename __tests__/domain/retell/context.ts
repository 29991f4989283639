import type { Event } from '../../../src/domain/event.ts'
import type { ReportInput } from '../../../src/domain/report/input.ts'
import { type Context, retell } from '../../../src/domain/retell.ts'

export const context: Context = {
  asked: { mode: 'release', tag: 'v2.0.0' },
  who: '@ana',
  at: 0,
  problems: [],
  keep: 1000,
  links: [],
  engine: { version: 'v1.0.0', node: '24' },
  places: { install: { 'db-1': '/opt/progressdb' }, binary: 'progressdb' },
}

/** Throws where there is nothing to say. */
export function told(events: readonly Event[], more: Partial<Context> = {}): ReportInput {
  const input = retell(events, { ...context, ...more })
  if (!input) throw new Error('nothing was told')
  return input
}
