import type { Child, Ladder } from './child.ts'
import type { Contexts, Json, Status } from './expressions.ts'
import type { Log } from './log.ts'
import type { Machine } from './machine.ts'
import type { Step } from './manifest.ts'

export type Outcome = 'success' | 'failure' | 'cancelled' | 'skipped'
/**
 * One step as it ended. `outcome` is before `continue-on-error`, `conclusion` after. `summary` is what it left in
 * GITHUB_STEP_SUMMARY, masked. `ms`: how long it ran, 0 when skipped.
 */
export type StepResult = {
  id: string
  outcome: Outcome
  conclusion: Outcome
  outputs: Record<string, string>
  summary: string
  ms: number
}

/** Everything a job knows while it runs; the steps change it, the loop reads it. */
export type Job = {
  machine: Machine
  log: Log
  inputs: Record<string, string>
  ladder: Ladder
  nodeDir: string | undefined
  onStep: (id: string, pid: number) => void
  /** GITHUB_ENV and job-level `env`, and GITHUB_PATH, so far. */
  env: Record<string, string>
  path: string[]
  steps: StepResult[]
  /** The composite's own status: the worst of its steps. */
  status: 'success' | 'failure' | 'cancelled'
  cancelled: boolean
  /** The caller's `timeout-minutes` has passed: every step from here on is born cancelled. */
  expired: boolean
  /** The runner is gone: nothing more is read, written or started. */
  lost: boolean
  current: Current | undefined
}
/** The step under way. `stopped`: its cancellation token has fired. */
export type Current = {
  step: Step
  env: Record<string, string>
  contexts: Contexts
  child: Child | undefined
  stopped: boolean
}

export const statusOf = (job: Job): Status => ({
  action: job.status,
  jobCancelled: job.cancelled,
  workspace: job.machine.workspace,
})

/** What expressions see. `env` holds the job's variables and, once they are evaluated, the step's own. */
export const contextsOf = (job: Job, env: Record<string, string>): Contexts => ({
  github: { ...job.machine.github, action_status: job.status },
  inputs: job.inputs,
  steps: Object.fromEntries(
    job.steps
      .filter(step => !step.id.startsWith('__'))
      .map(({ id, outcome, conclusion, outputs }): [string, Json] => [id, { outcome, conclusion, outputs }]),
  ),
  job: { status: job.cancelled ? 'cancelled' : 'success' },
  runner: job.machine.runner,
  env,
  strategy: { 'fail-fast': true, 'job-index': 0, 'job-total': 1, 'max-parallel': 1 },
  matrix: null,
})
