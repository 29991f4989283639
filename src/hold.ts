import { checkSentinel, compareCounts, type Invariant } from './domain/invariants.ts'
import type { Millis, Witness } from './domain/node.ts'
import type { Doing } from './effects.ts'

export type Held = { ok: boolean; text: string; counts: Record<string, number> }

/** A server that is ready may still be applying what its intake WAL held; after this long, what is missing is missing. */
const PATIENCE: Millis = 10_000

/**
 * Counts and sentinel of a server against what was known before: equal where nobody could write since, else no less. Asked until it
 * holds or the patience is over, and an equality must hold twice, longer apart than a batch takes.
 */
export async function holds(
  d: Doing,
  at: { id: string; url: string },
  known: Witness & { pause: Millis },
): Promise<Held> {
  const until = d.effects.clock.now() + PATIENCE
  const writers = { others: !known.quiet, own: {} }
  let again = false
  for (;;) {
    const counts = await d.effects.probe.counts(at, d.stop)
    const found = await judged(d, at, { known, held: compareCounts(known.counts, counts, writers) })
    if (found.ok && (again || !known.quiet)) return { ok: true, text: found.text, counts }
    if (!found.ok && (d.effects.clock.now() >= until || d.stop.aborted))
      return { ok: false, text: found.text, counts }
    again = found.ok
    await d.effects.clock.sleep(known.pause, d.stop)
  }
}

async function judged(
  d: Doing,
  at: { id: string; url: string },
  seen: { known: Witness; held: Invariant },
): Promise<Invariant> {
  if (!seen.held.ok || !seen.known.sentinel) return seen.held
  const read = checkSentinel(await d.effects.probe.readSentinel(at, seen.known.sentinel, d.stop))
  return read.ok ? seen.held : read
}
