import { expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'

test('sleeps as long as it was told, and wakes at once when stopped', async () => {
  const began = systemClock.now()
  await systemClock.sleep(40)
  expect(systemClock.now() - began).toBeGreaterThanOrEqual(38)
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 20)
  await systemClock.sleep(10_000, stop.signal)
  await systemClock.sleep(10_000, stop.signal)
  expect(systemClock.now() - began).toBeLessThan(1_000)
})

test('tells the time since 1970', () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
})
