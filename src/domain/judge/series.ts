import type { MetricRule, Reading } from '../measurement.ts'
import type { NodeId } from '../node.ts'
import { type Arm, blocksWithout, type Evidence, of, type Row } from './evidence.ts'
import { type Code, type Finding, finding } from './finding.ts'
import { count, reading } from './numbers.ts'

/** Compared are the last readings up to this many: a minute at 5 s, which covers the saw teeth of a heap. */
const RECENT = 12

/** One finding for each configured series. */
export const seriesFindings = (e: Evidence): Finding[] => e.policy.metrics.map(rule => judgeSeries(e, rule))

const judgeSeries = (e: Evidence, rule: MetricRule): Finding => {
  const row = tableRow(e, rule)
  const broken = e.canary.nodes.flatMap(node => breach(e, rule, node))[0]
  if (broken) return finding(row, { says: 'fail', ...broken })
  const lack = lacking(e, rule)
  if (lack) return finding(row, lack, rule.required)
  return finding(row, {
    says: 'pass',
    code: 'all-passed',
    text: `${rule.name} ${row.canary}, limit ${row.limit}`,
  })
}

const tableRow = (e: Evidence, rule: MetricRule) => {
  const print = (x: number | undefined): string => (x === undefined ? 'no data' : reading(rule.series, x))
  const parts = [
    rule.max === undefined ? [] : [`<= ${print(rule.max)}`],
    rule.min === undefined ? [] : [`>= ${print(rule.min)}`],
    rule.maxRatio === undefined ? [] : [`x ${rule.maxRatio}`],
  ].flat()
  return {
    name: rule.name === rule.series ? rule.name : `${rule.name} (${rule.series})`,
    canary: print(mean(e.canary.nodes.flatMap(n => level(e.canary, rule, n) ?? []))),
    baseline: print(baselineLevel(e, rule)),
    limit: parts.join(', ') || 'reported only',
  }
}

/** An absolute limit is broken by as many readings running as open the breaker; a ratio by the median of the recent ones. */
const breach = (e: Evidence, rule: MetricRule, node: NodeId): { code: Code; text: string }[] => {
  const run = values(of(e.canary, node), rule).slice(-Math.max(1, e.policy.breakerBlocks))
  const last = run.at(-1)
  const say = (x: number): string => reading(rule.series, x)
  const whole = run.length >= Math.max(1, e.policy.breakerBlocks) && last !== undefined
  const { max, min, maxRatio } = rule
  if (max !== undefined && whole && run.every(x => !(x <= max)))
    return [
      {
        code: 'series-above-limit',
        text: `${rule.name} is ${say(last)} on ${node}; the limit is ${say(max)}`,
      },
    ]
  if (min !== undefined && whole && run.every(x => !(x >= min)))
    return [
      {
        code: 'series-below-limit',
        text: `${rule.name} is ${say(last)} on ${node}; at least ${say(min)} is needed`,
      },
    ]
  const own = level(e.canary, rule, node)
  const base = baselineLevel(e, rule)
  if (maxRatio === undefined || own === undefined || base === undefined || !enough(e, rule, node)) return []
  return own <= base * maxRatio
    ? []
    : [
        {
          code: 'series-above-baseline',
          text: `${rule.name} is ${say(own)} on ${node}, ${say(base)} on the baseline; allowed is ${maxRatio} times the baseline`,
        },
      ]
}

const lacking = (e: Evidence, rule: MetricRule) => {
  const has = (r: Reading<number> | undefined): boolean => r?.is === 'value'
  const compared = rule.maxRatio === undefined ? [e.canary] : [e.canary, e.baseline]
  const blind = Math.max(...compared.map(arm => blocksWithout(e, arm, b => has(b.series[rule.name]))))
  if (blind > e.policy.noDataBlocks) {
    const why = compared.flatMap(arm => arm.rows.flatMap(r => whyNot(r.shown.series[rule.name])))
    const ours = why.find(w => w.is === 'error')
    return {
      says: ours ? ('error' as const) : ('no-data' as const),
      code: ours ? ('could-not-measure' as const) : ('no-data' as const),
      text: `${rule.name} could not be read in ${count(blind)} blocks${why[0] ? ` (${(ours ?? why[0]).why})` : ''}; allowed are ${count(e.policy.noDataBlocks)}`,
    }
  }
  const short =
    e.canary.nodes.find(n => !enough(e, rule, n)) ?? (e.canary.nodes.length === 0 ? 'the canary' : undefined)
  if (short)
    return {
      says: 'pending' as const,
      code: 'not-enough-samples' as const,
      text: `too few readings of ${rule.name} on ${short} yet`,
    }
  if (rule.maxRatio !== undefined && baselineLevel(e, rule) === undefined)
    return {
      says: 'pending' as const,
      code: 'not-enough-samples' as const,
      text: `no reading of ${rule.name} on the baseline yet`,
    }
  return undefined
}

const whyNot = (r: Reading<number> | undefined) => (r && r.is !== 'value' ? [r] : [])

/** Enough readings for a median: the recent ones, or as many as a shorter watch can have. */
const enough = (e: Evidence, rule: MetricRule, node: NodeId): boolean => {
  const possible =
    Math.floor((e.policy.watch - e.policy.warmUp) / Math.max(1, e.policy.block)) - e.policy.noDataBlocks
  return values(of(e.canary, node), rule).length >= Math.max(1, Math.min(RECENT, possible))
}

const values = (rows: Row[], rule: MetricRule): number[] =>
  rows
    .filter(r => r.warm)
    .flatMap(({ shown: { series } }) => {
      const r = series[rule.name]
      return r?.is === 'value' ? [r.value] : []
    })

const level = (arm: Arm, rule: MetricRule, node: NodeId): number | undefined =>
  median(values(of(arm, node), rule).slice(-RECENT))

const baselineLevel = (e: Evidence, rule: MetricRule): number | undefined =>
  mean(e.baseline.nodes.flatMap(n => level(e.baseline, rule, n) ?? []))

const median = (xs: number[]): number | undefined => {
  const sorted = xs.toSorted((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.ceil((sorted.length - 1) / 2)]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

const mean = (xs: number[]): number | undefined =>
  xs.length === 0 ? undefined : xs.reduce((a, b) => a + b, 0) / xs.length
