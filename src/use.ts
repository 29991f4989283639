import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authorities } from './authorities.ts'
import type { CommandLine } from './config/command-line.ts'
import type { Config, Inputs } from './config/config.ts'
import { parseConfig } from './config/file.ts'
import { environmentSource, readInputs, secretsOf } from './config/inputs.ts'
import { redactable, type takeSecrets } from './config/secrets.ts'
import { missingSsh } from './config/ssh-inputs.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { refusals } from './domain/trigger.ts'
import { inActions, maskSecrets } from './github/annotations.ts'
import { type Console, createConsole } from './github/console.ts'
import { redactor } from './github/redactor.ts'
import { workspaceHead } from './workspace.ts'

/** One use of the engine: what was read of inputs and configuration, or every reason why it could not be. */
export type Use = {
  env: NodeJS.ProcessEnv
  inAction: boolean
  dir: string
  out: Console
  redact: (text: string) => string
  inputs?: Inputs
  config?: Config
  problems: Problem[]
  steal: boolean
}

/** Everything of the process that this program may touch. */
export type World = { argv: string[]; env: NodeJS.ProcessEnv; write: (text: string) => void }

/** Reads inputs, secrets and the fleet file; what is wrong with any of them is kept, to be told together. */
export function prepare(
  world: World,
  asked: Extract<CommandLine, { is: 'step' | 'mode' }>,
  taken: ReturnType<typeof takeSecrets>,
): Use {
  const inAction = asked.is === 'step'
  const { env } = world
  const problems: Problem[] = []
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }
  const source = asked.is === 'step' ? environmentSource(env, taken) : asked.source
  const inputs = attempt(() => readInputs(source, inAction ? 'action' : 'command line'))
  const secrets = [...redactable(taken), ...(inputs ? secretsOf(inputs) : [])]
  const redact = redactor(secrets)
  if (inAction) maskSecrets(secrets, env)
  const file = inputs?.config ?? (source('config') || '.github/rollout.yml')
  const config = attempt(() => fleetFile(file, env))
  if (inputs && inAction) problems.push(...refusals(triggerOf(env, inputs)))
  if (config) attempt(() => authorities(config))
  if (inputs && config)
    problems.push(...missingSsh(config, inputs, { ci: inActions(env), agent: Boolean(env['SSH_AUTH_SOCK']) }))
  const dir = env['ROLLOUT_DIR'] ?? mkdtempSync(join(tmpdir(), 'progressdb-rollout-'))
  const out = createConsole(world.write, redact)
  return {
    env,
    inAction,
    dir,
    out,
    redact,
    problems,
    steal: asked.is === 'mode' && asked.hand.steal,
    ...(inputs ? { inputs } : {}),
    ...(config ? { config } : {}),
  }
}

function fleetFile(file: string, env: NodeJS.ProcessEnv): Config {
  const read = (): string => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      throw new UserError({
        code: 'CONFIG_NOT_FOUND',
        what: `there is no fleet file ${file}`,
        because: env['GITHUB_ACTIONS']
          ? 'the job has no checkout, or the file has another name'
          : 'it is looked for from the folder where the command runs',
        next: 'check the repository out first (actions/checkout), or name the file with `config`',
      })
    }
  }
  return parseConfig(read(), file, { repository: env['GITHUB_REPOSITORY'] })
}

const triggerOf = (env: NodeJS.ProcessEnv, inputs: Inputs): Parameters<typeof refusals>[0] => ({
  event: env['GITHUB_EVENT_NAME'] ?? '',
  sha: env['GITHUB_SHA'] ?? '',
  head: workspaceHead(env['GITHUB_WORKSPACE'] ?? process.cwd()),
  mode: inputs.mode,
})
