import { readServerConfig } from './config/server-config.ts'
import { type Problem, UserError } from './domain/errors.ts'
import type { Failure } from './domain/event.ts'
import type { Millis, Witness } from './domain/node.ts'
import { planned, node as stateOf } from './domain/rollout.ts'
import { type Doing, target, witnessAt } from './effects.ts'
import { StepFailed } from './node/port.ts'

/** How long a drained node may take to come to rest: requests under way end, and a drain takes hold. */
const PATIENCE: Millis = 10_000

/**
 * A safe stop: where the node was drained, it must be quiet for twice the apply batch, and a message written last must read
 * back. Going back, a server that cannot answer is no reason to leave it running; that it is written to is, where a stop would lose that.
 */
export async function beforeStop(d: Doing, goingBack: boolean): Promise<Witness | undefined> {
  try {
    return await witness(d)
  } catch (error) {
    if (!goingBack || !(error instanceof UserError || error instanceof StepFailed)) throw error
    if (isThrough(error) && !planned(d.r, d.node.id).safeStop.includes('intake-wal')) throw error
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
 * On the way back the rollback point of a node that was drained before its start is put back because nobody wrote since: not so
 * where its data grows, or holds more than at the stop before, when it had been opened `opens` times. What cannot be asked has told
 * nobody that it keeps anything.
 */
export async function writtenThrough(d: Doing, opens: number): Promise<boolean> {
  const before = witnessAt(d, opens)
  try {
    const now = await quietCounts(d, await quietTime(d))
    return before.quiet && Object.entries(now).some(([name, n]) => n > (before.counts[name] ?? n))
  } catch (error) {
    if (error instanceof StepFailed) return isThrough(error)
    if (error instanceof UserError) return false
    throw error
  }
}

/** Totals that two readings agree on, longer apart than a batch takes. */
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

const LETS_WRITES_THROUGH = 'DRAIN_LETS_WRITES_THROUGH'

const isThrough = (error: unknown): boolean =>
  error instanceof StepFailed && error.failure.code === LETS_WRITES_THROUGH

/** Found on the way back: what was written is kept where the old version can read it. */
export const letsWritesThrough = (d: Doing): Problem => ({
  code: LETS_WRITES_THROUGH,
  what: `${d.node.id} was drained, and yet somebody has written to it`,
  because: 'a balancer that was reloaded lets its servers in again, or a writer goes past the drain',
  next: 'nothing: it counts as a node that clients reach, and is drained anew; correct `drain:` so that it holds',
})

const notQuiet = (d: Doing): Failure => ({
  code: LETS_WRITES_THROUGH,
  what: `${d.node.id} is drained, and its data still changes ${PATIENCE / 1000} s later`,
  because: 'somebody writes past the drain, so nobody could say what a stop would cut off',
  next: 'correct `drain:` in the fleet file so that every writer obeys it, or set it to none; the node is left running',
  effect: 'none',
  kind: 'other',
})
