import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtAction } from '../action/built-action.ts'
import { type Scenario, TOKEN } from '../action/scenario.ts'

/** What is left of a job: act's exit code, its whole output, and the outputs that the job's last step saw. */
export type ActResult = { code: number; text: string; outputs: Record<string, string> }

const ROOT = join(import.meta.dirname, '..', '..')

/** Runs the user's workflow beside this file in act, as if `tag` had been pushed, against the scenario's fleet and releases. */
export async function runInAct(s: Scenario, tag: string): Promise<ActResult> {
  const workflows = s.at('workspace', '.github', 'workflows')
  mkdirSync(workflows, { recursive: true })
  copyFileSync(join(import.meta.dirname, 'release.yml'), join(workflows, 'release.yml'))
  const outputs = s.at('outputs.json')
  rmSync(outputs, { force: true })
  writeFileSync(s.at('secrets'), secretsOf(s), { mode: 0o600 })
  const args = [
    await builtAction(),
    s.at('workspace'),
    tag,
    ...environment(s),
    '--secret-file',
    s.at('secrets'),
  ]
  return new Promise((resolve, reject) => {
    execFile(join(ROOT, 'scripts', 'act.sh'), args, { maxBuffer: 1e8 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      const text = stdout + stderr
      if (typeof code === 'number') resolve({ code, text, outputs: read(outputs) })
      else reject(new Error(`act was stopped by ${error?.signal ?? 'nobody knows what'}:\n${text}`))
    })
  })
}

const secretsOf = ({ fleet }: Scenario): string =>
  [
    `PROGRESSDB_BACKEND_KEY=${fleet.keys.probe}`,
    `PROGRESSDB_ADMIN_KEY=${fleet.keys.admin}`,
    `GITHUB_TOKEN=${TOKEN}`,
    '',
  ].join('\n')

const environment = (s: Scenario): string[] =>
  [
    `GITHUB_API_URL=${s.github.url}`,
    'GITHUB_REPOSITORY=progressdb/ProgressDB',
    `OUTPUTS_FILE=${s.at('outputs.json')}`,
  ].flatMap(variable => ['--env', variable])

function read(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}
