import type { Problem } from '../domain/errors.ts'
import type { Ask } from '../domain/http.ts'
import type { MetricRule, Reading } from '../domain/measurement.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { parseExposition, parseSelector, type Sample, select, type Series } from './exposition.ts'
import type { MetricSource, MetricTarget } from './source.ts'
import { nearest } from './suggest.ts'

/** `header`: the name of the header that takes the key as it is; else it goes as a bearer token. */
export type ScrapeOptions = { path: string; key?: string; header?: string }

const LIMIT = 5_000
const MAX_BYTES = 16 * 1024 * 1024

type Scraped = { is: 'samples'; samples: Sample[] } | { is: 'error'; why: string; status?: number }

/** A source that scrapes each node's exposition endpoint, at most once per call. */
export const scrapeSource = (ask: Ask, options: ScrapeOptions): MetricSource => ({
  read: async (target, rules, stop) => {
    if (rules.length === 0) return {}
    const scraped = await scrape(ask, target, { options, stop })
    return Object.fromEntries(rules.map(rule => [rule.name, readingOf(scraped, rule)]))
  },
  missing: async (target, rules, stop) => {
    const broken = rules.flatMap(rule => badSelector(rule))
    if (broken.length > 0 || rules.length === 0) return broken
    const scraped = await scrape(ask, target, { options, stop })
    if (scraped.is === 'error') return [unreadable(target, options, scraped)]
    return rules.flatMap(rule => unknownSeries(target, rule, scraped.samples))
  },
})

const scrape = async (
  ask: Ask,
  target: MetricTarget,
  { options, stop }: { options: ScrapeOptions; stop: AbortSignal | undefined },
): Promise<Scraped> => {
  const { path } = options
  const headers = { accept: 'text/plain;version=0.0.4', ...authorization(options) }
  const reply = await ask(
    target.url,
    { method: 'GET', path, headers, limit: LIMIT, maxBytes: MAX_BYTES },
    stop,
  )
  if (reply.is === 'stopped') return { is: 'error', why: 'stopped' }
  if (reply.is !== 'answer') return { is: 'error', why: `${path}: ${reply.why}` }
  if (reply.status !== 200)
    return { is: 'error', why: `${path} answers ${reply.status}`, status: reply.status }
  const parsed = parseExposition(Untrusted.raw(reply.body))
  if ('bad' in parsed) return { is: 'error', why: `${path}, line ${parsed.bad.line}: ${parsed.bad.why}` }
  return { is: 'samples', samples: parsed.samples }
}

const authorization = ({ key, header }: ScrapeOptions): Record<string, string> => {
  if (key === undefined) return {}
  return header === undefined ? { authorization: `Bearer ${key}` } : { [header.toLowerCase()]: key }
}

const readingOf = (scraped: Scraped, rule: MetricRule): Reading<number> => {
  if (scraped.is === 'error') return { is: 'error', why: scraped.why }
  const selector = parseSelector(rule.series)
  if (typeof selector === 'string') return { is: 'error', why: `the selector of ${rule.name}: ${selector}` }
  const found = select(scraped.samples, selector)
  if (found.length === 0) return { is: 'noData', why: 'no such series' }
  const sum = found.reduce((total, s) => total + s.value, 0)
  if (Number.isNaN(sum)) return { is: 'noData', why: 'the series says NaN' }
  // a reading is journalled as JSON, which has no infinity
  return { is: 'value', value: Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum)) }
}

const badSelector = (rule: MetricRule): Problem[] => {
  const selector = parseSelector(rule.series)
  if (typeof selector !== 'string') return []
  return [
    {
      code: 'METRIC_SELECTOR',
      what: `the series of metric ${rule.name} cannot be read as a selector: ${selector}`,
      next: 'write it as  name  or  name{label="value"}  (equality only), in quotes in YAML',
    },
  ]
}

const unreadable = (
  { id }: MetricTarget,
  { path, key }: ScrapeOptions,
  scraped: { why: string; status?: number },
): Problem => {
  const refused = scraped.status === 401 || scraped.status === 403
  return {
    code: refused ? 'METRICS_KEY_REFUSED' : 'METRICS_UNREADABLE',
    what: refused ? `${id} does not let us read its metrics` : `the metrics of ${id} could not be read`,
    because: scraped.why,
    next: refused
      ? key === undefined
        ? 'name the key that may read them under exposition: { key: ... } and give its value in the input keys'
        : 'check the key named under exposition: { key: ... }; ProgressDB wants the admin key for this path'
      : `check that  ${path}  on this node answers in the Prometheus text format, or set exposition: { path: ... }`,
    where: id,
  }
}

const unknownSeries = ({ id }: MetricTarget, rule: MetricRule, samples: Sample[]): Problem[] => {
  const selector = parseSelector(rule.series)
  if (typeof selector === 'string' || select(samples, selector).length > 0) return []
  const names = [...new Set(samples.map(s => s.name))]
  const near = nearest(selector.name, names)
  // a series that need not exist may be missing, but not because of a slip of the pen
  if (!rule.required && (names.includes(selector.name) || near === undefined)) return []
  const label = labelled(samples, selector)
  return [
    {
      code: 'SERIES_UNKNOWN',
      what: `${id} has no series ${rule.series} (metric ${rule.name})`,
      because: label
        ? `the name exists, but with other labels: ${label}`
        : `none of its ${names.length} series has that name`,
      next:
        near && !label
          ? `did you mean  ${word(near)}?`
          : 'take a name and labels that this node exports, or remove the metric',
      where: id,
    },
  ]
}

/** The labels that the first few series of that name do have. */
const labelled = (samples: Sample[], { name }: Series): string =>
  samples
    .filter(s => s.name === name)
    .slice(0, 3)
    .map(
      s =>
        `{${Object.entries(s.labels)
          .map(([l, v]) => `${word(l)}="${word(v)}"`)
          .join(',')}}`,
    )
    .join(' ')

const word = (text: string): string => printable(new Untrusted(text), 80)
