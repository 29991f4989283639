import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDuration, parseShare, spellDuration } from '../../src/domain/policy.ts'

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['1h 30m', 5_400_000],
  ['2d', 172_800_000],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '10', 'm', '10 minutes', '-5m', '1.5h', '10M', '1e3s', ' 10m', '99999999999s'])(
  '%j is no duration',
  text => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test('what is spelt reads back the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e11 }), ms => {
      expect(parseDuration(spellDuration(ms))).toBe(ms)
    }),
  )
  expect(spellDuration(0)).toBe('0s')
  expect(spellDuration(5_400_000)).toBe('1h30m')
})

test.each<[value: string | number, share: number | undefined]>([
  ['10 %', 0.1],
  ['0.5%', 0.005],
  ['100%', 1],
  [0.1, 0.1],
  [0, 0],
  [1, 1],
  ['101 %', undefined],
  ['0.1', undefined],
  [10, undefined],
  [-0.1, undefined],
  [Number.NaN, undefined],
  ['ten', undefined],
])('share of %j is %s', (value, share) => {
  expect(parseShare(value)).toBe(share)
})
