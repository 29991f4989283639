import { join } from 'node:path'
import type { Event } from '../domain/event.ts'
import type { NodeId } from '../domain/node.ts'
import { writeReport } from '../github/summary.ts'

/** What a node answers of its server's output. Rejects where it cannot be asked. */
type Logs = { serverLogs(lives: number): Promise<{ name: string; text: string }[]> }

/**
 * Fetches the end of what the servers wrote since this rollout first started one on them, without secrets, to
 * `<folder>/<node>.server.log`. A node that it never started a server on has none; nor has one that cannot be asked any more.
 */
export async function keepServerLogs(
  events: readonly Event[],
  to: { nodes: ReadonlyMap<NodeId, Logs>; folder: string; redact: (text: string) => string },
): Promise<void> {
  const kept = [...starts(events)].map(async ([node, lives]) => {
    const logs = await to.nodes.get(node)?.serverLogs(lives)
    for (const { name, text } of logs ?? [])
      if (text !== '')
        await writeReport(join(to.folder, `${node.replace(/[^\w.-]/g, '_')}.${name}`), text, to.redact)
  })
  await Promise.allSettled(kept)
}

/** How often this rollout started a server on each node. */
function starts(events: readonly Event[]): Map<NodeId, number> {
  const count = new Map<NodeId, number>()
  for (const e of events) {
    if (e.type !== 'started' || e.command.kind !== 'step') continue
    const { step, node } = e.command
    if (step.do === 'start' || step.do === 'back') count.set(node, (count.get(node) ?? 0) + 1)
  }
  return count
}
