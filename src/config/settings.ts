import * as z from 'zod/mini'
import { fileSchema } from './schema/file.ts'
import { member } from './tree.ts'

/** Through `optional` and default, to the schema that says what a value looks like. */
const unwrap = (schema: unknown): unknown =>
  schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniPrefault
    ? unwrap(schema.def.innerType)
    : schema

/** The settings of a mapping; of a list or an alternative, those of the mappings in it. */
const settingsOf = (schema: unknown): [key: string, inner: unknown][] => {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodMiniArray) return settingsOf(inner.def.element)
  if (inner instanceof z.ZodMiniUnion) return inner.def.options.flatMap(settingsOf)
  return inner instanceof z.ZodMiniObject ? Object.entries(inner.def.shape) : []
}

/** Every setting by its dotted name: `canary.watch`, `nodes.port`. */
const names = (schema: unknown, prefix = ''): string[] =>
  settingsOf(schema).flatMap(([key, inner]) => [`${prefix}${key}`, ...names(inner, `${prefix}${key}.`)])

/** All settings of the file by dotted name, list indices left out. */
export const SETTINGS: readonly string[] = names(fileSchema)

/** The keys that may stand directly under the dotted name (`''` is the top of the file). */
export const keysUnder = (parent: string): string[] => {
  const prefix = parent === '' ? '' : `${parent}.`
  return SETTINGS.filter(name => name.startsWith(prefix))
    .map(name => name.slice(prefix.length))
    .filter(rest => !rest.includes('.'))
}

/** The settings that were not written and have a fixed default, as `name value`, in the order of the schema. */
export const defaultsTaken = (written: unknown): string[] => taken(fileSchema, written, '')

const taken = (schema: unknown, written: unknown, prefix: string): string[] =>
  settingsOf(schema).flatMap(([key, inner]) => {
    const value = member(written, key)
    const usual = inner instanceof z.ZodMiniPrefault ? inner.def.defaultValue : undefined
    if (unwrap(inner) instanceof z.ZodMiniObject)
      return value === undefined && usual === undefined ? [] : taken(unwrap(inner), value, `${prefix}${key}.`)
    return value === undefined && isScalar(usual) ? [`${prefix}${key} ${usual}`] : []
  })

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
