import type { Config, Inputs } from '../config/config.ts'
import { ending } from '../domain/report/headline.ts'
import type { ReportInput } from '../domain/report/input.ts'
import type { Console } from '../github/console.ts'
import {
  type Deployment,
  type DeploymentState,
  deploymentState,
  githubDeployments,
} from '../github/deployments.ts'

type Where = {
  env: NodeJS.ProcessEnv
  config?: Config
  inputs?: Inputs
  out: Console
  redact: (text: string) => string
}

/** Records the end as a deployment on GitHub, where there is one to record and a token to do it with. Failing is only told. */
export async function recordDeployment(where: Where, input: ReportInput, headline: string): Promise<void> {
  const { env, config, inputs, out, redact } = where
  const repository = env['GITHUB_REPOSITORY'] ?? ''
  const state = stateOf(input)
  if (!config || !inputs || inputs.token === '' || repository === '' || state === 'none') return
  const { githubClient } = await import('../github/client.ts')
  const client = githubClient({
    apiUrl: env['GITHUB_API_URL'] ?? 'https://api.github.com',
    token: inputs.token,
    proxy: {
      https: env['HTTPS_PROXY'] ?? env['https_proxy'] ?? '',
      except: env['NO_PROXY'] ?? env['no_proxy'] ?? '',
    },
  })
  try {
    const deployments = githubDeployments(client.api, repository, out.problem)
    const id = await deployments.open(deploymentOf(input, { env, config }))
    const logUrl = input.links[0]?.url ?? ''
    if (id !== undefined) await deployments.status(id, { state, description: redact(headline), logUrl })
  } finally {
    await client.close()
  }
}

function stateOf(input: ReportInput): DeploymentState | 'none' {
  if (input.mode === 'plan' || input.mode === 'status' || input.rollout === '') return 'none'
  const waiting = input.stopped !== undefined && input.stopped.after !== 'plan'
  return deploymentState({
    outcome: input.outcome,
    mode: input.mode,
    refused: ending(input).exit === 3,
    waiting,
  })
}

/** The tag exists in this repository only where it is the one that is released. */
function deploymentOf(
  input: ReportInput,
  { env, config }: { env: NodeJS.ProcessEnv; config: Config },
): Deployment {
  const tag = config.repository === env['GITHUB_REPOSITORY'] ? (input.plan?.tag ?? '') : ''
  return {
    ref: tag || (env['GITHUB_SHA'] ?? ''),
    task: (input.plan?.mode ?? input.mode) === 'rollback' ? 'rollback' : 'deploy',
    environment: config.environment,
    description: [input.from, input.to].filter(version => version !== '').join(' to '),
    payload: {
      rollout: input.rollout,
      version: input.to,
      from: input.from,
      planHash: input.planHash,
      run: input.links[0]?.url ?? '',
    },
  }
}
