import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientOf, type Client } from './client.ts'

/** A write that the server took: `id` is in the message's body, `key` the provisional key, `at` ms since the epoch. */
export type Acknowledged = { node: string; thread: string; key: string; id: string; at: number }

export type Writer = {
  acknowledged: Acknowledged[]
  /** Tries that were not acknowledged; what became of them is unknown, and nobody was promised anything. */
  failed: () => number
  /** Waits for the writes under way. */
  stop: () => Promise<void>
}

export type WriterOptions = {
  nodes: { name: string; url: string; drainMark?: string }[]
  /** API key and user of its own. */
  key: string
  user?: string
  /** Writes per second and node. */
  rate: number
  /** Append-only JSONL of what was acknowledged. */
  file: string
  /** Rest on a node while its drain mark is there. */
  obeyDrain?: boolean
}

/** Threads stay small: the original cannot list one of 10,000 messages. */
const PER_THREAD = 1000
/** A node that was silent for so long may have been restarted or restored since. */
const SILENCE = 150

/** Writes to every node at a constant rate until stopped, through restarts, and records what was acknowledged. */
export function startWriter(options: WriterOptions): Writer {
  const acknowledged: Acknowledged[] = []
  const stop = new AbortController()
  let failed = 0
  const record = (write: Acknowledged) => {
    acknowledged.push(write)
    appendFileSync(options.file, `${JSON.stringify(write)}\n`)
  }
  const loops = options.nodes.map(node =>
    writeTo(node, options, { stop: stop.signal, record, missed: () => failed++ }),
  )
  return {
    acknowledged,
    failed: () => failed,
    stop: async () => {
      stop.abort()
      await Promise.all(loops)
    },
  }
}

type Course = { stop: AbortSignal; record: (write: Acknowledged) => void; missed: () => void }

async function writeTo(
  node: WriterOptions['nodes'][number],
  options: WriterOptions,
  course: Course,
): Promise<void> {
  const client = clientOf(node.url, { key: options.key, user: options.user ?? 'writer', limit: 3000 })
  const period = 1000 / options.rate
  const threads = threadKeeper(client, `writer on ${node.name}`)
  for (
    let due = performance.now();
    !course.stop.aborted;
    due = Math.max(due + period, performance.now() - 1000)
  ) {
    await sleep(Math.max(0, due - performance.now()))
    if (options.obeyDrain && node.drainMark !== undefined && existsSync(node.drainMark)) continue
    try {
      const thread = await threads.current()
      const id = randomUUID()
      const key = await client.post(thread, { id })
      threads.used()
      course.record({ node: node.name, thread, key, id, at: Date.now() })
    } catch {
      threads.interrupted()
      course.missed()
    }
  }
  await client.close()
}

/**
 * The thread to write to. A server takes a message for a thread it does not have and drops it, so after every
 * interruption the thread is looked up before it is used again, and made anew where a restore took it away.
 */
function threadKeeper(client: Client, title: string) {
  let thread = ''
  let writes = 0
  let usedAt = -Infinity
  const current = async (): Promise<string> => {
    if (writes < PER_THREAD && performance.now() - usedAt < SILENCE) return thread
    if (thread === '' || writes >= PER_THREAD || !(await client.hasThread(thread))) {
      const created = await client.createThread(title)
      for (const until = performance.now() + 3000; !(await client.hasThread(created)); await sleep(20)) {
        if (performance.now() > until) throw new Error(`${created} did not become visible`)
      }
      thread = created
      writes = 0
    }
    return thread
  }
  return {
    current,
    used: () => {
      writes++
      usedAt = performance.now()
    },
    interrupted: () => {
      usedAt = -Infinity
    },
  }
}
