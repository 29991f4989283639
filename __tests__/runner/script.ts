import { randomUUID } from 'node:crypto'
import { accessSync, constants, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import type { Program } from './child.ts'

/** A run step with every expression filled in. `env` is the `env` context: what a log header shows. */
export type Script = { run: string; shell: string; workingDirectory: string; env: Record<string, string> }

const ARGUMENTS: Record<string, string> = {
  bash: '--noprofile --norc -e -o pipefail {0}',
  sh: '-e {0}',
  python: '{0}',
}
const EXTENSIONS: Record<string, string> = { bash: '.sh', sh: '.sh', python: '.py' }

const which = (name: string, path: string): string => {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      continue
    }
  }
  throw new Error(`${name}: command not found`)
}

const shellFormat = (shell: string): { command: string; format: string } => {
  const space = shell.indexOf(' ')
  const command = space < 0 ? shell : shell.slice(0, space)
  const format = (space < 0 ? '' : shell.slice(space + 1).trimStart()) || (ARGUMENTS[command] ?? '')
  if (!format.includes('{0}'))
    throw new Error(
      "Invalid shell option. Shell must be a valid built-in or a format string containing '{0}'",
    )
  return { command, format }
}

/** Writes the script to a file in `temp` and says how to run it, in exactly the environment `variables`. */
export const scriptProgram = (
  script: Script,
  at: { temp: string; workspace: string },
  variables: Record<string, string>,
): Program => {
  const { command, format } = shellFormat(script.shell)
  const file = join(at.temp, `${randomUUID()}${EXTENSIONS[command] ?? ''}`)
  writeFileSync(file, script.run)
  return {
    file: which(command, variables['PATH'] ?? ''),
    args: format.split(/\s+/).map(word => word.replaceAll('{0}', file)),
    cwd: resolve(at.workspace, script.workingDirectory),
    env: variables,
  }
}

/** The lines a log opens a run step with: the script, the shell, and the whole `env`. */
export const scriptHeader = (script: Script): string[] => {
  const { command, format } = shellFormat(script.shell)
  const env = Object.entries(script.env).map(([key, value]) => `  ${key}: ${value}`)
  return [
    `##[group]Run ${script.run.trimStart().split(/\r?\n/)[0] ?? ''}`,
    ...script.run.replaceAll('\r\n', '\n').replace(/\n+$/, '').split('\n'),
    `shell: ${command} ${format}`,
    ...(env.length > 0 ? ['env:', ...env] : []),
    '##[endgroup]',
  ]
}
