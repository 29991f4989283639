import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { above, merge, percentile, record, size } from '../../../src/domain/judge/histogram.ts'
import type { Histogram } from '../../../src/domain/measurement.ts'

const latencies = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
})
const of = (values: number[]): Histogram => values.reduce(record, {})

test('a percentile is the exact one, or up to 5 % more', () => {
  fc.assert(
    fc.property(latencies, fc.constantFrom(0.5, 0.9, 0.95, 0.99, 1), (values, q) => {
      const sorted = values.toSorted((a, b) => a - b)
      const exact = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)] ?? Number.NaN
      const found = percentile(of(values), q) ?? Number.NaN
      expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-6))
      expect(found).toBeLessThanOrEqual(exact * 1.0501)
    }),
  )
})

test('merging is the same as recording everything together, in any order', () => {
  fc.assert(
    fc.property(latencies, latencies, (a, b) => {
      expect(merge([of(a), of(b)])).toEqual(of([...b, ...a]))
      expect(size(merge([of(a), of(b)]))).toBe(a.length + b.length)
    }),
  )
})

test('a percentile exceeds a limit exactly when enough values lie above it', () => {
  fc.assert(
    fc.property(latencies, fc.double({ min: 0.02, max: 60_000, noNaN: true }), (values, limit) => {
      const h = of(values)
      expect((percentile(h, 0.95) ?? 0) > limit).toBe(above(h, limit) > size(h) * 0.05 + 1e-9)
    }),
  )
})

test('nothing recorded has no percentile', () => {
  expect(percentile({}, 0.95)).toBeUndefined()
  expect(size({})).toBe(0)
})
