import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientOf, type Client } from './client.ts'
import { serverYaml, type Keys } from './server-config.ts'
import { freePorts, ready, startServer, stopProcess } from './server-process.ts'
import type { Acknowledged } from './writer.ts'

export type Tally = {
  acknowledged: number
  found: number
  missing: Acknowledged[]
  /** `9,312 writes acknowledged, 9,312 found` */
  line: string
}

/** Compares what was promised with what was read back, node by node. */
export function tally(acknowledged: Acknowledged[], read: Map<string, Set<string>>): Tally {
  const missing = acknowledged.filter(write => read.get(write.node)?.has(write.id) !== true)
  const found = acknowledged.length - missing.length
  const number = (n: number) => n.toLocaleString('en-US')
  return {
    acknowledged: acknowledged.length,
    found,
    missing,
    line: `${number(acknowledged.length)} writes acknowledged, ${number(found)} found`,
  }
}

/** Reads what the writer recorded; a last line that was cut is no record. */
export async function readAcknowledged(file: string): Promise<Acknowledged[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): Acknowledged => JSON.parse(line))
}

/**
 * Every message body's id that a running node holds in the threads these writes went to. Looks again for a while when one
 * is missing: a server that was just started answers before what it replays from its intake WAL is visible.
 */
export async function readNode(
  url: string,
  key: string,
  writes: Acknowledged[],
  user = 'writer',
): Promise<Set<string>> {
  const client = clientOf(url, { key, user, limit: 15_000 })
  try {
    for (let looks = 1; ; looks++) {
      const ids = await readThreads(client, writes)
      if (looks === LOOKS || writes.every(write => ids.has(write.id))) return ids
      await sleep(500)
    }
  } finally {
    await client.close()
  }
}

const LOOKS = 4

async function readThreads(client: Client, writes: Acknowledged[]): Promise<Set<string>> {
  const last = writes.at(-1)
  // Acknowledged is not yet visible: reading the newest by its key waits for its batch, and so for all before it.
  if (last) await client.applied(last.thread, last.key)
  const ids = new Set<string>()
  for (const thread of new Set(writes.map(write => write.thread))) {
    for (const body of await client.bodies(thread)) ids.add(idOf(body))
  }
  return ids
}

const idOf = (body: unknown): string =>
  typeof body === 'object' && body !== null && 'id' in body ? String(body.id) : ''

/**
 * The same of a data folder that nothing serves, such as one that was set aside: this program is started on a copy of
 * it, on a free port and with recovery on, and stopped again. The folder itself is only read.
 */
export async function readFolder(
  folder: string,
  binary: string,
  { keys, writes, user }: { keys: Keys; writes: Acknowledged[]; user?: string },
): Promise<Set<string>> {
  const home = await mkdtemp(join(tmpdir(), 'checker-'))
  const [port = 0] = await freePorts(1)
  const [data, config] = [join(home, 'data'), join(home, 'config.yaml')]
  try {
    await cp(folder, data, { recursive: true })
    await writeFile(config, serverYaml({ port, data, keys, walOn: true }), { mode: 0o600 })
    await mkdir(join(home, 'scratch'))
    const env = { PROGRESSDB_ABORT_SECONDS: '0' }
    const server = startServer({ binary, config, log: join(home, 'log'), cwd: join(home, 'scratch'), env })
    try {
      await Promise.race([ready(`http://127.0.0.1:${port}`), server.exited.then(code => refused(code, home))])
      return await readNode(`http://127.0.0.1:${port}`, keys.checker, writes, user)
    } finally {
      await stopProcess(server.pid)
    }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function refused(code: number | string, home: string): Promise<never> {
  throw new Error(
    `the server ended with ${code} on a copy of the folder:\n${await readFile(join(home, 'log'), 'utf8')}`,
  )
}

/** The nodes that can be read, all at once. */
export async function readFleet(
  nodes: { name: string; url: string }[],
  key: string,
  writes: Acknowledged[],
): Promise<Map<string, Set<string>>> {
  const read = nodes.map(async ({ name, url }) => {
    const own = writes.filter(write => write.node === name)
    return [name, await readNode(url, key, own)] as const
  })
  return new Map(await Promise.all(read))
}
