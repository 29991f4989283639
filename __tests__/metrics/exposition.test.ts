import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExposition, parseSelector, type Sample, select } from '../../src/metrics/exposition.ts'

const samplesOf = (text: string): Sample[] => {
  const parsed = parseExposition(text)
  if ('bad' in parsed) throw new Error(`line ${parsed.bad.line}: ${parsed.bad.why}`)
  return parsed.samples.map(s => ({ ...s, labels: { ...s.labels } }))
}

describe('the text format', () => {
  test('as a Go client writes it', () => {
    const text = `# HELP http_requests_total The total.\\nOf all.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400",}    3 1395066363000

# a plain comment
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
x_bucket{le="+Inf"} 144320
nothing NaN
`
    const parsed = parseExposition(text)
    expect(parsed).toMatchObject({ types: { http_requests_total: 'counter' } })
    expect(samplesOf(text)).toEqual([
      { name: 'http_requests_total', labels: { method: 'post', code: '200' }, value: 1027 },
      { name: 'http_requests_total', labels: { method: 'post', code: '400' }, value: 3 },
      {
        name: 'msdos_file_access_time_seconds',
        labels: { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
        value: 1458255915,
      },
      { name: 'metric_without_timestamp_and_labels', labels: {}, value: 12.47 },
      { name: 'something_weird', labels: { problem: 'division by zero' }, value: Infinity },
      { name: 'x_bucket', labels: { le: '+Inf' }, value: 144320 },
      { name: 'nothing', labels: {}, value: Number.NaN },
    ])
  })

  test('OpenMetrics exemplars, its end, and quoted names', () => {
    const text = `foo_bucket{le="10.0"} 17 1520879607.789 # {trace_id="oHg5SJYRHA0"} 9.8 1520879607.789
foo_total 17.0 # {} 1
{"my.metric","a.b"="c # d"} 2
{"only"} 3\r
# EOF
this is no longer read`
    expect(samplesOf(text)).toEqual([
      { name: 'foo_bucket', labels: { le: '10.0' }, value: 17 },
      { name: 'foo_total', labels: {}, value: 17 },
      { name: 'my.metric', labels: { 'a.b': 'c # d' }, value: 2 },
      { name: 'only', labels: {}, value: 3 },
    ])
  })

  test.each([
    ['<html>', 1],
    ['a 1\nb', 2],
    ['a{b="c} 1', 1],
    ['a{b=c} 1', 1],
    ['a{b="c" d="e"} 1', 1],
    ['a{b="c",b="d"} 1', 1],
    ['a{"b"} 1', 1],
    ['a 0x10', 1],
    ['a 1 2 3', 1],
    ['a 1 # nothing', 1],
    ['{} 1', 1],
    ['a{', 1],
  ])('%j is not in the format', (text, line) => {
    expect(parseExposition(text)).toMatchObject({ bad: { line } })
  })

  test('what is written can be read again, whatever the labels hold', () => {
    const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,20}$/)
    const label = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/)
    const value = fc.oneof(fc.double(), fc.constantFrom(Infinity, -Infinity, Number.NaN, 0))
    const sample = fc.record({
      name,
      labels: fc.dictionary(label, fc.string({ unit: 'binary' }), { maxKeys: 4 }),
      value,
    })
    const escape = (s: string): string =>
      s.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    const number = (x: number): string =>
      Number.isFinite(x) ? String(x) : Number.isNaN(x) ? 'NaN' : x > 0 ? '+Inf' : '-Inf'
    const write = (s: Sample, quoted: boolean): string => {
      const labels = Object.entries(s.labels).map(([l, v]) => `${l}="${escape(v)}"`)
      return quoted
        ? `{${[`"${s.name}"`, ...labels].join(', ')}} ${number(s.value)}`
        : `${s.name}{${labels.join(',')}} ${number(s.value)} 1700000000`
    }
    fc.assert(
      fc.property(fc.array(sample), fc.boolean(), (samples, quoted) => {
        const plain = samples.map(s => ({ ...s, labels: { ...s.labels }, value: s.value + 0 }))
        expect(samplesOf(samples.map(s => `${write(s, quoted)}\n`).join(''))).toEqual(plain)
      }),
    )
  })

  test('any text is read or refused, never thrown at', () => {
    const token = fc.constantFrom(
      'a',
      '{',
      '}',
      '"',
      '\\',
      '=',
      ',',
      ' ',
      '1',
      '#',
      '\n',
      'NaN',
      '# TYPE a gauge',
      '__proto__',
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), tokens => {
        const parsed = parseExposition(tokens.join(''))
        expect('bad' in parsed || parsed.samples.every(s => typeof s.value === 'number')).toBe(true)
      }),
    )
  })
})

describe('selectors', () => {
  const samples = samplesOf('e{code="500",path="/a"} 1\ne{code="500",path="/b"} 2\ne{code="200"} 4\nf 8\n')
  test.each([
    ['e', 7],
    ['e{code="500"}', 3],
    ['e{code="500", path="/b"}', 2],
    ['{"e"}', 7],
    ['f', 8],
    ['g', 0],
  ])('%s', (text, sum) => {
    const selector = parseSelector(text)
    if (typeof selector === 'string') throw new Error(selector)
    expect(select(samples, selector).reduce((n, s) => n + s.value, 0)).toBe(sum)
  })

  test.each(['', 'e{code=~"5.."}', 'e{code!="500"}', 'rate(e[5m])', 'e e', 'e{'])('%j is refused', text => {
    expect(parseSelector(text)).toBeTypeOf('string')
  })
})
