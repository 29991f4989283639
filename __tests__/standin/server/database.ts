import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'

/** A LevelDB folder as one release sees it. Keys of a release that hides data live behind a prefix of their own. */
export type Database = {
  get(key: string): Promise<string | undefined>
  has(key: string): Promise<boolean>
  write(changes: Change[], sync?: boolean): Promise<void>
  /** Entries whose key starts with `prefix`, in key order. `limit` -1 is all. */
  scan(prefix: string, options?: Scan): AsyncIterable<[string, string]>
  keys(prefix: string, options?: Scan): AsyncIterable<string>
  close(): Promise<void>
}
export type Change = { key: string; value: string } | { key: string; remove: true }
/** `before` and `after` are keys, both exclusive. */
export type Scan = { reverse?: boolean; limit?: number; before?: string; after?: string }

const STATE = ['telemetry', 'audit', 'retention', 'backups', 'tmp', 'logs'].map(name => `state/${name}`)
const FOLDERS = ['store', 'index', 'wal', 'kms', 'state', ...STATE]
/** Sorts after every key of the original. */
const HIDDEN = '~'

/** Makes the folders of a database. Throws when one is a symbolic link, as the original does. */
export function makeFolders(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o700 })
  for (const name of FOLDERS) {
    const path = join(root, name)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (lstatSync(path).isSymbolicLink()) throw new Error(`${path} is a symlink`)
  }
}

/** Opens one folder. Rejects when another process has it open. `view` is a name for hidden data, '' for the shared. */
export async function openDatabase(path: string, view = ''): Promise<Database> {
  const level = new ClassicLevel(path, { writeBufferSize: 1 << 20, maxFileSize: 1 << 20 })
  try {
    await level.open()
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new Error(
      `failed to open database at ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause: error,
      },
    )
  }
  const inside = view === '' ? '' : `${HIDDEN}${view}${HIDDEN}`
  const range = (prefix: string, { reverse = false, limit = -1, before, after }: Scan = {}) => ({
    ...(after === undefined ? { gte: inside + prefix } : { gt: inside + after }),
    lt: inside + (before ?? (prefix === '' ? HIDDEN : `${prefix}\uffff`)),
    reverse,
    limit,
  })
  return {
    get: key => level.get(inside + key),
    has: key => level.has(inside + key),
    write: (changes, sync = false) =>
      level.batch(
        changes.map(change =>
          'remove' in change
            ? { type: 'del' as const, key: inside + change.key }
            : { type: 'put' as const, key: inside + change.key, value: change.value },
        ),
        { sync },
      ),
    async *scan(prefix, options) {
      for await (const [key, value] of level.iterator(range(prefix, options)))
        yield [key.slice(inside.length), value]
    },
    async *keys(prefix, options) {
      for await (const key of level.keys(range(prefix, options))) yield key.slice(inside.length)
    },
    close: () => level.close(),
  }
}

/** How many keys start with `prefix`. */
export async function count(database: Database, prefix: string): Promise<number> {
  let found = 0
  for await (const _ of database.keys(prefix)) found++
  return found
}
