import { isIPv4 } from 'node:net'
import { number as wholeNumber } from './node/observed.ts'
import { readServerConfig, stagingConfig } from './config/server-config.ts'
import type { Millis, NodeStep, Proof, Witness } from './domain/node.ts'
import { type Release, releaseId } from './domain/release.ts'
import { node as stateOf } from './domain/rollout.ts'
import { holds } from './hold.ts'
import { type Inspection, StepFailed } from './node/port.ts'
import { type Doing, act, witnessAt } from './effects.ts'

type Prove = Extract<NodeStep, { do: 'prove' }>
type Run = Proof['runs'][number]

/**
 * Proves a checkpoint by restoring it: hash it, copy it, and run the releases on the copy, one after the other, as guests of the
 * node. Each must become ready, show the data and carry a journey. The copy is removed whatever happens.
 * A rehearsal answers what it found; a rollback point that does not hold is a failure.
 */
export async function proveCheckpoint(d: Doing, s: Prove): Promise<{ proof: Proof; seen: Inspection }> {
  await act(d, { do: 'hash', name: s.name })
  const watched = guardProduction(d)
  const inside: Doing = { ...d, stop: AbortSignal.any([d.stop, watched.signal]) }
  try {
    const copy = await act(inside, { do: 'stage-copy', name: s.name })
    const proof = await runs(inside, { s, copy })
    if (watched.signal.aborted) throw new StepFailed(watched.failure())
    await act(d, { do: 'clean-staging' })
    const ran = proof.runs.filter(run => run.outcome === 'ok').map(run => releaseId(run.release))
    const seen = await act(d, { do: 'mark-proven', name: s.name, ran })
    const failed = proof.runs.find(run => run.outcome !== 'ok')
    if (failed && !s.name.includes('.rehearsal.')) throw new StepFailed(unproven(d, s.name, failed))
    return { proof, seen }
  } catch (error) {
    // the first error counts; what could not be tidied is found by the next inspection
    await act(d, { do: 'clean-staging' }).catch(() => undefined)
    throw watched.signal.aborted && !d.stop.aborted ? new StepFailed(watched.failure()) : error
  } finally {
    watched.end()
  }
}

const unproven = (d: Doing, name: string, run: Run): StepFailed['failure'] => ({
  code: 'CHECKPOINT_NOT_PROVEN',
  what: `${d.node.id}: ${run.release.version} does not hold on a restored copy of ${name}: ${run.why}`,
  next: 'nothing goes further without a proven rollback point; look at the disk, then release again',
  effect: 'none',
  kind: 'proof',
})

type Staged = { s: Prove; copy: Inspection & { answer: Record<string, string[]> } }

async function runs(d: Doing, { s, copy }: Staged): Promise<Proof> {
  const bytesBefore = number(copy.answer['stage_bytes'])
  const said = (key: string): string => copy.answer[key]?.at(-1) ?? ''
  const staged: Place = {
    port: number(copy.answer['stage_port']),
    address: said('stage_listen'),
    dataPath: said('stage_data'),
    config: copy.facts.configText,
  }
  const known = witnessAt(d, copy.now.snapshots.find(point => point.name === s.name)?.opens ?? 0)
  const rehearsal = s.name.includes('.rehearsal.')
  const out: Run[] = []
  let bytesAfter = bytesBefore
  let bytesWritten = 0
  let before: Witness = rehearsal ? { ...known, quiet: false } : known
  for (const release of s.with) {
    const done = await runOne(d, { ...staged, release, before, rehearsal })
    out.push(done.run)
    bytesAfter = Math.max(bytesAfter, done.bytes)
    bytesWritten = Math.max(bytesWritten, done.written)
    if (done.run.outcome !== 'ok') break
    // from here on nobody but the probe writes to the copy
    before = { counts: done.run.counts, quiet: true, ...(known.sentinel ? { sentinel: known.sentinel } : {}) }
  }
  return { name: s.name, runs: out, bytesBefore, bytesAfter, bytesWritten }
}

/** Where a guest listens and finds its data, as it sees it; and the configuration of the node. */
type Place = { address: string; port: number; dataPath: string; config: string }

type One = Place & {
  release: Release
  before: Witness
  rehearsal: boolean
}

/** One release on the copy: ready, counts and sentinel, a journey, the user's own tests; then stopped again. */
async function runOne(d: Doing, one: One): Promise<{ run: Run; bytes: number; written: number }> {
  const { port } = one
  const began = d.effects.clock.now()
  const config = stagingConfig(one.config, one)
  let host = '127.0.0.1'
  const run: Run = { release: one.release, startup: 0, outcome: 'ok', why: '', counts: {} }
  try {
    const started = await act(d, { do: 'stage-start', release: one.release, config })
    host = addressIn(started.answer['stage_host']?.at(-1)) ?? host
  } catch (error) {
    if (!(error instanceof StepFailed) || error.failure.kind !== 'ended') throw error
    return { run: { ...run, outcome: 'exited', why: error.failure.what }, bytes: 0, written: 0 }
  }
  const guest = { id: `${d.node.id} (copy)`, url: await d.node.reach({ host, port }) }
  const found = await asked(d, one, guest)
  const stopped = await act(d, { do: 'stage-stop' })
  const startup = found.startup ?? d.effects.clock.now() - began
  const { stage_bytes: bytes, stage_written: written } = stopped.answer
  return { run: { ...run, ...found.run, startup }, bytes: number(bytes), written: number(written) }
}

/** A node may name no other machine than one that is behind it alone. */
const addressIn = (said: string | undefined): string | undefined =>
  said !== undefined &&
  /^(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)(?:\.\d{1,3}){2,3}$/.test(said) &&
  isIPv4(said)
    ? said
    : undefined

type Found = { run: Partial<Run>; startup?: number }

async function asked(d: Doing, one: One, guest: { id: string; url: string }): Promise<Found> {
  const { probe } = d.effects
  const ready = await guestReady(d, one, guest)
  if (ready.outcome !== 'ok') return { run: ready }
  const { startup } = ready
  const pause = 2 * readServerConfig(one.config).applyBatch + 100
  const { ok, text, counts } = await holds(d, guest, { ...one.before, pause })
  if (!ok) return { startup, run: { outcome: 'invariants', why: text, counts } }
  if (!one.rehearsal) return { startup, run: { counts } }
  const journey = await probe.journey(guest, d.stop)
  if (!journey.ok)
    return {
      startup,
      run: { outcome: 'invariants', why: `the probe's journey failed: ${journey.why}`, counts },
    }
  const tested = await d.effects.tests(guest.url, one.release, d.stop)
  if (tested) return { startup, run: { outcome: 'tests-failed', why: tested, counts } }
  return { startup, run: { counts: await settledCounts(d, guest, pause) } }
}

type Readied = { outcome: 'ok' | 'exited' | 'not-ready'; why: string; startup: Millis }

/** Asks until the guest is ready; one that ended meanwhile is not waited for. */
async function guestReady(d: Doing, one: One, guest: { id: string; url: string }): Promise<Readied> {
  const { probe, clock } = d.effects
  const limit = d.r.plan?.policy.startLimit ?? 60_000
  const began = clock.now()
  for (;;) {
    const found = await probe.waitReady(guest, {
      limit: Math.min(1000, limit),
      version: one.release.version,
      stop: d.stop,
    })
    const startup = clock.now() - began
    if (found.ready) return { outcome: 'ok', why: '', startup }
    const { staging } = (await d.node.inspect()).facts
    if (staging.process === '')
      return { outcome: 'exited', why: `it ended by itself (exit ${staging.exit ?? 'unknown'})`, startup }
    if (startup >= limit || d.stop.aborted) return { outcome: 'not-ready', why: found.why, startup }
  }
}

/** Totals once the journey's own writes are applied: read until two readings, longer apart than a batch takes, agree. */
async function settledCounts(
  d: Doing,
  guest: { id: string; url: string },
  pause: Millis,
): Promise<Record<string, number>> {
  let last = await d.effects.probe.counts(guest, d.stop)
  for (let tries = 0; tries < 20; tries++) {
    await d.effects.clock.sleep(pause, d.stop)
    const now = await d.effects.probe.counts(guest, d.stop)
    if (JSON.stringify(now) === JSON.stringify(last)) return now
    last = now
  }
  return last
}

/** Production is probed while a copy runs beside it; three failures in a row end the rehearsal. */
function guardProduction(d: Doing): {
  signal: AbortSignal
  failure: () => StepFailed['failure']
  end: () => void
} {
  const stop = new AbortController()
  const done = new AbortController()
  let why = ''
  const seen = stateOf(d.r, d.node.id).seen
  const serves = seen !== 'unknown' && seen.ready
  const watch = async (): Promise<void> => {
    for (let failures = 0; failures < 3 && !done.signal.aborted; ) {
      const ready = await d.effects.probe.ready({ id: d.node.id, url: d.config.url }, done.signal)
      failures = ready.ready || ready.ours ? 0 : failures + 1
      why = ready.why
      if (failures === 3) stop.abort()
      await d.effects.clock.sleep(1000, done.signal)
    }
  }
  if (serves) void watch()
  return {
    signal: stop.signal,
    failure: () => ({
      code: 'REHEARSAL_HURTS',
      what: `${d.node.id} stopped answering while a copy of its data was rehearsed beside it: ${why}`,
      next: 'the copy was removed; give the machine more room, or rehearse at a quieter hour',
      effect: 'none',
      kind: 'proof',
    }),
    end: () => done.abort(),
  }
}

const number = (values: string[] | undefined): number => wholeNumber(values?.at(-1) ?? '')
