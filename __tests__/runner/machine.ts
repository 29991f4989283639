import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Json } from './expressions.ts'

/** One job's place on the machine: its folders, and the contexts that are the same for all of its steps. */
export type Machine = {
  workspace: string
  temp: string
  artifacts: string
  trackingId: string
  github: Record<string, Json>
  runner: Record<string, string>
  /** Variables every process of the runner inherits. */
  inherited: Record<string, string>
}

export type MachineOptions = {
  workspace: string
  actionDir: string
  /** The runner's work folder, with temporary files and artifacts; default a fresh one that the caller removes. */
  workDir?: string
  /** The machine's own variables; default PATH, HOME and LANG, as a service has them. */
  machineEnvironment?: Record<string, string>
  /** Values that replace or extend the `github` context. */
  github?: Record<string, Json>
}

/** The `github` keys that become GITHUB_* in a step's environment; `token` and `event` are not among them. */
const EXPOSED = new Set(
  `action_path action_ref action_repository action actor actor_id api_url base_ref env event_name event_path graphql_url
   head_ref job output path ref_name ref_protected ref_type ref repository repository_id repository_owner repository_owner_id
   retention_days run_attempt run_id run_number server_url sha state step_summary triggering_actor workflow workflow_ref
   workflow_sha workspace`.split(/\s+/),
)

const githubContext = (options: MachineOptions, eventPath: string): Record<string, Json> => ({
  action: '__self',
  actor: 'octocat',
  actor_id: '583231',
  api_url: 'https://api.github.com',
  base_ref: '',
  event: {},
  event_name: 'push',
  event_path: eventPath,
  graphql_url: 'https://api.github.com/graphql',
  head_ref: '',
  job: 'rollout',
  ref: 'refs/tags/v0.0.0',
  ref_name: 'v0.0.0',
  ref_protected: false,
  ref_type: 'tag',
  repository: 'octocat/service',
  repository_id: '1296269',
  repository_owner: 'octocat',
  repository_owner_id: '583231',
  retention_days: '90',
  run_attempt: '1',
  run_id: '1',
  run_number: '1',
  server_url: 'https://github.com',
  sha: '0'.repeat(40),
  token: '',
  triggering_actor: 'octocat',
  workflow: 'release',
  workflow_ref: 'octocat/service/.github/workflows/release.yml@refs/tags/v0.0.0',
  workflow_sha: '0'.repeat(40),
  ...options.github,
  action_path: options.actionDir,
  workspace: options.workspace,
})

/** Makes the folders of a job and the contexts that describe it. */
export const prepareMachine = (options: MachineOptions): Machine => {
  const work = options.workDir ?? mkdtempSync(join(tmpdir(), 'runner-'))
  const temp = join(work, '_temp')
  const artifacts = join(work, '_artifacts')
  const tools = join(work, '_tool')
  for (const folder of [temp, artifacts, tools]) mkdirSync(folder, { recursive: true })
  const eventPath = join(temp, '_github_workflow_event.json')
  const github = githubContext(options, eventPath)
  writeFileSync(eventPath, JSON.stringify(github['event']))
  const trackingId = `github_${randomUUID()}`
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/root', LANG = 'C.UTF-8' } = process.env
  return {
    workspace: options.workspace,
    temp,
    artifacts,
    trackingId,
    github,
    runner: {
      arch: process.arch === 'arm64' ? 'ARM64' : 'X64',
      environment: 'self-hosted',
      name: 'test-runner',
      os: 'Linux',
      temp,
      tool_cache: tools,
      workspace: work,
    },
    inherited: {
      ...(options.machineEnvironment ?? { PATH, HOME, LANG }),
      RUNNER_TRACKING_ID: trackingId,
    },
  }
}

/** GITHUB_* and RUNNER_* as a step's process sees them. */
export const contextVariables = (
  github: Record<string, Json>,
  runner: Record<string, string>,
): Record<string, string> =>
  Object.fromEntries([
    ...Object.entries(github)
      .filter(([key]) => EXPOSED.has(key))
      .flatMap(([key, value]) =>
        typeof value === 'string' || typeof value === 'boolean'
          ? [[`GITHUB_${key.toUpperCase()}`, value.toString()]]
          : [],
      ),
    ...Object.entries(runner).map(([key, value]) => [`RUNNER_${key.toUpperCase()}`, value]),
  ])
