import type { Verdict, Watch, WatchPolicy } from '../measurement.ts'
import type { Millis } from '../node.ts'
import { type Evidence, evidence, measured } from './evidence.ts'
import { CODES, type Finding } from './finding.ts'
import { slowness } from './latency.ts'
import { livenessFindings } from './liveness.ts'
import { clock } from './numbers.ts'
import { requestFindings } from './requests.ts'
import { seriesFindings } from './series.ts'

/** A watch of which less than this share was really measured is not over, however late it is. */
const MEASURED = 0.9

/**
 * What a watch says so far. `fail` as soon as a limit is clearly broken; `inconclusive` as soon as a budget for errors or
 * missing data is spent, or at the deadline; `pass` only when the whole watch has been measured and every rule passes.
 * Deterministic; the order of nodes and blocks does not matter.
 */
export const judge = (watch: Watch, policy: WatchPolicy, now: Millis): Verdict => {
  const e = evidence(watch, policy, now)
  const findings = [...requestFindings(e), slowness(e), ...seriesFindings(e), ...livenessFindings(e)]
  const deciding = findings.filter(f => f.decides).toSorted((a, b) => rank(a) - rank(b))
  const left = remaining(e)
  const give = (is: Verdict['is'], code: string, text: string): Verdict => ({
    is,
    code,
    text,
    signals: findings.map(f => f.signal),
    left: is === 'pending' ? left : 0,
  })

  const failed = deciding.find(f => f.signal.says === 'fail')
  if (failed) return give('fail', failed.code, failed.text)
  const blind = deciding.find(f => f.signal.says === 'error' || f.signal.says === 'no-data')
  if (blind) return give('inconclusive', blind.code, blind.text)
  const waiting = deciding.find(f => f.signal.says === 'pending')
  if (left === 0 && !waiting) return give('pass', 'all-passed', passText(findings))
  if (e.elapsed >= policy.deadline) return give('inconclusive', ...lateReason(e, waiting))
  return give('pending', 'watching', waiting?.text ?? `nothing wrong so far; ${clock(left)} more to watch`)
}

/** The worst news first: `CODES` is in the order in which a person wants to hear them. */
const rank = (f: Finding): number => CODES.indexOf(f.code)

const remaining = (e: Evidence): Millis =>
  Math.max(
    0,
    e.policy.watch - e.elapsed,
    Math.ceil(MEASURED * e.policy.watch - measured(e)),
    e.canary.nodes.length > 0 ? 0 : 1,
  )

const passText = (findings: Finding[]): string => {
  const requests = findings.find(f => f.signal.name === 'failed probe requests')
  return `${requests?.text ?? ''}; ${findings.length} signals are within their limits`
}

const lateReason = (e: Evidence, waiting: Finding | undefined): [string, string] => {
  const late = `undecided at the deadline of ${clock(e.policy.deadline)}`
  if (measured(e) === 0) return ['no-data', `${late}: nothing was measured on the canary`]
  if (waiting)
    return [waiting.code === 'watching' ? 'not-enough-samples' : waiting.code, `${late}: ${waiting.text}`]
  return [
    'not-enough-samples',
    `${late}: only ${clock(measured(e))} of ${clock(e.policy.watch)} were measured`,
  ]
}
