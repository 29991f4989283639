import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CODES } from '../../../src/domain/judge/finding.ts'
import { record } from '../../../src/domain/judge/histogram.ts'
import { judge } from '../../../src/domain/judge/threshold.ts'
import type { Block, Histogram, NodeBlock, Watch, WatchPolicy } from '../../../src/domain/measurement.ts'

const policy: WatchPolicy = {
  watch: 60_000,
  warmUp: 10_000,
  deadline: 120_000,
  rate: 2,
  block: 5_000,
  minSamples: 50,
  failedAboveBaseline: 0.01,
  failedMax: 0.05,
  breakerBlocks: 2,
  p95Ratio: 1.25,
  p95Floor: 5,
  errorBudget: 0.1,
  noDataBlocks: 2,
  diskReserve: 0.1,
  metrics: [],
  onInconclusive: 'rollback',
}

type Shown = { failed?: number; of?: number; errors?: number; ms?: number } & Partial<NodeBlock>

const latencyOf = (ms: number, n: number): Histogram => ({
  ...record({}, ms),
  ...(n > 0 && { [Object.keys(record({}, ms))[0] ?? '']: n }),
})

const shown = (
  node: string,
  { failed = 0, of = 10, errors = 0, ms = 8, ...more }: Shown = {},
): NodeBlock => ({
  node,
  health: { of: 5, failed: 0, errors: 0 },
  version: 'v0.2.2',
  probes: [
    {
      step: 'post message',
      of,
      failed,
      errors,
      ...(failed > 0 && { firstFailure: { text: '500 x', at: 1 } }),
    },
  ],
  latency: of > 0 ? latencyOf(ms, of) : {},
  series: {},
  diskFree: { is: 'value', value: 0.5 },
  restarted: false,
  ...more,
})

/** A watch of `blocks` blocks of 5 s, canary c1, baselines b1 and b2; a function may say what a block showed. */
const watch = (
  blocks: number,
  canary: (i: number) => Shown = () => ({}),
  baseline: (i: number) => Shown = () => ({}),
): Watch => ({
  from: 0,
  canary: ['c1'],
  baseline: ['b1', 'b2'],
  blocks: Array.from(
    { length: blocks },
    (_, i): Block => ({
      from: i * 5_000,
      to: (i + 1) * 5_000,
      canary: [shown('c1', canary(i))],
      baseline: [shown('b1', baseline(i)), shown('b2', baseline(i))],
    }),
  ),
  before: [],
  version: 'v0.2.2',
})

const at = (w: Watch): number => w.blocks.at(-1)?.to ?? 0
const say = (w: Watch, p = policy) => judge(w, p, at(w))
const bad =
  (from: number, s: Shown) =>
  (i: number): Shown =>
    i >= from ? s : {}
const rule = (more: object) => ({
  ...policy,
  metrics: [{ name: 'heap', series: 'go_heap_alloc_bytes', required: true, ...more }],
})
const heap = (value: number): Shown => ({ series: { heap: { is: 'value', value } } })

describe('what a watch says', () => {
  test.each<[string, Watch, string, string, WatchPolicy?]>([
    ['a good watch that is over', watch(12), 'pass', 'all-passed'],
    ['a good watch that is not over', watch(11), 'pending', 'watching'],
    ['nothing measured yet', watch(0), 'pending', 'watching'],
    ['one failed request of 120', watch(12, i => (i === 3 ? { failed: 1 } : {})), 'pass', 'all-passed'],
    ['10 % failed', watch(12, () => ({ failed: 1 })), 'fail', 'error-rate-higher'],
    ['10 % failed, early', watch(6, () => ({ failed: 1 })), 'fail', 'error-rate-higher'],
    ['too few samples to say so', watch(4, () => ({ failed: 1 })), 'pending', 'watching'],
    [
      '2 of 120: between chance and fault',
      watch(12, i => (i % 5 === 0 && i > 0 ? { failed: 1 } : {})),
      'pending',
      'watching',
    ],
    [
      '10 % failed on both sides: more than is ever allowed',
      watch(
        24,
        () => ({ failed: 2 }),
        () => ({ failed: 2 }),
      ),
      'fail',
      'error-rate-higher',
    ],
    ['all failed in two blocks running', watch(3, bad(1, { failed: 10 })), 'fail', 'errors-breaker'],
    ['all failed in one block only', watch(3, i => (i === 1 ? { failed: 10 } : {})), 'pending', 'watching'],
    [
      'everything fails everywhere: it is not the canary',
      watch(
        3,
        () => ({ failed: 10 }),
        () => ({ failed: 10 }),
      ),
      'inconclusive',
      'no-data',
    ],
    ['twice as slow', watch(12, () => ({ ms: 16 })), 'fail', 'latency-higher'],
    [
      'twice as slow below the floor',
      watch(
        12,
        () => ({ ms: 4 }),
        () => ({ ms: 2 }),
      ),
      'pass',
      'all-passed',
    ],
    ['slow in the warm-up only', watch(12, i => (i < 2 ? { ms: 500 } : {})), 'pass', 'all-passed'],
    ['one restart', watch(2, bad(1, { restarted: true })), 'fail', 'process-restarted'],
    ['another version', watch(1, () => ({ version: 'v0.2.1' })), 'fail', 'wrong-version'],
    ['a server that reports none', watch(12, () => ({ version: 'unknown' })), 'pass', 'all-passed'],
    ['the version without its v', watch(12, () => ({ version: '0.2.2' })), 'pass', 'all-passed'],
    [
      'a crash of the canary counts, also where the way to every node was gone',
      watch(
        12,
        i => (i === 5 ? { restarted: true, health: { of: 5, failed: 5, errors: 0 } } : {}),
        i => (i === 5 ? { health: { of: 5, failed: 5, errors: 0 } } : {}),
      ),
      'fail',
      'process-restarted',
    ],
    [
      'health fails on the old nodes just as well: that is the way to them',
      watch(
        8,
        () => ({ health: { of: 5, failed: 5, errors: 0 } }),
        () => ({ health: { of: 5, failed: 5, errors: 0 } }),
      ),
      'inconclusive',
      'no-data',
    ],
    [
      'not ready in two blocks running',
      watch(2, () => ({ health: { of: 5, failed: 3, errors: 0 } })),
      'fail',
      'health-failed',
    ],
    [
      'not ready in the last two blocks of many',
      watch(24, bad(22, { health: { of: 5, failed: 5, errors: 0 } })),
      'fail',
      'health-failed',
    ],
    [
      'not ready now and then',
      watch(12, () => ({ health: { of: 5, failed: 1, errors: 0 } })),
      'fail',
      'health-failed',
    ],
    [
      'not ready once',
      watch(12, i => (i === 5 ? { health: { of: 5, failed: 1, errors: 0 } } : {})),
      'pass',
      'all-passed',
    ],
    [
      '7 slow ones of 100: between chance and fault',
      watch(12, i => (i > 4 ? { latency: { ...latencyOf(8, 9), ...latencyOf(80, 1) } } : {})),
      'pending',
      'watching',
    ],
    [
      'disk below the reserve',
      watch(1, () => ({ diskFree: { is: 'value', value: 0.09 } })),
      'fail',
      'disk-reserve',
    ],
    [
      'disk unreadable',
      watch(3, () => ({ diskFree: { is: 'error', why: 'df failed' } })),
      'inconclusive',
      'could-not-measure',
    ],
    ['no probe data in three blocks', watch(5, bad(2, { of: 0 })), 'inconclusive', 'no-data'],
    [
      'no probe data in two blocks, measured on',
      watch(14, i => (i === 3 || i === 4 ? { of: 0 } : {})),
      'pass',
      'all-passed',
    ],
    ['baseline silent', watch(5, undefined, bad(2, { of: 0 })), 'inconclusive', 'no-data'],
    [
      'half of the requests not sent',
      watch(8, () => ({ of: 5, errors: 5 })),
      'inconclusive',
      'could-not-measure',
    ],
    [
      'heap at twice the baseline',
      watch(
        12,
        () => heap(82e6),
        () => heap(41e6),
      ),
      'fail',
      'series-above-baseline',
      rule({ maxRatio: 1.5 }),
    ],
    [
      'heap as the baseline',
      watch(
        12,
        () => heap(42e6),
        () => heap(41e6),
      ),
      'pass',
      'all-passed',
      rule({ maxRatio: 1.5 }),
    ],
    [
      'a saw tooth',
      watch(
        12,
        i => heap(i % 3 === 2 ? 90e6 : 42e6),
        () => heap(41e6),
      ),
      'pass',
      'all-passed',
      rule({ maxRatio: 1.5 }),
    ],
    [
      'above a limit twice running',
      watch(6, bad(4, heap(300e6)), () => heap(1)),
      'fail',
      'series-above-limit',
      rule({ max: 200e6 }),
    ],
    [
      'above a limit once',
      watch(6, i => heap(i === 4 ? 300e6 : 1)),
      'pending',
      'watching',
      rule({ max: 200e6 }),
    ],
    ['below a limit', watch(6, () => heap(1)), 'fail', 'series-below-limit', rule({ min: 2 })],
    [
      'series gone',
      watch(5, () => ({ series: { heap: { is: 'noData', why: 'no such series' } } })),
      'inconclusive',
      'no-data',
      rule({ max: 9 }),
    ],
    [
      'scrape refused',
      watch(5, () => ({ series: { heap: { is: 'error', why: '401' } } })),
      'inconclusive',
      'could-not-measure',
      rule({ max: 9 }),
    ],
    ['an optional series gone', watch(12), 'pass', 'all-passed', rule({ max: 9, required: false })],
  ])('%s', (_, w, is, code, p = policy) => {
    expect(say(w, p)).toMatchObject({ is, code })
  })

  test('undecided becomes inconclusive at the deadline', () => {
    const gray = (i: number): Shown => (i % 7 === 1 ? { failed: 1 } : {})
    expect(say(watch(24, gray))).toMatchObject({ is: 'inconclusive', code: 'not-enough-samples' })
    expect(judge(watch(0), policy, 120_000)).toMatchObject({ is: 'inconclusive', code: 'no-data' })
  })

  test('a watch that was measured for a third of its time is not over', () => {
    const w = watch(4)
    expect(judge(w, { ...policy, minSamples: 10 }, 60_000)).toMatchObject({ is: 'pending', left: 34_000 })
    expect(judge(w, { ...policy, minSamples: 10 }, 120_000)).toMatchObject({ is: 'inconclusive' })
  })

  test('one bad node does not drown in four good ones', () => {
    const w = watch(12)
    const nodes = ['c1', 'c2', 'c3', 'c4', 'c5']
    const blocks = w.blocks.map((b, i) => ({
      ...b,
      canary: nodes.map(n => shown(n, n === 'c4' && i % 2 === 0 ? { failed: 1 } : {})),
    }))
    const v = say({ ...w, canary: nodes, blocks })
    expect(v).toMatchObject({ is: 'fail', code: 'error-rate-higher' })
    expect(v.text).toContain('c4')
  })

  test('without a node left on the old version its own earlier measurement is the baseline', () => {
    const before = [{ ...shown('c1', { of: 120, failed: 1 }), version: 'v0.2.1' }]
    expect(say({ ...watch(12), baseline: [], before })).toMatchObject({ is: 'pass' })
    expect(say({ ...watch(12, () => ({ ms: 16 })), baseline: [], before })).toMatchObject({
      code: 'latency-higher',
    })
    expect(say({ ...watch(12), baseline: [], before: [] })).toMatchObject({ is: 'pending' })
  })

  test('says it with numbers beside their limits', () => {
    const w = watch(
      8,
      i => (i < 7 ? { failed: 1 } : { failed: 3 }),
      i => (i === 0 ? { failed: 1 } : {}),
    )
    const v = say(w)
    expect(v.text).toBe(
      '10 of 80 (12.5 %) probe requests failed on the canary, 2 of 160 (1.3 %) on the baseline; allowed is 2.3 %; first: post message on c1: 500 x',
    )
    expect(v.signals.find(s => s.name === 'failed probe requests')).toEqual({
      name: 'failed probe requests',
      canary: '10 / 80 = 12.5 %',
      baseline: '2 / 160 = 1.3 %',
      limit: 'baseline + 1 %',
      says: 'fail',
    })
  })
})

describe('whatever was measured', () => {
  const shownArb = fc.record({
    of: fc.integer({ min: 0, max: 20 }),
    bad: fc.integer({ min: 0, max: 20 }),
    errors: fc.integer({ min: 0, max: 3 }),
    ms: fc.constantFrom(1, 8, 20, 500),
    restarted: fc.constant(false),
    healthBad: fc.integer({ min: 0, max: 5 }),
  })
  type Drawn = { of: number; bad: number; errors: number; ms: number; restarted: boolean; healthBad: number }
  const toShown = (d: Drawn): Shown => ({
    of: d.of,
    failed: Math.min(d.bad, d.of),
    errors: d.errors,
    ms: d.ms,
    restarted: d.restarted,
    health: { of: 5, failed: d.healthBad, errors: 0 },
  })
  const mild = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constant<Drawn>({ of: 10, bad: 0, errors: 0, ms: 8, restarted: false, healthBad: 0 }),
    },
    { weight: 1, arbitrary: shownArb },
  )
  const watchArb = fc.array(fc.tuple(mild, mild), { maxLength: 26 }).map(blocks =>
    watch(
      blocks.length,
      i => toShown(blocks[i]?.[0] ?? fail()),
      i => toShown(blocks[i]?.[1] ?? fail()),
    ),
  )
  const fail = (): never => {
    throw new Error('no such block')
  }

  test('it never passes before the watch is over, and gives a known code', () => {
    fc.assert(
      fc.property(watchArb, fc.integer({ min: 0, max: 200_000 }), (w, now) => {
        const v = judge(w, policy, now)
        expect(CODES).toContain(v.code)
        if (v.is === 'pass') expect(now).toBeGreaterThanOrEqual(policy.watch)
        if (v.is === 'pending') expect(now).toBeLessThan(policy.deadline)
        expect(v.left > 0).toBe(v.is === 'pending' && v.left > 0)
        expect(JSON.parse(JSON.stringify(v))).toEqual(v)
      }),
    )
  })

  test('no data never passes', () => {
    const silent = fc.record({
      blocks: fc.integer({ min: 0, max: 40 }),
      now: fc.integer({ min: 0, max: 400_000 }),
    })
    fc.assert(
      fc.property(silent, ({ blocks, now }) => {
        const none: Shown = { of: 0, health: { of: 0, failed: 0, errors: 0 } }
        expect(
          judge(
            watch(blocks, () => none),
            policy,
            now,
          ).is,
        ).not.toBe('pass')
        expect(judge({ ...watch(blocks), canary: [] }, policy, now).is).not.toBe('pass')
        expect(judge({ ...watch(blocks), blocks: [] }, policy, now).is).not.toBe('pass')
      }),
    )
  })

  test('more failures on the canary never turn a fail into a pass, nor anything into a pass', () => {
    const worse = (w: Watch, block: number, more: number): Watch => ({
      ...w,
      blocks: w.blocks.map((b, i) =>
        i === block
          ? {
              ...b,
              canary: b.canary.map(c => ({
                ...c,
                probes: c.probes.map(p => ({ ...p, failed: Math.min(p.of, p.failed + more) })),
              })),
            }
          : b,
      ),
    })
    fc.assert(
      fc.property(watchArb, fc.nat(25), fc.integer({ min: 1, max: 20 }), (w, block, more) => {
        const before = say(w).is
        const after = say(worse(w, block, more)).is
        if (before !== 'pass') expect(after).not.toBe('pass')
        if (before === 'fail') expect(after).toBe('fail')
      }),
    )
  })

  test('the order of nodes and blocks does not matter', () => {
    fc.assert(
      fc.property(watchArb, w => {
        const turned: Watch = {
          ...w,
          baseline: w.baseline.toReversed(),
          blocks: w.blocks.map(b => ({ ...b, baseline: b.baseline.toReversed() })).toReversed(),
        }
        expect(judge(turned, policy, at(w))).toEqual(judge(w, policy, at(w)))
      }),
    )
  })
})
