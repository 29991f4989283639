import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fromJSONSchema } from 'zod'
import { rolloutSchema, SCHEMA_FILE } from '../../scripts/schema.ts'
import { parseConfig } from '../../src/config/file.ts'
import { EXAMPLE_FLEET } from '../../src/config/help.ts'
import { SETTINGS } from '../../src/config/settings.ts'

const committed: unknown = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'))

describe('docs/rollout.schema.json', () => {
  test('is fresh (else: node scripts/schema.ts, then format)', () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(rolloutSchema())))
  })

  test('describes every setting of a mapping', () => {
    expect(SETTINGS.length).toBeGreaterThan(60)
    expect(undescribed(committed, '')).toEqual([])
  })

  const schema = fromJSONSchema({ ...rolloutSchema() })

  test.each([
    EXAMPLE_FLEET,
    'profile: progressdb\nlocal: true\nprocess: {}\ninstall: /opt/progressdb\ndata: /var/lib/progressdb\nnodes: [db-1]\nrepository: a/b\ncanary: { nodes: 1, watch: 10m }',
    'local: true\nprocess: { args: [serve] }\ninstall: /opt/a\ndata: /srv/a\nrepository: a/b\nnodes: [{ name: db-2, host: localhost, port: 81 }]\ncanary: { name: db-2 }\ndrain: { commands: { out: a, in: b } }\ndisk-reserve: 0.2',
  ])('and the reader accept the examples', text => {
    expect(schema.safeParse(parse(text)).success).toBe(true)
    expect(parseConfig(text, 'f.yml').nodes.length).toBeGreaterThan(0)
  })

  test.each([
    'nodes: [a]\nquux: 1',
    'nodes: [a]\ncanary: { watch: 10 }',
    'local: true',
    'nodes: [{ nam: a }]',
  ])('refuses %s', text => {
    expect(schema.safeParse(parse(text)).success).toBe(false)
  })
})

type Json = { [key: string]: unknown }
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Properties without a description, by path; the ones of `releases` speak for themselves. */
const undescribed = (schema: unknown, path: string): string[] => {
  if (Array.isArray(schema)) return schema.flatMap(inner => undescribed(inner, path))
  if (!isObject(schema)) return []
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  return [
    ...properties
      .filter(([, inner]) => !isObject(inner) || typeof inner['description'] !== 'string')
      .map(([key]) => `${path}${key}`),
    ...properties.flatMap(([key, inner]) => undescribed(inner, `${path}${key}.`)),
    ...['items', 'anyOf', 'additionalProperties'].flatMap(key => undescribed(schema[key], path)),
  ]
}
