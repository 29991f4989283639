import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDist } from '../../scripts/bundle.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** A folder as a checkout of the action has it: action.yml, and `dist/` made of the sources as they are now. */
export async function actionFolder(folder: string): Promise<string> {
  const dist = join(folder, 'dist')
  mkdirSync(dist, { recursive: true })
  copyFileSync(join(ROOT, 'action.yml'), join(folder, 'action.yml'))
  for (const [name, { text, executable }] of await buildDist(ROOT, { file: 'src/index.ts' }))
    writeFileSync(join(dist, name), text, { mode: executable ? 0o755 : 0o644 })
  return folder
}

/** One error as the log shows it. */
export type Told = { code: string; what: string; because: string; next: string }
export type Ran = { code: number | null; text: string; errors: Told[]; dir: string }
export type Call = {
  action: string
  /** Where the run's own folder is made. */
  scratch: string
  args: string[]
  env?: Record<string, string>
  /** The run's folder; default a fresh one. */
  dir?: string
}

/** Runs the program as a person does, in an environment that holds nothing but what is given. */
export async function engine({ action, scratch, args, env = {}, dir }: Call): Promise<Ran> {
  const own = dir ?? mkdtempSync(join(scratch, 'run-'))
  const child = spawn(process.execPath, [join(action, 'dist', 'index.mjs'), ...args], {
    cwd: scratch,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', USER: 'ana', ROLLOUT_DIR: own, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => void (text += part))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, text, errors: errorsIn(text.split('\n')), dir: own }
}

/** The errors of a log: `error  CODE  what`, then why, then the next thing to do. */
export function errorsIn(lines: string[]): Told[] {
  return lines.flatMap((line, i) => {
    const [, code = '', what = ''] = /^error {2}([A-Z][A-Z0-9_]+) {2}(.+)$/.exec(line) ?? []
    if (code === '') return []
    const [, because] = /^ {7}because (.+)$/.exec(lines[i + 1] ?? '') ?? []
    const [, next = ''] = /^ {7}next {2}(.+)$/.exec(lines[i + (because === undefined ? 1 : 2)] ?? '') ?? []
    return [{ code, what, because: because ?? '', next }]
  })
}
