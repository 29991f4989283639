import { printable } from '../domain/text.ts'

/** A value of the file or of an input within a sentence, on one line and bounded. */
export const shown = (value: unknown): string => {
  if (value === null || value === '') return 'empty'
  if (typeof value === 'string') return `"${printable(value, 60)}"`
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  return Array.isArray(value) ? `a list of ${value.length}` : 'a mapping'
}
