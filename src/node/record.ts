import { HOOK_POINTS } from '../domain/hook-points.ts'
import * as z from 'zod/mini'
import type { Event } from '../domain/event.ts'
import { printable, Untrusted } from '../domain/text.ts'

/*
 * A record is a node's own word, and a node may be in somebody else's hands. So a line of it counts only where all of it has the
 * form that this product writes: names that can be no path, digests, numbers, one of a few words. Everything else is prose, and is
 * made printable. Unknown further fields, of a newer version, are kept.
 */

/** The name of a release, a checkpoint, a node or a rollout: nothing that leads anywhere else. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,127}$/
const name = z.string().check(z.regex(NAME))
const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const digest = z.string().check(z.regex(/^[0-9a-f]{0,64}$/))
const prose = z.pipe(
  z.string().check(z.maxLength(50_000)),
  z.transform((text: string) => printable(new Untrusted(text), 4000)),
)
const word = z.string().check(z.regex(/^[^\p{Cc}\p{Cf}]{1,1000}$/u))
const number = z.number()
const of = <T extends string>(...words: [T, ...T[]]) => z.enum(words)
const map = <T extends z.ZodMiniType>(value: T) => z.record(name, value)
const counts = z.record(z.string().check(z.regex(/^[\w.-]{1,60}$/)), number)

const release = z.looseObject({ version: name, sha256 })
const rollbackData = of('auto', 'keep', 'restore')

const request = z.looseObject({
  mode: of('release', 'plan', 'rollback', 'recover', 'status'),
  tag: prose,
  stopAfter: of('plan', 'rehearse', 'canary', 'none'),
  planHash: digest,
  rollbackData,
  reason: prose,
})

const policy = z.looseObject({
  watch: z.looseObject({
    watch: number,
    warmUp: number,
    deadline: number,
    rate: number,
    block: number,
    minSamples: number,
    failedAboveBaseline: number,
    failedMax: number,
    breakerBlocks: number,
    p95Ratio: number,
    p95Floor: number,
    errorBudget: number,
    noDataBlocks: number,
    diskReserve: number,
    // used as it is written, so nothing of it may change
    metrics: z.array(z.looseObject({ name: word, series: word, required: z.boolean() })),
    onInconclusive: of('rollback', 'hold'),
  }),
  rewatch: number,
  waveWatch: number,
  rehearse: of('canary', 'every-node'),
  requireReversible: z.boolean(),
  rollbackData,
  maxParallel: number,
  approveWithin: number,
  startLimit: number,
  stopLimit: number,
  diskReserve: number,
  drain: of('none', 'commands', 'haproxy'),
  hooks: z.exactOptional(z.array(of(...HOOK_POINTS))),
})

const notes = z.looseObject({
  digestSource: prose,
  disk: map(z.looseObject({ data: number, point: number, staging: number, free: number, total: number })),
  counts: map(counts),
  breaking: z.array(prose),
  defaults: z.array(prose),
  warnings: z.array(prose),
  units: z.exactOptional(z.array(prose)),
  switch: z.exactOptional(prose),
  leftAlone: z.array(name),
  restores: map(z.looseObject({ name, age: number, writes: z.union([number, z.literal('unknown')]) })),
})

const plan = z.looseObject({
  mode: of('release', 'rollback'),
  tag: prose,
  version: name,
  assets: z.array(z.looseObject({ name: prose, sha256, os: name, arch: name })),
  nodes: z.array(
    z.looseObject({
      node: name,
      from: release,
      to: release,
      config: z.looseObject({ now: digest, next: digest }),
      safeStop: of('drain', 'intake-wal', 'drain+intake-wal', 'accepted-loss'),
      checkpoint: of('reflink', 'link', 'copy'),
    }),
  ),
  waves: z.array(z.array(name)),
  leaseOrder: z.array(name),
  restore: map(name),
  policy,
  notes,
})

const proof = z.looseObject({
  name,
  runs: z.array(
    z.looseObject({
      release,
      startup: number,
      outcome: of('ok', 'exited', 'not-ready', 'invariants', 'tests-failed'),
      why: prose,
      counts,
    }),
  ),
  bytesBefore: number,
  bytesAfter: number,
  bytesWritten: number,
})

const verdict = z.looseObject({
  is: of('pass', 'fail', 'inconclusive', 'pending'),
  code: name,
  text: prose,
  signals: z.array(
    z.looseObject({
      name: prose,
      canary: prose,
      baseline: prose,
      limit: prose,
      says: of('pass', 'fail', 'error', 'no-data', 'pending'),
    }),
  ),
  left: number,
})

const reading = z.discriminatedUnion('is', [
  z.looseObject({ is: z.literal('value'), value: number }),
  z.looseObject({ is: z.literal('noData'), why: prose }),
  z.looseObject({ is: z.literal('error'), why: prose }),
])
const tries = { of: number, failed: number, errors: number }
const block = z.looseObject({
  node: name,
  health: z.looseObject(tries),
  version: prose,
  probes: z.array(z.looseObject({ step: prose, ...tries })),
  latency: z.record(z.string().check(z.regex(/^-?\d{1,6}$/)), number),
  series: z.record(z.string(), reading),
  diskFree: reading,
  restarted: z.boolean(),
})

/** Only a line of this product's own is printed to be pasted. */
const line = z.string().check(z.regex(/^progressdb-rollout(?: [A-Za-z0-9.+_-]{1,100})*$/))
const owed = z.pipe(
  z.looseObject({ what: prose, line: z.optional(z.string()) }),
  z.transform(given => {
    const known = line.safeParse(given.line)
    return { what: given.what, ...(known.success ? { line: known.data } : {}) }
  }),
)

const head = { schema: z.literal(1), seq: number, at: number }
const decided = { ...head, type: z.literal('decided') }
const decisions = z.discriminatedUnion('what', [
  z.looseObject({ ...decided, what: z.literal('planned'), plan, hash: sha256 }),
  z.looseObject({
    ...decided,
    what: z.literal('rehearsed'),
    class: of('keeps-data', 'restores-snapshot', 'unknown'),
    proofs: map(proof),
    hash: sha256,
  }),
  z.looseObject({ ...decided, what: z.literal('verdict'), wave: number, verdict, before: z.array(block) }),
  z.looseObject({
    ...decided,
    what: z.literal('parked'),
    why: of('stop-after', 'hold', 'cancelled'),
    after: name,
    until: number,
  }),
  z.looseObject({
    ...decided,
    what: z.literal('going-back'),
    code: name,
    why: prose,
    cause: of('fault', 'interrupted'),
  }),
  z.looseObject({
    ...decided,
    what: z.literal('outcome'),
    outcome: of('promoted', 'rolled-back', 'unchanged', 'stopped', 'needs-operator'),
    code: name,
    why: prose,
    version: z.union([name, z.literal('')]),
    data: of('untouched', 'kept', 'restored'),
    owed: z.array(owed),
  }),
])

const event = z.union([
  decisions,
  z.looseObject({
    ...head,
    type: z.literal('opened'),
    rollout: name,
    step: of('plan', 'snapshot', 'canary', 'promote', 'settle'),
    by: z.looseObject({ process: name, who: prose, run: prose, host: prose }),
    request,
  }),
  z.looseObject({ ...head, type: z.literal('adopted'), rollout: name, version: name, sha256 }),
  z.looseObject({
    ...head,
    type: z.literal('setting-changed'),
    rollout: name,
    what: of('hold', 'let-go'),
  }),
  z.looseObject({
    ...head,
    type: z.literal('fired'),
    rollout: name,
    what: of('fired', 'home', 'held'),
    why: name,
  }),
])

/**
 * One line of a node's record. `odd`: it is whole, and nothing that this product writes. A line that was cut short by a crash of the
 * machine never happened: `undefined`.
 */
export function recordLine(text: string): Event | 'odd' | undefined {
  const value = parsed(text)
  if (value === undefined) return undefined
  const read = event.safeParse(value)
  return read.success ? read.data : 'odd'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
