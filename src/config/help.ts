import { HAND_FLAGS, type HandFlag } from './hand-flags.ts'
import { INPUTS, type InputRow } from './input-table.ts'
import { MODES, type ModeName, modeRow } from './modes.ts'

const PROGRAM = 'progressdb-rollout'

/** What `--help` prints: enough to start without any other page. */
export const helpText = (): string =>
  `${PROGRAM}: takes a stateful service from one release to the next without losing data

usage
  ${PROGRAM} <mode> [tag] [flags]
  ${PROGRAM} help <mode>

modes
${rows(MODES.map(mode => [mode.name, mode.summary]))}

start here
  1  write .github/rollout.yml (an example is below)
  2  ${PROGRAM} adopt            once: records what runs now as known-good
  3  ${PROGRAM} plan v0.2.2      shows what a release would do, and every problem
  4  ${PROGRAM} release v0.2.2   does it
  If it goes wrong it goes back by itself. To go back later: ${PROGRAM} rollback.
  If a run died: ${PROGRAM} recover. At any time: ${PROGRAM} status.

flags
${flagRows(FLAGS)}
${handRows(HAND_FLAGS)}
  --help, -h and --version, -V

secrets
  --keys, --token and --ssh-key name files, or come from the environment: INPUT_KEYS, INPUT_TOKEN (or GITHUB_TOKEN),
  INPUT_SSH_KEY. A key file holds one name=value a line.

a fleet file
${indented(EXAMPLE_FLEET)}

exit code
  0  promoted, stopped where you asked, nothing to do, or rolled back by mode rollback
  2  rolled back
  3  refused: nothing was changed
  4  needs you: the report ends with what to type
`

/** What `help <mode>` prints. */
export const modeHelp = (name: ModeName): string => {
  const mode = modeRow(name)
  if (mode === undefined) return helpText()
  const own = handRows(HAND_FLAGS.filter(flag => flag.modes.includes(name)))
  return `${PROGRAM} ${mode.name}: ${mode.summary}

${indented(mode.about.join('\n'))}
  ${mode.changes ? 'It may change nodes.' : 'It changes nothing.'}

flags
${flagRows(FLAGS.filter(input => input.modes.includes(name)))}${own === '' ? '' : `\n${own}`}

exit code
${indented(mode.ends.join('\n'))}

examples
${indented(mode.examples.map(example => `${PROGRAM} ${example}`).join('\n'))}
`
}

/** Three nodes on this machine; everything else has a default. */
export const EXAMPLE_FLEET = `repository: progressdb/ProgressDB
local: true
process: {}
install: /opt/progressdb/{name}
data: /var/lib/progressdb/{name}
nodes:
  - { name: db-1, port: 8081 }
  - { name: db-2, port: 8082 }
  - { name: db-3, port: 8083 }
canary: { nodes: 1, watch: 10m }`

const FLAGS: readonly InputRow[] = INPUTS.filter(input => input.name !== 'mode')

const WIDTH = 110

const rows = (all: string[][]): string => {
  const column = Math.max(...all.map(([head = '']) => head.length)) + 4
  return all
    .map(([head = '', text = '']) => `  ${head.padEnd(column - 2)}${wrapped(text, column)}`)
    .join('\n')
}

const flagRows = (inputs: readonly InputRow[]): string =>
  rows(inputs.map(input => [`--${input.name} ${input.value}`, `${input.description}${defaultNote(input)}`]))

const handRows = (flags: readonly HandFlag[]): string =>
  flags.length === 0
    ? ''
    : rows(flags.map(({ name, value, description }) => [`--${name} ${value}`.trim(), description]))

const defaultNote = (input: InputRow): string =>
  input.default === '' || input.default.startsWith('${{') ? '' : ` Default: ${input.default}.`

const wrapped = (text: string, column: number): string => {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && column + last.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.join(`\n${' '.repeat(column)}`)
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')
