import { applyBatch, storedFinalKey, type Stores } from './apply.ts'
import type { Database } from './database.ts'
import { kindOf } from './keys.ts'
import type { Operation } from './operation.ts'

/** A write that was taken in and is not applied yet. `logged` is its key in the intake WAL. */
type Entry = { operation: Operation; logged: string }

export type Intake = {
  /** Resolves when the write may be acknowledged: at once, or with an intake WAL once it is on disk. */
  take(operation: Operation): Promise<'taken' | 'full' | 'closed'>
  /** The key as stored. Waits for a message that is on its way; undefined when there is none. */
  resolve(key: string): Promise<string | undefined>
  /** Stops taking writes, applies what the running and the next batch hold, and drops the backlog behind them. */
  close(): Promise<void>
  applied(): number
}

type Options = {
  stores: Stores
  wal: Database | undefined
  /** What an earlier process had acknowledged and logged: queued first, visible once its batch is applied. */
  backlog: Entry[]
  capacity: number
  batch: { count: number; timeout: number }
  log: (line: string) => void
  afterBatch: (applied: number) => Promise<void>
}

/**
 * The queue in front of the databases. Acknowledged is not stored: with no WAL a write is in memory until its batch is
 * applied. As in the original, a stop applies the batch at hand and forgets the queue behind it, WAL or not; with a WAL
 * the next start replays it.
 */
export function openIntake(options: Options): Intake {
  const { stores, wal, batch } = options
  const queue: Entry[] = [...options.backlog]
  const buffer: Entry[] = []
  const waiting = new Map<string, { promise: Promise<void>; done: () => void }>()
  const append = wal && walAppender(wal)
  let pending = queue.length
  let sequence = 0
  let applied = 0
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  const pump = () => {
    while (buffer.length < batch.count && queue.length > 0) buffer.push(queue.shift()!)
    if (running || buffer.length === 0) return
    if (buffer.length >= batch.count || closed) flush()
    else timer ??= setTimeout(flush, batch.timeout)
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const entries = buffer.splice(0)
    running = commit(entries).finally(() => {
      running = undefined
      pump()
    })
  }
  const commit = async (entries: Entry[]) => {
    await applyBatch(
      stores,
      entries.map(entry => entry.operation),
      options.log,
    )
    await wal?.write(entries.map(entry => ({ key: entry.logged, remove: true })))
    pending -= entries.length
    applied += entries.length
    for (const { operation } of entries) settle(operation.key)
    await options.afterBatch(applied)
  }
  const settle = (key: string) => {
    waiting.get(key)?.done()
    waiting.delete(key)
  }
  const take = async (operation: Operation) => {
    if (closed) return 'closed'
    if (pending >= options.capacity) return 'full'
    pending++
    const entry = { operation, logged: walKey(sequence++) }
    await append?.(entry)
    if (operation.do === 'create-message') waiting.set(operation.key, signal())
    queue.push(entry)
    pump()
    return 'taken'
  }
  const resolve = async (key: string) => {
    if (kindOf(key) !== 'provisional') return key
    await waiting.get(key)?.promise
    return storedFinalKey(stores.store, key)
  }
  const idle = async (): Promise<void> => {
    if (running) await running.then(idle)
  }
  const close = async () => {
    closed = true
    queue.length = 0
    pump()
    await idle()
    for (const key of waiting.keys()) settle(key)
  }
  pump()
  return { take, resolve, close, applied: () => applied }
}

/** What an earlier process had acknowledged, logged and not applied, in order. */
export async function readBacklog(wal: Database): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const [logged, value] of wal.scan('')) entries.push({ operation: JSON.parse(value), logged })
  return entries
}

/** The run's start keeps numbers of one process behind those an earlier one may have left. */
const RUN = String(Date.now()).padStart(14, '0')
const walKey = (sequence: number): string => `${RUN}${String(sequence).padStart(10, '0')}`

/** Writes that arrive while the disk is busy share the next synchronous write. */
function walAppender(wal: Database): (entry: Entry) => Promise<void> {
  let next: Entry[] = []
  let writing: Promise<void> = Promise.resolve()
  let shared: Promise<void> | undefined
  return entry => {
    next.push(entry)
    shared ??= writing.then(() => {
      const entries = next
      next = []
      shared = undefined
      writing = wal.write(
        entries.map(({ operation, logged }) => ({ key: logged, value: JSON.stringify(operation) })),
        true,
      )
      return writing
    })
    return shared
  }
}

function signal(): { promise: Promise<void>; done: () => void } {
  let done = () => {}
  const promise = new Promise<void>(resolve => (done = resolve))
  return { promise, done }
}
