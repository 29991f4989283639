import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeConfig } from '../config/config.ts'
import type { Event } from '../domain/event.ts'
import type { Millis, NodeId } from '../domain/node.ts'
import { writeReport } from '../github/summary.ts'

const LONGEST = 200_000

/** The server's output of its present life, and of the one before. */
const NAMES = ['server.log', 'server.log.1']

/**
 * Copies the end of what the servers wrote since this rollout first started one on them, without secrets, to
 * `<folder>/<node>.server.log`. A node that it never started a server on has none; nor has one whose log is gone.
 */
export async function keepServerLogs(
  events: readonly Event[],
  to: { nodes: readonly NodeConfig[]; folder: string; redact: (text: string) => string },
): Promise<void> {
  const since = firstStarts(events)
  for (const { name, install } of to.nodes) {
    const at = since.get(name)
    if (at === undefined) continue
    for (const file of NAMES) {
      const text = await writtenSince(join(install, 'state', file), at)
      if (text !== '')
        await writeReport(join(to.folder, `${name.replace(/[^\w.-]/g, '_')}.${file}`), text, to.redact)
    }
  }
}

function firstStarts(events: readonly Event[]): Map<NodeId, Millis> {
  const first = new Map<NodeId, Millis>()
  for (const e of events) {
    if (e.type !== 'started' || e.command.kind !== 'step') continue
    const { step, node } = e.command
    if ((step.do === 'start' || step.do === 'back') && !first.has(node)) first.set(node, e.at)
  }
  return first
}

/** The last whole lines of a file that was written to since; '' for any other. */
async function writtenSince(file: string, since: Millis): Promise<string> {
  const found = await stat(file).catch(() => undefined)
  if (!found?.isFile() || found.mtimeMs < since) return ''
  const handle = await open(file)
  try {
    const start = Math.max(0, found.size - LONGEST)
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(Math.min(found.size, LONGEST)),
      0,
      undefined,
      start,
    )
    const text = buffer.toString('utf8', 0, bytesRead)
    // a line that was cut could hold half a secret, which nothing would find
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1)
  } finally {
    await handle.close()
  }
}
