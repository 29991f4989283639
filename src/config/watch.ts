import type { WatchPolicy } from '../domain/measurement.ts'
import { spellDuration } from '../domain/policy.ts'
import { type Broken, broken } from './rule.ts'
import type { FleetFile } from './schema/file.ts'

/** Takes the written value, or the default, which it remembers by name. */
export type Default = <T extends string | number>(
  name: string,
  written: T | undefined,
  value: T,
  spelt?: string,
) => T

const watches = (file: FleetFile): [name: string, key: readonly [string, string], ms: number][] => [
  ['canary.watch', ['canary', 'watch'], file.canary.watch],
  ['canary.rewatch', ['canary', 'rewatch'], file.canary.rewatch],
  ['waves.watch', ['waves', 'watch'], file.waves.watch],
]
const shortest = (file: FleetFile): number => Math.min(...watches(file).map(([, , ms]) => ms))
const longest = (file: FleetFile): number => Math.max(...watches(file).map(([, , ms]) => ms))
/** Probe requests that one node answers in the shortest watch. */
const samplesAtLeast = (file: FleetFile): number => Math.floor((shortest(file) / 1000) * file.probe.rate)

/** A watch that cannot pass, or cannot fail, is a mistake. */
export const timingRules = (file: FleetFile): Broken[] => [
  ...watches(file)
    .filter(([, , ms]) => ms < file.probe.block)
    .map(([name, path, ms]) =>
      broken(
        path,
        'WATCH_TOO_SHORT',
        `${name} is ${spellDuration(ms)}, shorter than a block of ${spellDuration(file.probe.block)}`,
        'lengthen it, or shorten probe.block',
      ),
    ),
  ...warmUpRules(file),
  ...deadlineRules(file),
  ...sampleRules(file),
  ...(file.keep < file['approve-within']
    ? [
        broken(
          ['keep'],
          'KEEP_TOO_SHORT',
          `keep is ${spellDuration(file.keep)}, shorter than approve-within, ${spellDuration(file['approve-within'])}`,
          'lengthen keep',
          'an approved rollout may still need its checkpoints',
        ),
      ]
    : []),
]

const warmUpRules = (file: FleetFile): Broken[] => {
  const warmUp = file.canary['warm-up']
  return warmUp !== undefined && warmUp >= shortest(file)
    ? [
        broken(
          ['canary', 'warm-up'],
          'WATCH_TOO_SHORT',
          `canary.warm-up is ${spellDuration(warmUp)}, the shortest watch ${spellDuration(shortest(file))}`,
          'shorten it: nothing would be judged',
        ),
      ]
    : []
}

const deadlineRules = (file: FleetFile): Broken[] => {
  const { deadline } = file.canary
  return deadline !== undefined && deadline < longest(file)
    ? [
        broken(
          ['canary', 'deadline'],
          'DEADLINE_TOO_EARLY',
          `canary.deadline is ${spellDuration(deadline)}, the longest watch ${spellDuration(longest(file))}`,
          'lengthen it: no watch could pass before',
        ),
      ]
    : []
}

const FEWEST_SAMPLES = 2

const sampleRules = (file: FleetFile): Broken[] => {
  const given = samplesAtLeast(file)
  const wanted = file.judge['min-samples']
  if (wanted !== undefined && wanted > given)
    return [
      broken(
        ['judge', 'min-samples'],
        'WATCH_TOO_SHORT',
        `judge.min-samples is ${wanted}, the shortest watch gives ${given}`,
        'lower it, lengthen the watch, or raise probe.rate',
      ),
    ]
  return given < FEWEST_SAMPLES
    ? [
        broken(
          ['probe', 'rate'],
          'WATCH_TOO_SHORT',
          `${file.probe.rate} probe requests a second give ${given} in the shortest watch, ${spellDuration(shortest(file))}`,
          'raise probe.rate, or lengthen the watch',
        ),
      ]
    : []
}

/** Every metric can fail, and is told from the others. */
export const metricRules = (file: FleetFile): Broken[] =>
  file.metrics.flatMap((metric, index) => {
    const at = ['metrics', index] as const
    const { max, min } = metric
    return [
      ...(max === undefined && min === undefined && metric['max-ratio'] === undefined
        ? [
            broken(
              at,
              'METRIC_WITHOUT_LIMIT',
              `metric ${metric.name} has no limit`,
              'add max, min or max-ratio',
            ),
          ]
        : []),
      ...(max !== undefined && min !== undefined && min > max
        ? [
            broken(
              [...at, 'min'],
              'SETTING_CONTRADICTS',
              `metric ${metric.name}: min ${min} is above max ${max}`,
              'correct one of the two',
            ),
          ]
        : []),
      ...(file.metrics.findIndex(other => other.name === metric.name) < index
        ? [
            broken(
              [...at, 'name'],
              'METRIC_TWICE',
              `two metrics are named ${metric.name}`,
              'give each a name of its own',
            ),
          ]
        : []),
    ]
  })

const ENOUGH_SAMPLES = 100
const LONGEST_WARM_UP = 30_000

/** What the judge may know. */
export const watchPolicy = (file: FleetFile, or: Default): WatchPolicy => {
  const warmUp = Math.min(LONGEST_WARM_UP, Math.floor(shortest(file) / 4))
  const deadline = 2 * longest(file)
  const samples = Math.max(1, Math.min(ENOUGH_SAMPLES, Math.floor(samplesAtLeast(file) / 2)))
  return {
    watch: file.canary.watch,
    warmUp: or('canary.warm-up', file.canary['warm-up'], warmUp, spellDuration(warmUp)),
    deadline: or('canary.deadline', file.canary.deadline, deadline, spellDuration(deadline)),
    rate: file.probe.rate,
    block: file.probe.block,
    minSamples: or('judge.min-samples', file.judge['min-samples'], samples),
    failedAboveBaseline: file.judge['failed-above-baseline'],
    failedMax: file.judge.failed,
    breakerBlocks: file.judge.breaker,
    p95Ratio: file.judge['p95-ratio'],
    p95Floor: file.judge['p95-floor'],
    errorBudget: file.judge.errors,
    noDataBlocks: file.judge['no-data'],
    diskReserve: file['disk-reserve'],
    metrics: file.metrics.map(({ 'max-ratio': maxRatio, max, min, ...rule }) => ({
      ...rule,
      ...(max === undefined ? {} : { max }),
      ...(min === undefined ? {} : { min }),
      ...(maxRatio === undefined ? {} : { maxRatio }),
    })),
    onInconclusive: file['on-inconclusive'],
  }
}
