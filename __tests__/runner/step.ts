import { startChild } from './child.ts'
import { fill, SCOPES } from './expressions.ts'
import { createFiles, readFiles } from './file-commands.ts'
import { type Current, type Job, type StepResult, statusOf } from './job.ts'
import { listen, reason } from './log.ts'
import { contextVariables } from './machine.ts'
import type { RunStep, UsesStep } from './manifest.ts'
import { runNested } from './nested.ts'
import { type Script, scriptHeader, scriptProgram } from './script.ts'

type Ran = Pick<StepResult, 'outcome' | 'outputs' | 'summary'>

/** The environment of a step's process: nothing of ours but what GitHub's runner passes on, and never an INPUT_*. */
const variables = (
  job: Job,
  env: Record<string, string>,
  files: Record<string, string>,
): Record<string, string> => {
  const path = [...job.path].reverse().concat(env['PATH'] ?? job.machine.inherited['PATH'] ?? '')
  return {
    ...job.machine.inherited,
    CI: 'true',
    ...env,
    PATH: path.join(':'),
    ...contextVariables({ ...job.machine.github, ...files }, job.machine.runner),
    GITHUB_ACTIONS: 'true',
  }
}

const fillAll = (values: Record<string, string>, job: Job, current: Current): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([key, text]) => [
      key,
      fill(text, SCOPES.step, current.contexts, statusOf(job)),
    ]),
  )

/** GitHub lets a cancelled token decide before the exit status: a step that was told to stop is never a success. */
const outcomeOf = (job: Job, current: Current, code: number): Ran['outcome'] => {
  const { id } = current.step
  if (current.stopped && job.cancelled) {
    job.log.issue('error', id, 'The operation was canceled.')
    return 'cancelled'
  }
  if (current.stopped) job.log.issue('error', id, 'The action has timed out.')
  else if (code !== 0) job.log.issue('error', id, `Process completed with exit code ${code}.`)
  else return 'success'
  return 'failure'
}

const scriptOf = (step: RunStep, job: Job, current: Current): Script => {
  const text = (template: string): string => fill(template, SCOPES.step, current.contexts, statusOf(job))
  return {
    run: text(step.run),
    shell: text(step.shell),
    workingDirectory: text(step.workingDirectory),
    env: current.env,
  }
}

const runScript = async (step: RunStep, job: Job, current: Current): Promise<Ran> => {
  const { log, machine } = job
  const script = scriptOf(step, job, current)
  const files = createFiles(machine.temp)
  for (const line of scriptHeader(script)) log.write(line)
  const { line, heard } = listen(log, step.id)
  const at = { temp: machine.temp, workspace: machine.workspace }
  const child = await startChild(scriptProgram(script, at, variables(job, script.env, files)), text => {
    if (!job.lost) line(text)
  })
  current.child = child
  if (job.lost) child.kill('tree')
  if (current.stopped) child.cancel(job.ladder)
  job.onStep(step.id, child.pid)
  const code = await child.ended
  if (job.lost) return { outcome: 'cancelled', outputs: {}, summary: '' }
  const outcome = outcomeOf(job, current, code)
  const written = readFiles(files, log.mask)
  for (const error of written.errors) log.issue('error', step.id, error)
  Object.assign(job.env, written.env)
  job.path = [...job.path.filter(folder => !written.path.includes(folder)), ...written.path]
  return {
    outcome: outcome === 'success' && (heard.failed || written.errors.length > 0) ? 'failure' : outcome,
    outputs: { ...heard.outputs, ...written.outputs },
    summary: written.summary,
  }
}

const runUses = (step: UsesStep, job: Job, current: Current): Ran => {
  const { outputs, path } = runNested({
    uses: step.uses,
    with: fillAll(step.with, job, current),
    step: step.id,
    workspace: job.machine.workspace,
    artifacts: job.machine.artifacts,
    nodeDir: job.nodeDir,
    log: job.log,
  })
  job.path.push(...path)
  return { outcome: 'success', outputs, summary: '' }
}

const attempt = async (job: Job, current: Current): Promise<Ran> => {
  const { step } = current
  try {
    return await (step.kind === 'run' ? runScript(step, job, current) : runUses(step, job, current))
  } catch (error) {
    job.log.issue('error', step.id, reason(error))
    return { outcome: 'failure', outputs: {}, summary: '' }
  }
}

/** The step's `env:` over the job's, each value filled in. Throws where an expression cannot be evaluated. */
export const stepEnvironment = (job: Job, current: Current): Record<string, string> => ({
  ...job.env,
  ...fillAll(current.step.env, job, current),
})

/** Runs one step to its end, whatever ends it; its files are read even after SIGKILL. Never throws. */
export const runStep = async (job: Job, current: Current): Promise<StepResult> => {
  const { step } = current
  const began = performance.now()
  const ran = await attempt(job, current)
  const forgiven = ran.outcome === 'failure' && !job.lost && continues(job, current)
  return {
    id: step.id,
    ...ran,
    conclusion: forgiven ? 'success' : ran.outcome,
    ms: performance.now() - began,
  }
}

const continues = (job: Job, { step, contexts }: Current): boolean =>
  fill(step.continueOnError, SCOPES.step, contexts, statusOf(job)).toLowerCase() === 'true'
