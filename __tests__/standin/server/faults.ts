import type { Faults } from '../version.ts'
import { count, type Database } from './database.ts'
import { kindOf, endKey, threadOf } from './keys.ts'
import type { Stores } from './apply.ts'

const FORMAT = 'system:format'
const KIND = 'system:kind:'
const DROPPED = 'system:dropped:'

/** Throws when this release cannot read what a newer one wrote. */
export async function refuseUnknownData(
  store: Database,
  { migratesTo = 1, lateRecord }: Faults,
): Promise<void> {
  const format = Number((await store.get(FORMAT)) ?? 1)
  if (format > migratesTo)
    throw new Error(`database format ${format} is newer than ${migratesTo}, the newest this release reads`)
  for await (const key of store.keys(KIND)) {
    if (!lateRecord) throw new Error(`unknown record kind ${key.slice(KIND.length)}`)
  }
}

/** What a release does to the data at its first start on it. Safe to run again after a crash. */
export async function changeData(stores: Stores, version: string, faults: Faults): Promise<void> {
  if (faults.migratesTo !== undefined) await migrate(stores.store, faults.migratesTo)
  const mark = DROPPED + version
  if (faults.dropsData === undefined || (await stores.store.has(mark))) return
  await drop(stores, faults.dropsData)
  await stores.store.write([{ key: mark, value: '1' }])
}

async function migrate(store: Database, format: number): Promise<void> {
  if (Number((await store.get(FORMAT)) ?? 1) >= format) return
  for await (const page of pages(store)) {
    await store.write(
      page.map(([key, value]) => ({ key, value: JSON.stringify({ ...JSON.parse(value), format }) })),
    )
  }
  await store.write([{ key: FORMAT, value: String(format) }], true)
}

/** Deletes a share of the messages, and with all of them gone their threads too. */
async function drop(stores: Stores, share: number): Promise<void> {
  const next = evenly(share)
  for await (const page of pages(stores.store)) {
    const keys = page.map(([key]) => key)
    const messages = keys.filter(key => kindOf(key) === 'message' && next())
    const threads = share === 1 ? keys.filter(key => kindOf(key) === 'thread') : []
    await stores.store.write([...messages, ...threads].map(key => ({ key, remove: true })))
  }
  for await (const key of stores.index.keys('idx:')) {
    const thread = threadOf(key.slice('idx:'.length))
    if (key === endKey(thread))
      await stores.index.write([{ key, value: String(await count(stores.store, `${thread}:m:`)) }])
  }
}

/** True for the given share of the calls, evenly spread, so that a test can count on it. */
function evenly(share: number): () => boolean {
  let due = 0
  return () => {
    due += share
    if (due < 1) return false
    due -= 1
    return true
  }
}

async function* pages(store: Database): AsyncIterable<[string, string][]> {
  let page: [string, string][] = []
  for await (const entry of store.scan('t:')) {
    page.push(entry)
    if (page.length < 1000) continue
    yield page
    page = []
  }
  yield page
}

/** Writes the record that other releases refuse, once it is due. */
export async function writeLateRecord(
  store: Database,
  { lateRecord }: Faults,
  applied: number,
): Promise<boolean> {
  if (!lateRecord || applied < (lateRecord.writes ?? 0)) return false
  await store.write([{ key: `${KIND}2`, value: '1' }], true)
  return true
}

export type RequestFaults = {
  /** How long this API request must wait, in ms, and whether it is answered 500 instead of being done. */
  next(): { wait: number; fail: boolean }
}

export function requestFaults(faults: Faults, sinceStart: () => number): RequestFaults {
  const fails = evenly(faults.errorRate ?? 0)
  return {
    next: () => {
      if (faults.liesOnHealth) return { wait: 0, fail: true }
      if (sinceStart() < (faults.faultsAfter ?? 0)) return { wait: 0, fail: false }
      return { wait: faults.slow ?? 0, fail: fails() }
    },
  }
}

/** Takes memory at the given rate and never gives it back. */
export function leak({ leak = 0, faultsAfter = 0 }: Faults): void {
  if (leak === 0) return
  const lost: Buffer[] = []
  setTimeout(() => setInterval(() => lost.push(Buffer.alloc(Math.round(leak / 10), 1)), 100), faultsAfter)
}
