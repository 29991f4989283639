import { type KillScope, type Ladder, LADDER } from './child.ts'
import { fill, holds, SCOPES } from './expressions.ts'
import { contextsOf, type Current, type Job, type StepResult, statusOf } from './job.ts'
import { type Annotation, openLog, reason, shownAnnotations } from './log.ts'
import { type MachineOptions, prepareMachine } from './machine.ts'
import { type Composite, readComposite, type Step } from './manifest.ts'
import { checkNested } from './nested.ts'
import { killAll, tracked } from './processes.ts'
import { cancelJob, expireJob, freezeJob, killJob } from './stop.ts'
import { runStep, stepEnvironment } from './step.ts'

export type CompositeOptions = MachineOptions & {
  /** What the caller's `with:` says; values as written, expressions already filled in. */
  inputs?: Record<string, string>
  /** The caller's job-level `env`. */
  env?: Record<string, string>
  /** The caller's secrets: masked from the first line on. */
  secrets?: string[]
  /** Folder with a `node` program that an emulated setup-node puts on PATH. */
  nodeDir?: string
  /** Called for every line of the log, masked, as it is written. */
  onLine?: (line: string, job: RunningJob) => void
  /** Called when the process of a run step has started. */
  onStep?: (id: string, pid: number, job: RunningJob) => void
  /** Cancel the job this many ms after it began. */
  cancelAfter?: number
  /** Times of the signals; default GitHub's 7.5 s and 2.5 s. */
  ladder?: Ladder
  /** How long the job may live after a cancel, ms; default GitHub's 5 minutes less 15 s. */
  afterCancel?: number
  /** The caller's `timeout-minutes` on the step that uses the action, in ms. */
  stepTimeout?: number
}

export type CompositeResult = {
  /** Of the job. `lost`: the runner was killed and never said anything. */
  conclusion: 'success' | 'failure' | 'cancelled' | 'lost'
  outputs: Record<string, string>
  /** The log, masked, as a person reads it. */
  lines: string[]
  /** Every annotation; `shown` has those that the run's page keeps. */
  annotations: Annotation[]
  shown: Annotation[]
  steps: StepResult[]
  /** The summaries of all steps, one after the other. */
  summary: string
  /** Folder with a folder for each uploaded artifact, and the runner's temporary folder. */
  artifacts: string
  temp: string
  /** Processes that outlived their steps and were killed at the end of the job, by name. */
  orphans: string[]
}

export type RunningJob = {
  done: Promise<CompositeResult>
  /** The person presses Cancel. */
  cancel: () => void
  /** SIGKILL to the process of the step under way, or to all of it. */
  killStep: (scope: KillScope) => void
  /** The runner's machine dies: all that the job started and kept, at once; nothing is read and no later step runs. */
  killRunner: () => void
  /** Every process of the job stands still for so many ms. */
  freeze: (ms: number) => void
}

const AFTER_CANCEL = 285_000

const fillInputs = (composite: Composite, options: CompositeOptions, job: Job): void => {
  const given = Object.entries(options.inputs ?? {})
  const contexts = contextsOf(job, job.env)
  for (const [name, { default: standard }] of Object.entries(composite.inputs)) {
    const own = given.find(([key]) => key.toLowerCase() === name.toLowerCase())
    job.inputs[name] = own ? own[1] : fill(standard ?? '', SCOPES.default, contexts, statusOf(job))
  }
  const names = Object.keys(composite.inputs)
  const unexpected = given
    .map(([key]) => key)
    .filter(key => !names.some(n => n.toLowerCase() === key.toLowerCase()))
  if (unexpected.length > 0)
    job.log.issue(
      'warning',
      '',
      `Unexpected input(s) '${unexpected.join("', '")}', valid inputs are ['${names.join("', '")}']`,
    )
}

/** The worst so far: cancelled stays, a failure replaces a success. */
const merged = (job: Job, step: StepResult): Job['status'] => {
  if (job.status === 'cancelled' || step.conclusion === 'skipped' || step.conclusion === 'success')
    return job.status
  return step.conclusion
}

const ended = (id: string, outcome: 'skipped' | 'failure'): StepResult => ({
  id,
  outcome,
  conclusion: outcome,
  outputs: {},
  summary: '',
  ms: 0,
})

/** Runs a step or says why not. `abort`: its condition could not be evaluated, and GitHub then runs no later step. */
const takeStep = async (job: Job, step: Step): Promise<{ result: StepResult; abort: boolean }> => {
  const current: Current = {
    step,
    env: job.env,
    contexts: contextsOf(job, job.env),
    child: undefined,
    stopped: job.expired,
  }
  job.current = current
  try {
    current.env = stepEnvironment(job, current)
    current.contexts = contextsOf(job, current.env)
    if (!holds(step.if, current.contexts, statusOf(job)))
      return { result: ended(step.id, 'skipped'), abort: false }
  } catch (error) {
    job.log.issue('error', step.id, reason(error))
    return { result: ended(step.id, 'failure'), abort: true }
  }
  return { result: await runStep(job, current), abort: false }
}

const runSteps = async (job: Job, steps: Step[]): Promise<void> => {
  for (const step of steps) {
    const { result, abort } = await takeStep(job, step)
    job.current = undefined
    if (job.lost) return
    job.steps.push(result)
    job.status = merged(job, result)
    if (abort) return
  }
}

const outputsOf = (composite: Composite, job: Job): Record<string, string> => {
  const contexts = contextsOf(job, job.env)
  return Object.fromEntries(
    Object.entries(composite.outputs).map(([name, text]) => [
      name,
      fill(text, SCOPES.output, contexts, statusOf(job)),
    ]),
  )
}

const finish = (composite: Composite, job: Job): CompositeResult => {
  const { log, machine, steps } = job
  const orphans = killAll(() => tracked(machine.trackingId)).map(one => one.name)
  if (!job.lost) for (const name of orphans) log.write(`Terminate orphan process: ${name}`)
  return {
    conclusion: job.cancelled ? 'cancelled' : job.lost ? 'lost' : job.status,
    outputs: job.lost ? {} : outputsOf(composite, job),
    lines: log.lines,
    annotations: log.annotations,
    shown: shownAnnotations(log.annotations),
    steps,
    summary: steps.map(step => step.summary).join(''),
    artifacts: machine.artifacts,
    temp: machine.temp,
    orphans,
  }
}

const createJob = (options: CompositeOptions, hear: () => RunningJob): Job => ({
  machine: prepareMachine(options),
  log: openLog(options.secrets ?? [], line => options.onLine?.(line, hear())),
  inputs: {},
  ladder: options.ladder ?? LADDER,
  nodeDir: options.nodeDir,
  onStep: (id, pid) => options.onStep?.(id, pid, hear()),
  env: { ...options.env },
  path: [],
  steps: [],
  status: 'success',
  cancelled: false,
  expired: false,
  lost: false,
  current: undefined,
})

/**
 * Starts a composite action as the only step of a job. Throws at once where GitHub's runner would refuse the file; a
 * nested action other than setup-node and upload-artifact is refused too.
 */
export const startComposite = (options: CompositeOptions): RunningJob => {
  const composite = readComposite(options.actionDir)
  for (const step of composite.steps) if (step.kind === 'uses') checkNested(step.uses)
  const timers: NodeJS.Timeout[] = []
  let over = false
  const later = (ms: number | undefined, act: () => void): void => {
    if (ms !== undefined && !over) timers.push(setTimeout(act, ms))
  }
  const job = createJob(options, () => running)
  const onExit = (): void => killJob(job)
  const run = async (): Promise<CompositeResult> => {
    process.once('exit', onExit)
    try {
      fillInputs(composite, options, job)
      later(options.cancelAfter, running.cancel)
      later(options.stepTimeout, () => expireJob(job))
      await runSteps(job, composite.steps)
      return finish(composite, job)
    } finally {
      over = true
      timers.forEach(clearTimeout)
      process.off('exit', onExit)
    }
  }
  const running: RunningJob = {
    cancel: () => {
      if (over) return
      cancelJob(job)
      later(options.afterCancel ?? AFTER_CANCEL, () => killJob(job))
    },
    killStep: scope => job.current?.child?.kill(scope),
    freeze: ms => freezeJob(job, ms),
    killRunner: () => {
      if (!over) killJob(job)
    },
    done: Promise.resolve().then(run),
  }
  return running
}

/** Runs a composite action to its end; see `startComposite` for a job that can be cancelled or killed under way. */
export const runComposite = (options: CompositeOptions): Promise<CompositeResult> =>
  startComposite(options).done
