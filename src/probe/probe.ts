import type { Clock } from '../domain/clock.ts'
import { type Problem, UserError } from '../domain/errors.ts'
import type { Ask } from '../domain/http.ts'
import type { Counts, SentinelReading } from '../domain/invariants.ts'
import type { Millis } from '../domain/node.ts'
import { refusedKeys } from './access.ts'
import { type Gun, type Measured, measureBlock, type Span, type Turn } from './block.ts'
import { caller, type Target } from './call.ts'
import { countAll } from './counts.ts'
import { cycle } from './cycle.ts'
import { type Journey, journey, whyNot } from './journey.ts'
import { type Identity, type ProbeKeys, type ProgressDb, progressDb } from './progressdb.ts'
import { type HealthPaths, PROGRESSDB, type Readiness, readiness, type Wait, waitReady } from './readiness.ts'
import { readSentinel, type Sentinel, writeAndRead, written } from './sentinel.ts'
import { type Patience, TITLE } from './thread.ts'

/** `patience`: how long an accepted write may take to be readable. */
export type ProbeOptions = {
  profile: 'progressdb' | 'http'
  http?: HealthPaths
  rollout: string
  user: string
  keys: ProbeKeys
  patience: Millis
}

export type Barrier = { ok: boolean; why: string; took: Millis }
export type Sweep = { deleted: number; left: number; why: string }

/**
 * What the engine asks a server over HTTP, as a client would. With profile `http` there is no journey, no sentinel and no
 * count: those answer that they hold, and a block consists of requests to the health paths.
 */
export interface Probe {
  ready(target: Target, stop?: AbortSignal): Promise<Readiness>
  waitReady(target: Target, wait: Wait): Promise<Readiness & { took: Millis }>
  /** Full totals, {} with profile `http`. Throws `UserError`. */
  counts(target: Target, stop?: AbortSignal): Promise<Counts>
  /** Every key of the probe that the server refuses; changes nothing. */
  refusedKeys(target: Target, stop?: AbortSignal): Promise<Problem[]>
  /** Undefined with profile `http`. Throws `UserError`. */
  writeSentinel(target: Target, stop?: AbortSignal): Promise<Sentinel | undefined>
  readSentinel(target: Target, sentinel: Sentinel, stop?: AbortSignal): Promise<SentinelReading>
  /** Writes and reads back: whatever was accepted before it is applied. */
  barrier(target: Target, stop?: AbortSignal): Promise<Barrier>
  journey(target: Target, stop?: AbortSignal): Promise<Journey>
  /** One node's requests and health checks in one block. */
  block(target: Target, span: Span): Promise<Measured>
  /** Deletes threads of earlier rollouts' probes, and with `own` this rollout's too. */
  sweep(target: Target, own: boolean, stop?: AbortSignal): Promise<Sweep>
  /** What acknowledged writes of this probe have added to each total at this address, in this process. */
  acknowledged(target: Target): Counts
}

export const createProbe = (ask: Ask, clock: Clock, options: ProbeOptions): Probe => {
  const paths = options.profile === 'progressdb' ? PROGRESSDB : options.http
  if (!paths) throw new UserError(noPaths)
  const title = `${TITLE}${options.rollout}`
  const peers = new Map<string, Peer>()
  const peer = (target: Target): Peer => {
    const found = peers.get(target.url) ?? newPeer(ask, target, { options, clock, title, paths })
    peers.set(target.url, found)
    return found
  }
  const ready = (target: Target, stop?: AbortSignal) => readiness(ask, paths, { target, stop })
  const patience = (stop: AbortSignal | undefined): Patience => ({ clock, patience: options.patience, stop })
  const common = {
    ready,
    waitReady: (target: Target, wait: Wait) => waitReady(() => ready(target, wait.stop), clock, wait),
    block: (target: Target, span: Span) =>
      measureBlock(peer(target).gun, clock, { span, turn: peer(target).turn }),
    acknowledged: (target: Target): Counts => ({ ...peer(target).acknowledged }),
  }
  if (options.profile === 'http') return { ...common, ...countless }
  const write = (target: Target, what: string, stop: AbortSignal | undefined) =>
    writeAndRead(
      peer(target).db,
      { title, body: `${what} ${options.rollout} at ${clock.now()}` },
      patience(stop),
    )
  return {
    ...common,
    counts: (target, stop) => countAll(peer(target).db, target, stop),
    refusedKeys: (target, stop) => refusedKeys(peer(target).db, { target, keys: options.keys, stop }),
    writeSentinel: async (target, stop) => written(await write(target, 'sentinel', stop), target),
    readSentinel: (target, sentinel, stop) => readSentinel(peer(target).db, sentinel, stop),
    barrier: async (target, stop) => {
      const began = clock.now()
      const outcome = await write(target, 'barrier', stop)
      return {
        ok: outcome.is === 'ok',
        why: outcome.is === 'ok' ? '' : whyNot(outcome),
        took: clock.now() - began,
      }
    },
    journey: (target, stop) => journey(peer(target).db, `${title} journey`, patience(stop)),
    sweep: (target, own, stop) => sweep(peer(target).db, { title, own }, stop),
  }
}

const noPaths = {
  code: 'PROBE_PATHS_MISSING',
  what: 'profile http needs to know where the server says that it is ready',
  next: 'add  http: { health: /healthz, ready: /readyz }  to the fleet file',
}

/** Profile `http`: nothing is known of the data, and nothing is claimed. */
const countless = {
  counts: async () => ({}),
  refusedKeys: async () => [],
  writeSentinel: async () => undefined,
  readSentinel: async (): Promise<SentinelReading> => ({ is: 'same' }),
  barrier: async () => ({ ok: true, why: '', took: 0 }),
  journey: async () => ({ ok: true, why: '', steps: [] }),
  sweep: async () => ({ deleted: 0, left: 0, why: '' }),
}

/** What is remembered of one address. */
type Peer = { db: ProgressDb; gun: Gun; turn: Turn; acknowledged: Record<string, number> }
type Making = { options: ProbeOptions; clock: Clock; title: string; paths: HealthPaths }

const newPeer = (ask: Ask, target: Target, { options, clock, title, paths }: Making): Peer => {
  const acknowledged = { keys: 0, threads: 0, messages: 0 }
  const { user, keys, patience } = options
  const call = caller(ask, target, Object.values(keys))
  const db = counting(progressDb(call, { user, keys, patience } satisfies Identity), acknowledged)
  const health = (stop: AbortSignal) => readiness(ask, paths, { target, stop })
  const plain = async (_turn: number, stop: AbortSignal) => ({
    step: paths.ready,
    timed: true,
    outcome: await call({ method: 'GET', path: paths.ready, expect: OK, read: () => true }, stop),
  })
  const shoot = options.profile === 'http' ? plain : cycle(db, { clock, patience, title })
  return { db, gun: { shoot, health }, turn: { next: 0 }, acknowledged }
}

const OK = [200, 201, 202, 204]

/** Counts what the server has acknowledged: a thread and a message are one key each. */
const counting = (db: ProgressDb, sum: { keys: number; threads: number; messages: number }): ProgressDb => ({
  ...db,
  createThread: async (title, stop) => {
    const made = await db.createThread(title, stop)
    if (made.is === 'ok') {
      sum.keys += 1
      sum.threads += 1
    }
    return made
  },
  post: async (thread, text, stop) => {
    const posted = await db.post(thread, text, stop)
    if (posted.is === 'ok') {
      sum.keys += 1
      sum.messages += 1
    }
    return posted
  },
})

const sweep = async (
  db: ProgressDb,
  what: { title: string; own: boolean },
  stop?: AbortSignal,
): Promise<Sweep> => {
  const all = await db.threads(stop)
  if (all.is !== 'ok') return { deleted: 0, left: 0, why: whyNot(all) }
  const mine = (title: string): boolean => title === what.title || title.startsWith(`${what.title} `)
  const doomed = all.value.filter(t => t.title.startsWith(TITLE) && (what.own || !mine(t.title)))
  const outcomes = []
  for (const { key } of doomed) outcomes.push(await db.deleteThread(key, stop))
  const bad = outcomes.flatMap(o => (o.is === 'ok' ? [] : [whyNot(o)]))
  return { deleted: outcomes.length - bad.length, left: bad.length, why: bad[0] ?? '' }
}
