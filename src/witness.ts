import { readServerConfig } from './config/server-config.ts'
import { UserError } from './domain/errors.ts'
import type { Failure } from './domain/event.ts'
import type { Millis, Witness } from './domain/node.ts'
import { node as stateOf } from './domain/rollout.ts'
import { type Doing, target } from './effects.ts'
import { StepFailed } from './node/port.ts'

/** How long a drained node may take to come to rest: requests under way end, and a drain takes hold. */
const PATIENCE: Millis = 10_000

/**
 * A safe stop: where the node was drained, it must be quiet for twice the apply batch, and a message written last must read
 * back. Going back, a server that cannot answer is no reason to leave it running.
 */
export async function beforeStop(d: Doing, goingBack: boolean): Promise<Witness | undefined> {
  try {
    return await witness(d)
  } catch (error) {
    if (!goingBack || !(error instanceof UserError || error instanceof StepFailed)) throw error
    return undefined
  }
}

/** What is known of the node's data right now. Throws `StepFailed` where a write is not applied, or a drained node is written to. */
export async function witness(d: Doing): Promise<Witness> {
  const seen = stateOf(d.r, d.node.id).seen
  const drained = seen !== 'unknown' && seen.traffic === 'drained'
  const { probe, clock } = d.effects
  const sentinel = await probe.writeSentinel(target(d), d.stop)
  const pause = drained ? await quietTime(d) : 0
  await clock.sleep(pause, d.stop)
  const barrier = await probe.barrier(target(d), d.stop)
  if (!barrier.ok) throw new StepFailed(notApplied(d, barrier.why))
  const counts = drained ? await quietCounts(d, pause) : await probe.counts(target(d), d.stop)
  return { counts, quiet: drained, ...(sentinel ? { sentinel } : {}) }
}

/** Longer than twice the apply batch. */
export async function quietTime(d: Doing): Promise<Millis> {
  const { facts } = await d.node.inspect()
  return 2 * readServerConfig(facts.configText).applyBatch + 100
}

/**
 * Totals that two readings agree on, longer apart than a batch takes. On the way back a drained node's snapshot is restored
 * because nobody wrote to it: a drain that lets writes through must be found before the stop.
 */
async function quietCounts(d: Doing, pause: Millis): Promise<Witness['counts']> {
  const { probe, clock } = d.effects
  const until = clock.now() + PATIENCE
  let last = await probe.counts(target(d), d.stop)
  for (;;) {
    await clock.sleep(pause, d.stop)
    const now = await probe.counts(target(d), d.stop)
    if (JSON.stringify(now) === JSON.stringify(last)) return now
    if (d.stop.aborted || clock.now() >= until) throw new StepFailed(notQuiet(d))
    last = now
  }
}

const notApplied = (d: Doing, why: string): Failure => ({
  code: 'WRITE_NOT_APPLIED',
  what: `${d.node.id}: a message that it accepted cannot be read back, so stopping it could lose writes`,
  because: why,
  next: 'look at its log; it is left running',
  effect: 'none',
  kind: 'stop',
})

const notQuiet = (d: Doing): Failure => ({
  code: 'DRAIN_LETS_WRITES_THROUGH',
  what: `${d.node.id} is drained, and its data still changes ${PATIENCE / 1000} s later`,
  because: 'somebody writes past the drain, so nobody could say what a stop would cut off',
  next: 'correct `drain:` in the fleet file so that every writer obeys it, or set it to none; the node is left running',
  effect: 'none',
  kind: 'other',
})
