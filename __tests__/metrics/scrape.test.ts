import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MetricRule } from '../../src/domain/measurement.ts'
import { scrapeSource } from '../../src/metrics/scrape.ts'
import { editDistance, nearest } from '../../src/metrics/suggest.ts'
import { type HttpClient, httpClient } from '../../src/probe/http.ts'
import { portOf } from '../probe/fake-progressdb.ts'

const TEXT = `go_heap_alloc_bytes 41000000
http_errors_total{code="500"} 3
http_errors_total{code="503"} 4
broken NaN
huge +Inf
`
let page: { status: number; text: string }
let asked: { path: string; key: string }[]
let client: HttpClient
const server = createServer((req, res) => {
  asked.push({
    path: req.url ?? '',
    key: String(req.headers.authorization ?? req.headers['x-api-key'] ?? ''),
  })
  res.writeHead(page.status, { 'content-type': 'text/plain' }).end(page.text)
})
beforeEach(async () => {
  page = { status: 200, text: TEXT }
  asked = []
  client = httpClient()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await client.close()
  await new Promise<void>(resolve => {
    server.closeAllConnections()
    server.close(() => resolve())
  })
})

const node = () => ({ id: 'db-1', url: `http://127.0.0.1:${portOf(server)}` })
const rule = (series: string, required = true): MetricRule => ({ name: series, series, required })
const source = (more: object = { key: 'secret' }) =>
  scrapeSource(client.ask, { path: '/admin/debug/prometheus', ...more })

describe('reading', () => {
  test('one scrape gives a reading for each rule; several series are summed', async () => {
    const rules = [
      rule('go_heap_alloc_bytes'),
      rule('http_errors_total'),
      rule('http_errors_total{code="503"}'),
      rule('gone'),
      rule('broken'),
      rule('huge'),
    ]
    expect(await source().read(node(), rules)).toEqual({
      go_heap_alloc_bytes: { is: 'value', value: 41_000_000 },
      http_errors_total: { is: 'value', value: 7 },
      'http_errors_total{code="503"}': { is: 'value', value: 4 },
      gone: { is: 'noData', why: 'no such series' },
      broken: { is: 'noData', why: 'the series says NaN' },
      huge: { is: 'value', value: Number.MAX_VALUE },
    })
    expect(asked).toEqual([{ path: '/admin/debug/prometheus', key: 'Bearer secret' }])
  })

  test('without rules nothing is asked', async () => {
    expect(await source().read(node(), [])).toEqual({})
    expect(asked).toEqual([])
  })

  test.each([
    [401, '{}', '/admin/debug/prometheus answers 401'],
    [200, '<html>::error::', '/admin/debug/prometheus, line 1: a line does not begin with a name'],
  ])('%i %s is an error of every reading', async (status, text, why) => {
    page = { status, text }
    expect(await source().read(node(), [rule('a')])).toEqual({ a: { is: 'error', why } })
  })

  test('a header by config takes the key as it is; without a key none is sent', async () => {
    await source({ key: 'secret', header: 'X-API-Key' }).read(node(), [rule('a')])
    await source({}).read(node(), [rule('a')])
    expect(asked.map(a => a.key)).toEqual(['secret', ''])
  })
})

describe('preflight', () => {
  const missing = async (r: MetricRule) => source().missing(node(), [r])
  test('is content with what is there', async () => {
    expect(await missing(rule('http_errors_total{code="500"}'))).toEqual([])
  })
  test('suggests the name that was meant', async () => {
    const found = await missing(rule('go_heap_aloc_bytes'))
    expect(found).toMatchObject([
      { code: 'SERIES_UNKNOWN', next: 'did you mean  go_heap_alloc_bytes?', where: 'db-1' },
    ])
  })
  test('shows the labels that are there', async () => {
    const found = await missing(rule('http_errors_total{code="404"}'))
    expect(found[0]?.because).toContain('{code="500"} {code="503"}')
  })
  test('lets an optional series be missing, unless it is misspelt', async () => {
    expect(await missing(rule('not_there_at_all', false))).toEqual([])
    expect(await missing(rule('http_errors_total{code="404"}', false))).toEqual([])
    expect(await missing(rule('go_heap_alloc_byte', false))).toHaveLength(1)
  })
  test('refuses a selector that is none, before asking', async () => {
    expect(await missing(rule('rate(x[5m])'))).toMatchObject([{ code: 'METRIC_SELECTOR' }])
    expect(asked).toEqual([])
  })
  test('names a refused key without showing it', async () => {
    page = { status: 403, text: 'secret' }
    const found = await missing(rule('a'))
    expect(found).toMatchObject([{ code: 'METRICS_KEY_REFUSED', where: 'db-1' }])
    expect(JSON.stringify(found)).not.toContain('secret')
  })
})

test.each([
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
  ['abc', 'abc', 0],
])('the distance from %j to %j is %i', (a, b, n) => {
  expect(editDistance(a, b)).toBe(n)
  expect(editDistance(b, a)).toBe(n)
})

test('nothing near is suggested for a word that is far from everything', () => {
  expect(nearest('zzzzzz', ['go_goroutines', 'up'])).toBeUndefined()
})
