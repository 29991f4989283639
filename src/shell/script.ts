import { randomUUID } from 'node:crypto'
import { quote } from '../domain/quote.ts'
import type { Program } from './port.ts'

/**
 * What goes to the standard input of `sh -s`: one brace group, so that the shell must have read it to its last byte before it
 * runs anything; then it exits and never reads on.
 */
export const script = (program: Program, args: string[]): string =>
  `{\nset -- ${args.map(quote).join(' ')}\n${program.text}\nexit\n}\n`

/** The same as a file that is there to be called, with further arguments behind those. */
export const callable = (program: Program, args: string[]): string =>
  `{\nset -- ${args.map(quote).join(' ')} "$@"\n${program.text}\nexit\n}\n`

/**
 * The same for a machine that nobody but the program itself can bound: `timeout` tells it to end after `seconds`, also when the
 * connection it came over is long gone. The text stands in a here-document whose end no text can contain.
 */
export const boundedScript = (program: Program, args: string[], seconds: number): string =>
  fed(`timeout ${Math.ceil(seconds)} sh -s`, script(program, args))

/** A script that another user's shell reads. What sudo lets nobody else end is bounded inside. */
export const scriptAs = (user: string, text: string): string =>
  fed(`sudo -n -u ${quote(user)} /bin/sh -s`, text)

const fed = (command: string, text: string): string => {
  const end = `end-of-program-${randomUUID()}`
  return `{\n${command} <<'${end}'\n${text}${end}\nexit\n}\n`
}
