import {
  endKey,
  deletedKey,
  indexKey,
  kindOf,
  messageKey,
  ownsKey,
  participatesKey,
  threadOf,
  versionKey,
} from './keys.ts'
import type { Change, Database } from './database.ts'
import type { Message, Operation, Thread } from './operation.ts'

export type Stores = { store: Database; index: Database }

/** One batch on its way to disk: later operations of a batch see the earlier ones. */
type Batch = {
  stores: Stores
  store: Map<string, string>
  index: Map<string, string>
  finals: Map<string, string>
}

/**
 * Applies operations in order and commits them, first to `store`, then to `index`. An operation that is refused (no
 * access, unknown thread) is dropped with a log line: a 202 promises nothing. Applying one twice changes nothing.
 */
export async function applyBatch(
  stores: Stores,
  operations: Operation[],
  log: (line: string) => void,
): Promise<void> {
  const batch: Batch = { stores, store: new Map(), index: new Map(), finals: new Map() }
  for (const operation of operations) {
    try {
      await applyOne(batch, operation)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      log(
        `level=ERROR msg=operation_processing_failed op=${operation.do} key=${operation.key} error=${JSON.stringify(why)}`,
      )
    }
  }
  // as the original commits each batch
  await stores.store.write(changes(batch.store), true)
  await stores.index.write(changes(batch.index), true)
}

const changes = (values: Map<string, string>): Change[] => [...values].map(([key, value]) => ({ key, value }))

async function applyOne(batch: Batch, operation: Operation): Promise<void> {
  switch (operation.do) {
    case 'create-thread':
      return createThread(batch, operation)
    case 'update-thread':
    case 'delete-thread':
      return changeThread(batch, operation)
    case 'create-message':
      return createMessage(batch, operation)
    case 'update-message':
    case 'delete-message':
      return changeMessage(batch, operation)
  }
}

async function createThread(batch: Batch, operation: Operation & { do: 'create-thread' }): Promise<void> {
  const { key, title, author } = operation
  const thread: Thread = {
    key,
    title,
    author,
    created_ts: Number(operation.ns),
    updated_ts: Number(operation.ns),
  }
  batch.store.set(key, JSON.stringify(thread))
  if ((await fromIndex(batch, endKey(key))) === undefined) {
    for (const what of ['start', 'end', 'lc', 'lu'] as const) batch.index.set(indexKey(key, what), '0')
  }
  batch.index.set(ownsKey(author, key), '1')
  batch.index.set(participatesKey(key, author), '1')
}

async function changeThread(
  batch: Batch,
  operation: Operation & { do: 'update-thread' | 'delete-thread' },
): Promise<void> {
  await requireAccess(batch, operation.key, operation.author)
  const stored = await fromStore(batch, operation.key)
  if (stored === undefined) throw new Error('failed to get thread: not found')
  const thread: Thread = { ...JSON.parse(stored), updated_ts: Number(operation.ns) }
  if (operation.do === 'delete-thread') {
    thread.deleted = true
    batch.index.set(deletedKey(operation.key), '1')
  }
  batch.store.set(operation.key, JSON.stringify(thread))
}

async function createMessage(batch: Batch, operation: Operation & { do: 'create-message' }): Promise<void> {
  const { thread, author, body, ns } = operation
  await requireAccess(batch, thread, author)
  const key = await finalKey(batch, operation.key)
  const message: Message = { key, thread, author, created_ts: Number(ns), updated_ts: Number(ns), body }
  batch.store.set(key, JSON.stringify(message))
  batch.index.set(indexKey(thread, 'lu'), ns)
}

async function changeMessage(
  batch: Batch,
  operation: Operation & { do: 'update-message' | 'delete-message' },
): Promise<void> {
  await requireAccess(batch, operation.thread, operation.author)
  const key = await finalKey(batch, operation.key)
  const stored = await fromStore(batch, key)
  if (stored === undefined) throw new Error('failed to get message: not found')
  const message: Message = { ...JSON.parse(stored), updated_ts: Number(operation.ns) }
  if (operation.do === 'delete-message') {
    message.deleted = true
    batch.index.set(deletedKey(key), '1')
  } else {
    message.body = operation.body
    batch.store.set(versionKey(key, BigInt(operation.ns), key.split(':')[4] ?? ''), JSON.stringify(message))
  }
  batch.store.set(key, JSON.stringify(message))
}

/** The key a message ends up with: the one it already has, or the next in its thread. */
async function finalKey(batch: Batch, key: string): Promise<string> {
  if (kindOf(key) === 'message') return key
  const known = batch.finals.get(key) ?? (await storedFinalKey(batch.stores.store, key))
  const thread = threadOf(key)
  const end = Number((await fromIndex(batch, endKey(thread))) ?? 0)
  const final = known ?? messageKey(key, end)
  const sequence = Number(final.split(':')[4])
  // A crash between the two commits leaves a stored message that the index does not count yet.
  if (sequence >= end) batch.index.set(endKey(thread), String(sequence + 1))
  batch.finals.set(key, final)
  return final
}

/** The final key of an applied provisional key. */
export async function storedFinalKey(store: Database, provisional: string): Promise<string | undefined> {
  for await (const key of store.keys(`${provisional}:`, { limit: 1 })) return key
  return undefined
}

async function requireAccess(batch: Batch, thread: string, author: string): Promise<void> {
  const owns = await fromIndex(batch, ownsKey(author, thread))
  if (owns !== '1' && (await fromIndex(batch, participatesKey(thread, author))) !== '1')
    throw new Error(`access denied: user ${author} does not have access to thread ${thread}`)
}

const fromStore = async (batch: Batch, key: string): Promise<string | undefined> =>
  batch.store.get(key) ?? (await batch.stores.store.get(key))
const fromIndex = async (batch: Batch, key: string): Promise<string | undefined> =>
  batch.index.get(key) ?? (await batch.stores.index.get(key))
