/**
 * Why a rollout ended as it did: one closed list. The value is a short title that can follow "because" in a headline.
 * Each code has a paragraph in `docs/operations.md`: what it means, what was done, what to do.
 */
export const reasons = {
  // promoted
  'all-passed': 'every wave passed its watch',

  // a verdict or a check of the new version failed
  'error-rate-higher': 'more probe requests failed than on the baseline',
  'errors-breaker': 'at least half of the probe requests failed',
  'latency-higher': 'probe requests were slower than on the baseline',
  'series-above-limit': 'a metric was above its limit',
  'series-below-limit': 'a metric was below its limit',
  'series-above-baseline': 'a metric was too far above the baseline',
  'health-failed': 'the health check failed',
  'process-restarted': 'the server process was replaced during the watch',
  'wrong-version': 'another version answered than was started',
  'disk-reserve': 'free disk space fell, or would fall, below the reserve',
  'not-enough-samples': 'too few probe requests to decide',
  'no-data': 'a required signal had no data',
  'could-not-measure': 'the measurement itself failed',
  'not-ready': 'the new version was not ready in time',
  'start-failed': 'the new version did not stay up',
  'invariants-failed': 'counts or the sentinel did not hold',
  'unclean-stop': 'the server did not stop cleanly',
  'hook-failed': 'a hook of yours said no, or did not answer',
  'drain-failed': 'a node could not be taken out of traffic, or put back',
  'rehearsal-surprise': 'the data behaved otherwise than in the rehearsal',
  'point-not-proven': 'a rollback point could not be proven',

  // ended from outside
  cancelled: 'the run was cancelled',
  'runner-lost': 'the runner was lost',
  'confirmation-lost': 'nobody confirmed it in time, and a node went back by itself',
  'taken-over': 'a person took it over from a run that held it',
  'by-hand': 'a person asked for it',

  // refused before anything changed
  'plan-refused': 'the plan found problems',
  'rehearsal-failed': 'the rehearsal on a copy failed',
  'not-reversible': 'a rollback would not keep data, and `require-reversible` is set',
  'lease-held': 'another rollout holds a node',
  'plan-changed': 'the plan is not the one that was approved',
  'lower-version': 'a release never goes to a lower version',
  'would-lose-writes': 'it would lose writes that nobody agreed to lose',

  // nothing to do, or waiting
  'already-there': 'every node serves it already',
  superseded: 'a newer release is already running',
  'nothing-owed': 'nothing is owed',
  planned: 'only the plan was asked for',
  'awaiting-approval': 'it waits for an approval',
  watching: 'the watch has not decided yet',

  // a person has to decide or help
  'node-unreachable': 'a node cannot be reached',
  'old-version-refuses-data': 'the old version does not run on the data any more',
  'held-by-policy': 'going back would lose writes on a node that had passed its watch',
  'held-by-choice': 'a person chose to stay on the new version',
  'cancel-would-lose-writes': 'it was ended from outside, and going back would lose writes',
  'inconclusive-hold': 'the watch could not decide, and the policy is to hold',
  'step-failed': 'a step on a node failed',
  'lease-lost': 'the lease on a node was lost',
  'rollback-failed': 'going back failed',
  'unfinished-rollout': 'an earlier rollout is not finished',
  'records-differ': 'the record of a node cannot be believed',
  'mixed-fleet': 'the nodes serve different releases',
  'not-serving': 'a node does not serve',
  'approval-expired': 'nobody approved it in time',
  'out-of-time': 'the time given to the run was over',
} as const satisfies Record<string, string>

export type ReasonCode = keyof typeof reasons

/** For codes that were read back from a journal, which are plain text there. */
export const isReasonCode = (code: string): code is ReasonCode => Object.hasOwn(reasons, code)

/** The short title of a code; a code of a newer product reads as itself. */
export const reasonTitle = (code: string): string => (isReasonCode(code) ? reasons[code] : code)
