import type { Problem } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Ran } from './port.ts'

/** What sudo says when it does not even try. It has no exit status of its own for that, so its words are matched, in one table. */
const table: [RegExp, string][] = [
  [/a password is required|a terminal is required/i, 'SUDO_WANTS_PASSWORD'],
  [/is not in the sudoers file|is not allowed to (?:execute|run)|not allowed to run sudo/i, 'SUDO_REFUSED'],
  [/you must have a tty/i, 'SUDO_WANTS_TTY'],
  [/unknown user|command not found|not found/i, 'SUDO_REFUSED'],
]

/** Why sudo did not run a program as `to`; undefined where it did. Nothing of it has begun then. */
export function sudoFailure(on: { node: string; from: string; to: string }, ran: Ran): Problem | undefined {
  if (ran.code === 0 || ran.stdout !== '' || !/\bsudo\b/.test(ran.stderr)) return undefined
  const lines = ran.stderr.split('\n').filter(line => line.trim() !== '')
  const [words, code] = table.find(([known]) => known.test(ran.stderr)) ?? [/\bsudo\b/, 'SUDO_REFUSED']
  const said = lines.find(line => words.test(line)) ?? ''
  return {
    code,
    what: `${on.node}: ${on.from} may not work as ${on.to}, the user of the service`,
    because: printable(new Untrusted(said.trim()), 300),
    next: next(code, on),
    where: on.node,
  }
}

const next = (code: string, { node, from, to }: { node: string; from: string; to: string }): string =>
  code === 'SUDO_WANTS_TTY'
    ? `on ${node}, as root, with visudo: remove requiretty for ${from}, or add the line  Defaults:${from} !requiretty`
    : `on ${node}, as root, with  visudo -f /etc/sudoers.d/progressdb-rollout  add the line  ${from} ALL=(${to}) NOPASSWD: /bin/sh -s  (adopt writes that file for a unit of systemd)`
