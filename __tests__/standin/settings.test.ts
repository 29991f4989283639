import { expect, test } from 'vitest'
import { duration, settings } from './server/settings.ts'
import { windowOf } from './server/pagination.ts'

const FULL = `
server:
  address: 127.0.0.1
  port: 9000
  db_path: /data
  max_payload_size: 64KB
  rate_limit: {rps: 5, burst: 7}
  api_keys: {backend: [b1, b2], frontend: [f], admin: [a], signing: [s]}
ingest:
  intake: {queue_capacity: 10, wal: {enabled: true}, recovery: {enabled: true}}
  apply: {batch_count: 3, batch_timeout: 1m30s}
`

test('reads what the original reads', () => {
  expect(settings(FULL)).toMatchObject({
    address: '127.0.0.1',
    port: 9000,
    dbPath: '/data',
    maxPayload: 65_536,
    rate: { rps: 5, burst: 7 },
    intake: { capacity: 10, wal: true, recovery: true },
    apply: { count: 3, timeout: 90_000 },
  })
})

test('what is omitted is zero, but for what the original falls back to', () => {
  expect(settings('server: {db_path: /d, api_keys: {signing: [s]}}')).toMatchObject({
    address: '0.0.0.0',
    port: 8080,
    maxPayload: 102_400,
    rate: { rps: 0, burst: 0 },
    intake: { capacity: 0, wal: false, recovery: false },
    apply: { count: 10, timeout: 0 },
  })
})

test.each([
  ['server: {db_path: /d}', 'signing keys are required'],
  ['server: {api_keys: {signing: [s]}}', 'database path is required'],
  ['server: {db_path: /d, max_payload_size: 100, api_keys: {signing: [s]}}', 'invalid size'],
  [
    '{server: {db_path: /d, api_keys: {signing: [s]}}, ingest: {apply: {batch_timeout: soon}}}',
    'invalid duration',
  ],
  ['server: [', 'Flow sequence'],
])('refuses %s', (text, why) => {
  expect(() => settings(text)).toThrow(why)
})

test.each([
  ['100ms', 100],
  ['1.5s', 1500],
  ['2h', 7_200_000],
  [undefined, 0],
])('the duration %s is %d ms', (text, ms) => {
  expect(duration(text)).toBe(ms)
})

test('a page around an anchor has so many on each side', () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f']
  const around = { limit: 2, before: '', after: '', anchor: 'd' }
  expect(windowOf(keys, around)).toMatchObject({
    keys: ['b', 'c', 'd', 'e', 'f'],
    pagination: { has_before: true, has_after: false },
  })
  expect(windowOf(keys, { ...around, anchor: '', after: 'd' }).keys).toEqual(['e', 'f'])
  expect(windowOf(keys, { ...around, anchor: '', before: 'b' }).keys).toEqual(['a'])
})
