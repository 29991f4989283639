import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { INPUTS, OUTPUTS } from '../src/config/input-table.ts'
import { MODES } from '../src/config/modes.ts'

/** What the README repeats of other files, written between `<!-- NAME -->` and `<!-- end -->`: `node scripts/readme-tables.ts`. */
const ROOT = join(import.meta.dirname, '..')
export const README = join(ROOT, 'README.md')

const cell = (text: string): string => text.replaceAll('|', '\\|')
const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows.map(row => row.map(cell))]
    .map(row => `| ${row.join(' | ')} |`)
    .join('\n')
const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

const modes = (): string =>
  table(
    ['mode', 'what it does', 'changes nodes'],
    MODES.map(mode => [
      code(mode.name) + (mode.byHand ? ' (command line only)' : ''),
      mode.summary,
      mode.changes ? 'yes' : 'no',
    ]),
  )

const inputs = (): string =>
  table(
    ['input', 'default', 'what it is', 'read by mode'],
    INPUTS.map(input => [
      code(input.name) + (input.secret ? ' (secret)' : ''),
      code(input.default),
      input.description,
      input.modes.filter(mode => mode !== 'adopt' && mode !== 'init').join(', '),
    ]),
  )

const outputs = (): string =>
  table(
    ['output', 'what it is'],
    OUTPUTS.map(output => [code(output.name), output.description]),
  )

const example = (name: string): string => readFileSync(join(ROOT, 'examples', name), 'utf8').trimEnd()
const yaml = (text: string): string => `\`\`\`yaml\n${text}\n\`\`\``

/** One job of an example, as it stands there. Throws when there is none of that name. */
const job = (file: string, name: string): string => {
  const found = new RegExp(`^  ${name}:\\n(?:    .*\\n|\\n(?=    ))*`, 'm').exec(`${example(file)}\n`)
  if (!found) throw new Error(`examples/${file} has no job ${name}`)
  return found[0].trimEnd()
}

const PARTS: Record<string, () => string> = {
  modes,
  inputs,
  outputs,
  'examples/rollout.yml': () => yaml(example('rollout.yml')),
  'examples/release.yml rollout': () => yaml(job('release.yml', 'rollout')),
  'examples/rollback.yml': () => yaml(example('rollback.yml')),
}

/** The README with every generated part as it has to be. Throws on a part that is not there or that nobody knows. */
export const fresh = (text: string): string => {
  const parts = [...text.matchAll(/<!-- (.+?) -->\n[^]*?<!-- end -->/g)].map(match => match[1] ?? '')
  const wrong = [
    ...parts.filter(name => !PARTS[name]),
    ...Object.keys(PARTS).filter(name => !parts.includes(name)),
  ]
  if (wrong.length > 0) throw new Error(`README.md: missing or unknown parts: ${wrong.join(', ')}`)
  return text.replaceAll(
    /<!-- (.+?) -->\n[^]*?<!-- end -->/g,
    (_, name: string) => `<!-- ${name} -->\n${PARTS[name]?.() ?? ''}\n<!-- end -->`,
  )
}

if (import.meta.main) writeFileSync(README, fresh(readFileSync(README, 'utf8')))
