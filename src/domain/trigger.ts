import type { Problem } from './errors.ts'

/**
 * What started the job and what lies in the workspace.
 * `event`  GITHUB_EVENT_NAME. `sha`  GITHUB_SHA.
 * `head`   the commit that is checked out, or `none` where the workspace is no checkout.
 */
export type Trigger = { event: string; sha: string; head: string; mode: string }

/** Started by anyone who can open a pull request or write a comment, and yet run with the repository's secrets. */
const OUTSIDERS_WITH_SECRETS = new Set(['pull_request_target', 'workflow_run', 'issue_comment'])
/** The checked-out commit is a proposal that nobody has accepted yet. */
const PROPOSALS = new Set(['pull_request', 'pull_request_review', 'pull_request_review_comment'])
const READ_ONLY = new Set(['plan', 'status'])

/** Why this job may not roll anything out: configuration, hooks and test commands are code of the checked-out commit. */
export const refusals = (trigger: Trigger): Problem[] => {
  if (OUTSIDERS_WITH_SECRETS.has(trigger.event) && trigger.head !== trigger.sha)
    return [foreignCheckout(trigger)]
  if (PROPOSALS.has(trigger.event) && !READ_ONLY.has(trigger.mode)) return [changesFromProposal(trigger)]
  return []
}

const foreignCheckout = ({ event, sha, head }: Trigger): Problem => ({
  code: 'CHECKOUT_NOT_TRUSTED',
  what: `under ${event} the workspace must be a checkout of ${short(sha)}; it is ${head === 'none' ? 'no checkout' : short(head)}`,
  because:
    'such a workflow holds secrets, and the configuration and test commands of another commit would run with them',
  next: 'remove `ref:` from actions/checkout, or start the rollout by push, release or workflow_dispatch',
})

const changesFromProposal = ({ event, mode }: Trigger): Problem => ({
  code: 'PULL_REQUEST_CHANGES_NOTHING',
  what: `mode ${mode} does not run under ${event}`,
  because:
    'the checked-out commit is a proposal; only the modes plan and status, which change nothing, run on it',
  next: 'use mode: plan here, and run the rollout from a tag, a release or workflow_dispatch',
})

const short = (sha: string): string => (/^[0-9a-f]{7,64}$/.test(sha) ? sha.slice(0, 12) : 'an unknown commit')
