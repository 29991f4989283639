import type { Clock } from './domain/clock.ts'
import type { Body } from './domain/event.ts'
import type { Millis, NodeId } from './domain/node.ts'
import type { Rollout } from './domain/rollout.ts'
import type { NodePort } from './node/port.ts'

type Lost = Extract<Body, { type: 'signal' }>

/**
 * Refreshes every lease that this process holds, three times within its time to live. `lost` resolves when a node says that
 * somebody else has it; a node that cannot be asked is asked again.
 */
export function keepLeases(of: { nodes: ReadonlyMap<NodeId, NodePort>; ttl: Millis; clock: Clock }): {
  lost: Promise<Lost>
  follow(r: Rollout): void
  end(): void
} {
  let latest: Rollout | undefined
  let resolve: (lost: Lost) => void = () => undefined
  const lost = new Promise<Lost>(r => (resolve = r))
  const refresh = async (): Promise<void> => {
    await Promise.all(
      held(latest).map(async ({ id, token }) => {
        const answer = await of.nodes
          .get(id)
          ?.refresh(token, of.ttl)
          .catch(() => 'held')
        if (answer === 'lost' && held(latest).some(h => h.id === id && h.token === token))
          resolve({ type: 'signal', what: 'lease-lost' })
      }),
    )
  }
  const over = new AbortController()
  const every = async (period: Millis): Promise<void> => {
    while (!over.signal.aborted) {
      await of.clock.sleep(period, over.signal)
      // a node that is slow to answer keeps no other one waiting
      if (!over.signal.aborted) void refresh()
    }
  }
  void every(Math.max(1000, of.ttl / 3))
  return { lost, follow: r => (latest = r), end: () => over.abort() }
}

function held(r: Rollout | undefined): { id: NodeId; token: number }[] {
  const leaving = lettingGo(r)
  return Object.entries(r?.nodes ?? {}).flatMap(([id, { seen }]) => {
    if (seen === 'unknown' || seen.lease === 'free' || seen.lease.parked || leaving.has(id)) return []
    return seen.lease.process === r?.by.process ? [{ id, token: seen.lease.token }] : []
  })
}

/** Nodes whose lease this process is giving up right now: that it is gone is no loss, and a parked one has a time of its own. */
const lettingGo = (r: Rollout | undefined): Set<NodeId> =>
  new Set(
    Object.values(r?.inFlight ?? {}).flatMap(command =>
      command.kind === 'step' && (command.step.do === 'release' || command.step.do === 'park')
        ? [command.node]
        : [],
    ),
  )
