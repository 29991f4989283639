import type { ReportInput } from './input.ts'
import { decidingWatch } from './signals.ts'

/** The outputs that come from the rollout itself; the path of the report is added by whoever writes it. */
export type Outputs = Record<(typeof outputNames)[number], string>

export const outputNames = [
  'outcome',
  'verdict',
  'reason-code',
  'headline',
  'version',
  'target-version',
  'previous-version',
  'data',
  'snapshots',
  'report',
  'plan-hash',
  'rollout-id',
] as const

/** A headline may end up in somebody's script: no quote, backtick, `$`, `;` or bracket of a shell gets into it. */
const sentence = (text: string): string =>
  text
    .replaceAll(';', ',')
    .replace(/[^\p{L}\p{N} .,:/_+@%=✓✗⟲⏸→–—-]/gu, '')
    .slice(0, 500)
const word = (text: string): string => text.replace(/[^A-Za-z0-9._+-]/g, '')
const path = (text: string): string => (/^[\w./ +@:-]*$/.test(text) ? text : '')

/** One version where every node that was asked serves the same, `mixed` where not, `unknown` where one could not be asked. */
const versionNow = (input: ReportInput): string => {
  const versions = new Set(input.nodes.map(node => (node.state === 'serving' ? node.now : 'unknown')))
  if (versions.has('unknown') || versions.size === 0) return 'unknown'
  return versions.size === 1 ? ([...versions][0] ?? 'unknown') : 'mixed'
}

/** The action's outputs, each from a closed alphabet. `report` is the path of the written report, '' when there is none. */
export const outputs = (input: ReportInput, headline: string, report: string): Outputs => ({
  outcome: input.outcome,
  verdict: decidingWatch(input.watches)?.verdict.is ?? 'none',
  'reason-code': word(input.code),
  headline: sentence(headline),
  version: word(versionNow(input)),
  'target-version': word(input.to),
  'previous-version': word(input.from),
  data: input.data,
  snapshots: input.nodes
    .flatMap(n => (n.point === undefined ? [] : [`${word(n.name)}=${word(n.point.name)}`]))
    .join(','),
  report: path(report),
  'plan-hash': word(input.planHash),
  'rollout-id': word(input.rollout),
})
