import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'
import { fileSchema } from '../src/config/schema/file.ts'

/** Where the JSON Schema for editors lies. */
export const SCHEMA_FILE = fileURLToPath(new URL('../docs/rollout.schema.json', import.meta.url))

/** The JSON Schema of the fleet file as written, from the very schema that reads it. */
export const rolloutSchema = (): object => {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' })
  return {
    $schema,
    title: 'Fleet file of progressdb-rollout',
    description: 'How a fleet is taken from one release to the next.',
    ...schema,
  }
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, `${JSON.stringify(rolloutSchema(), null, 2)}\n`)
