import { type Problem, UserError } from '../domain/errors.ts'
import type { Event } from '../domain/event.ts'

/** The schema that this version writes. */
export const SCHEMA = 1

/** Turns a line of schema n into one of n + 1. Every older schema is read for ever. */
const upcasters: Record<number, (line: Record<string, unknown>) => Record<string, unknown>> = {}

/**
 * One journal or record line as an event of today's schema.
 * Throws `UserError` for a line that no version of the product wrote, or that a newer one did.
 */
export function readLine(text: string, where: string): Event {
  const line = parsed(text)
  const schema = line?.['schema']
  if (line === undefined || typeof schema !== 'number' || typeof line['type'] !== 'string') {
    throw new UserError(unreadable(where))
  }
  if (schema > SCHEMA) throw new UserError(newer(where, schema))
  let current = line
  for (let at = schema; at < SCHEMA; at++) {
    const up = upcasters[at]
    if (!up) throw new UserError(unreadable(where))
    current = up(current)
  }
  if (!isEvent(current)) throw new UserError(unreadable(where))
  return current
}

const isEvent = (line: Record<string, unknown>): line is Event & Record<string, unknown> =>
  typeof line['seq'] === 'number' && typeof line['at'] === 'number' && typeof line['type'] === 'string'

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const unreadable = (where: string): Problem => ({
  code: 'JOURNAL_UNREADABLE',
  what: `${where} is not a line of a rollout journal`,
  because: 'it was changed by hand, or the file belongs to something else',
  next: 'move the file away and run `progressdb-rollout recover`: it asks the nodes what they are',
  where,
})

const newer = (where: string, schema: number): Problem => ({
  code: 'JOURNAL_NEWER',
  what: `${where} was written by a newer progressdb-rollout (schema ${schema}; this one reads up to ${SCHEMA})`,
  next: 'use the version of the action that wrote it, or a newer one',
  where,
})
