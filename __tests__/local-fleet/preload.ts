import { join } from 'node:path'
import { makeFolders, openDatabase, type Change } from '../standin/server/database.ts'
import {
  indexKey,
  messageKey,
  ownsKey,
  participatesKey,
  provisionalKey,
  threadKey,
} from '../standin/server/keys.ts'
import { clientOf } from './client.ts'

/** Threads stay small: the original cannot list one of 10,000 messages. */
const PER_THREAD = 500

const bodyOf = (i: number) => ({
  id: `preloaded-${i}`,
  text: `message ${i} of before the rollout. `.repeat(6),
})

/** Fills a stand-in's data folder with messages while no server runs on it. Thousands take well under a second. */
export async function preloadFolder(data: string, messages: number, user: string): Promise<void> {
  makeFolders(data)
  const store = await openDatabase(join(data, 'store'))
  const index = await openDatabase(join(data, 'index'))
  const start = BigInt(Date.UTC(2025, 0, 1)) * 1_000_000n
  for (let first = 0; first < messages; first += PER_THREAD) {
    const count = Math.min(PER_THREAD, messages - first)
    const ns = start + BigInt(first) * 1_000_000n
    const thread = threadKey(ns)
    await store.write(threadRecords({ thread, ns, first, count, user }))
    await index.write(indexRecords(thread, count, user))
  }
  await store.close()
  await index.close()
}

type Filled = { thread: string; ns: bigint; first: number; count: number; user: string }

function threadRecords({ thread, ns, first, count, user }: Filled): Change[] {
  const stamps = (at: bigint) => ({ author: user, created_ts: Number(at), updated_ts: Number(at) })
  const head = {
    key: thread,
    value: JSON.stringify({ key: thread, title: `thread ${first}`, ...stamps(ns) }),
  }
  const messages = Array.from({ length: count }, (_, i) => {
    const at = ns + BigInt(i + 1)
    const key = messageKey(provisionalKey(thread, at), i)
    return { key, value: JSON.stringify({ key, thread, ...stamps(at), body: bodyOf(first + i) }) }
  })
  return [head, ...messages]
}

function indexRecords(thread: string, count: number, user: string): Change[] {
  return [
    { key: indexKey(thread, 'start'), value: '0' },
    { key: indexKey(thread, 'end'), value: String(count) },
    { key: indexKey(thread, 'lc'), value: '0' },
    { key: indexKey(thread, 'lu'), value: '0' },
    { key: ownsKey(user, thread), value: '1' },
    { key: participatesKey(thread, user), value: '1' },
  ]
}

/** The same through a running server, of any kind. */
export async function preloadOverHttp(
  url: string,
  messages: number,
  by: { key: string; user: string },
): Promise<void> {
  const client = clientOf(url, by)
  try {
    for (let first = 0; first < messages; first += PER_THREAD) {
      const thread = await client.createThread(`thread ${first}`)
      while (!(await client.hasThread(thread))) await new Promise(resolve => setTimeout(resolve, 20))
      let last = ''
      for (let i = first; i < Math.min(messages, first + PER_THREAD); i++)
        last = await client.post(thread, bodyOf(i))
      if (!(await client.applied(thread, last)))
        throw new Error(`${url} dropped the last of ${messages} messages`)
    }
  } finally {
    await client.close()
  }
}
