import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { reason } from './log.ts'

/** The files behind GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, GITHUB_STATE and GITHUB_STEP_SUMMARY of one step. */
export type CommandFiles = Record<'output' | 'env' | 'path' | 'state' | 'step_summary', string>
/** What a step wrote to them. `errors`: a file that could not be read to its end; pairs before the fault count. */
export type Written = {
  outputs: Record<string, string>
  env: Record<string, string>
  path: string[]
  summary: string
  errors: string[]
}

const SUMMARY_LIMIT = 1024 * 1024

/** Fresh, empty files for one step, in the runner's temporary folder. */
export const createFiles = (temp: string): CommandFiles => {
  const folder = join(temp, '_runner_file_commands')
  mkdirSync(folder, { recursive: true })
  const suffix = randomUUID()
  const create = (prefix: string): string => {
    const path = join(folder, `${prefix}_${suffix}`)
    writeFileSync(path, '')
    return path
  }
  return {
    output: create('set_output'),
    env: create('set_env'),
    path: create('add_path'),
    state: create('save_state'),
    step_summary: create('step_summary'),
  }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** `NAME=value` and `NAME<<END` blocks. Yields pairs until the first line it cannot read, then throws. */
function* pairs(text: string): Generator<[string, string]> {
  let at = 0
  const next = (): { line: string; ended: boolean } | undefined => {
    if (at >= text.length) return undefined
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end < 0 ? text.length : end)
    at = end < 0 ? text.length : end + 1
    return { line, ended: end >= 0 }
  }
  const block = (delimiter: string): string => {
    const start = at
    let end = at
    for (let tail = next(); tail?.line !== delimiter; tail = next()) {
      if (tail === undefined) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`)
      if (!tail.ended) throw new Error('Invalid value. EOF marker missing new line.')
      end = at - 1
    }
    return end > start ? text.slice(start, end) : ''
  }
  for (let read = next(); read !== undefined; read = next()) {
    const { line } = read
    if (line === '') continue
    const equals = line.indexOf('=')
    const heredoc = line.indexOf('<<')
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      yield [line.slice(0, equals), line.slice(equals + 1)]
    } else if (heredoc > 0 && heredoc + 2 < line.length) {
      yield [line.slice(0, heredoc), block(line.slice(heredoc + 2))]
    } else throw new Error(`Invalid format '${line}'`)
  }
}

/** Reads the files after a step, however it ended. `mask` is applied to the summary line by line. */
export const readFiles = (files: CommandFiles, mask: (text: string) => string): Written => {
  const written: Written = { outputs: {}, env: {}, path: [], summary: '', errors: [] }
  const collect = (name: 'output' | 'env', into: Record<string, string>): void => {
    try {
      for (const [key, value] of pairs(read(files[name]))) {
        if (name === 'env' && key.toUpperCase() === 'NODE_OPTIONS')
          written.errors.push("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.")
        else into[key] = value
      }
    } catch (error) {
      written.errors.push(`Unable to process file command '${name}' successfully.`, reason(error))
    }
  }
  collect('output', written.outputs)
  collect('env', written.env)
  written.path = read(files.path)
    .split(/\r?\n/)
    .filter(line => line !== '')
  const summary = read(files.step_summary)
  if (Buffer.byteLength(summary) > SUMMARY_LIMIT)
    written.errors.push(
      `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of ${SUMMARY_LIMIT / 1024}k`,
    )
  else written.summary = summary.split('\n').map(mask).join('\n')
  return written
}
