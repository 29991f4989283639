import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkSentinel,
  compareCounts,
  type Counts,
  NOBODY,
  type Writers,
} from '../../src/domain/invariants.ts'

const live: Writers = { others: true, own: { keys: 10, messages: 8, threads: 2 } }
const quiet: Writers = { others: false, own: live.own }

describe('counts', () => {
  test.each<[string, Counts, Counts, Writers, string]>([
    ['equal while nobody writes', { keys: 5, index: 9 }, { keys: 5, index: 9 }, NOBODY, 'held'],
    ['one more while nobody writes', { keys: 5 }, { keys: 6 }, NOBODY, 'counts-differ'],
    ['one less while nobody writes', { keys: 5 }, { keys: 4 }, NOBODY, 'counts-fell'],
    ['all gone', { keys: 5, index: 9 }, { keys: 0, index: 9 }, NOBODY, 'data-gone'],
    [
      'all gone, although a server is live',
      { index: 9 },
      { index: 0 },
      { others: true, own: {} },
      'data-gone',
    ],
    ['an empty database', { keys: 0 }, { keys: 0 }, NOBODY, 'held'],
    ['more while others write', { keys: 5 }, { keys: 500 }, live, 'held'],
    ['exactly our own', { keys: 5 }, { keys: 15 }, live, 'held'],
    ['one of our own missing', { keys: 5 }, { keys: 14 }, live, 'counts-fell'],
    ['our own alone, exact', { keys: 5, index: 9 }, { keys: 15, index: 40 }, quiet, 'held'],
    ['our own alone, one too many', { keys: 5 }, { keys: 16 }, quiet, 'counts-differ'],
    ['total that can no longer be read', { keys: 5 }, {}, NOBODY, 'counts-missing'],
    ['statistics that no longer see everything', { keys: 5, messages: 3 }, { keys: 5 }, NOBODY, 'held'],
    ['nothing counted', {}, {}, NOBODY, 'not-counted'],
  ])('%s', (_, before, now, writers, code) => {
    const found = compareCounts(before, now, writers)
    expect(found.code).toBe(code)
    expect(found.ok).toBe(code === 'held' || code === 'not-counted')
  })

  test('says how many are missing', () => {
    expect(compareCounts({ keys: 48_211 }, { keys: 48_200 }, live).text).toBe(
      'keys: 48,211 before and 10 written by the probe, 48,200 now: 21 missing',
    )
  })

  test('losing anything that was there never holds', () => {
    const n = fc.integer({ min: 1, max: 1e6 })
    fc.assert(
      fc.property(n, n, fc.boolean(), (before, lost, others) => {
        const now = Math.max(0, before - lost)
        expect(compareCounts({ keys: before }, { keys: now }, { others, own: {} }).ok).toBe(false)
      }),
    )
  })
})

test.each([
  [{ is: 'same' as const }, true, 'held'],
  [{ is: 'missing' as const, why: '404' }, false, 'sentinel-missing'],
  [{ is: 'different' as const }, false, 'sentinel-differs'],
  [{ is: 'error' as const, why: 'no socket' }, false, 'sentinel-unread'],
])('sentinel %j', (read, ok, code) => {
  expect(checkSentinel(read)).toMatchObject({ ok, code })
})
