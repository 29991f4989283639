import type { Histogram } from '../measurement.ts'

const BASE = Math.log(1.05)

/** Upper edge of a bucket in ms: the value that stands for everything in it. */
const edge = (bucket: number): number => Math.exp(bucket * BASE)

/** The bucket of a latency: i with 1.05^(i-1) < ms <= 1.05^i; below 0.01 ms everything is one bucket. */
export const bucketOf = (ms: number): number => Math.ceil(Math.log(Math.max(ms, 0.01)) / BASE - 1e-9)

/** `histogram` with one more latency. */
export const record = (histogram: Histogram, ms: number): Histogram => {
  const bucket = String(bucketOf(ms))
  return { ...histogram, [bucket]: (histogram[bucket] ?? 0) + 1 }
}

/** Adds histograms bucket by bucket. */
export const merge = (histograms: readonly Histogram[]): Histogram => {
  const sum: Histogram = {}
  for (const one of histograms)
    for (const [bucket, count] of Object.entries(one)) sum[bucket] = (sum[bucket] ?? 0) + count
  return sum
}

/** How many latencies were recorded. */
export const size = (histogram: Histogram): number => Object.values(histogram).reduce((a, b) => a + b, 0)

/** The value in ms that a share `q` (0..1) of all latencies does not exceed, at most 5 % too high; undefined when empty. */
export const percentile = (histogram: Histogram, q: number): number | undefined => {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .filter(b => b.count > 0)
    .sort((a, b) => a.bucket - b.bucket)
  const wanted = q * size(histogram) - 1e-9
  let seen = 0
  for (const { bucket, count } of buckets) {
    seen += count
    if (seen >= wanted) return edge(bucket)
  }
  return undefined
}

/** How many latencies lie above `ms`, by the same bucket values as `percentile`. */
export const above = (histogram: Histogram, ms: number): number =>
  Object.entries(histogram).reduce((n, [bucket, count]) => (edge(Number(bucket)) > ms ? n + count : n), 0)
