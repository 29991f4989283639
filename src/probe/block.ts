import type { Clock } from '../domain/clock.ts'
import { record } from '../domain/judge/histogram.ts'
import { mergeProbes } from '../domain/judge/merge.ts'
import type { Histogram, NodeBlock, ProbeCounts } from '../domain/measurement.ts'
import type { Millis } from '../domain/node.ts'
import type { Outcome } from './call.ts'
import type { Readiness } from './readiness.ts'

/** When to measure: `rate` probe requests a second start at fixed instants, whether earlier ones were answered or not. */
export type Span = { from: Millis; to: Millis; rate: number; stop: AbortSignal }

/** The probe's part of a node's block. */
export type Measured = Pick<NodeBlock, 'health' | 'version' | 'probes' | 'latency'>

/**
 * One probe request. 'skipped': what it depends on did not happen. `timed`: its duration is the server's latency, and not
 * the wait for something to be applied.
 */
export type Shot = { step: string; timed: boolean; outcome: Outcome<unknown> } | 'skipped'

export type Gun = {
  shoot: (turn: number, stop: AbortSignal) => Promise<Shot>
  health: (stop: AbortSignal) => Promise<Readiness>
}

/** Where a node is in its cycle of requests; kept from block to block. */
export type Turn = { next: number }

const HEALTH_EVERY = 1_000

/** Measures one node for one block; ends when its last request is answered, or at once when stopped. */
export const measureBlock = async (
  gun: Gun,
  clock: Clock,
  on: { span: Span; turn: Turn },
): Promise<Measured> => {
  const { span, turn } = on
  const shots: Promise<Counted>[] = []
  const checks: Promise<Readiness>[] = []
  const probing = atTimes(clock, { ...span, every: 1_000 / span.rate }, () => {
    shots.push(fire(gun, clock, { turn: turn.next++, stop: span.stop }))
  })
  const checking = atTimes(clock, { ...span, every: HEALTH_EVERY }, () => {
    checks.push(gun.health(span.stop))
  })
  await Promise.all([probing, checking])
  return summary(await Promise.all(shots), await Promise.all(checks))
}

/** Calls `act` at from, from + every, ... before to; of those that are past already only the last is made up for. */
const atTimes = async (clock: Clock, span: Span & { every: Millis }, act: () => void): Promise<void> => {
  const first = Math.max(0, Math.floor((clock.now() - span.from) / span.every))
  for (let i = first; span.from + i * span.every < span.to && !span.stop.aborted; i++) {
    await clock.sleep(span.from + i * span.every - clock.now(), span.stop)
    if (!span.stop.aborted) act()
  }
  await clock.sleep(span.to - clock.now(), span.stop)
}

type Counted = { counts?: ProbeCounts; latency?: Millis }

const fire = async (gun: Gun, clock: Clock, at: { turn: number; stop: AbortSignal }): Promise<Counted> => {
  const shot = await gun.shoot(at.turn, at.stop)
  if (shot === 'skipped' || shot.outcome.is === 'stopped') return {}
  const { step, outcome } = shot
  const blank = { step, of: 0, failed: 0, errors: 0 }
  if (outcome.is === 'error') return { counts: { ...blank, errors: 1 } }
  if (outcome.is === 'failed') {
    const firstFailure = { text: outcome.why, at: clock.now() }
    return { counts: { ...blank, of: 1, failed: 1, ...(outcome.limited && { limited: 1 }), firstFailure } }
  }
  return { counts: { ...blank, of: 1 }, ...(shot.timed && { latency: outcome.ms }) }
}

const summary = (shots: Counted[], checks: Readiness[]): Measured => {
  const asked = checks.filter(c => c.ours === undefined)
  return {
    health: {
      of: asked.length,
      failed: asked.filter(c => !c.ready).length,
      errors: checks.filter(c => c.ours && c.why !== 'stopped').length,
    },
    version: asked.findLast(c => c.version !== 'unknown')?.version ?? 'unknown',
    probes: mergeProbes(shots.flatMap(s => s.counts ?? [])),
    latency: shots.reduce<Histogram>((h, s) => (s.latency === undefined ? h : record(h, s.latency)), {}),
  }
}
