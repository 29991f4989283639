import type { Program, Shell } from '../../src/shell/port.ts'

const POINT = /^ *# point$/gm

/** How many numbered points the text of a program has. */
export const points = (program: Program): number => [...program.text.matchAll(POINT)].length

/** The shell as it is, but one program is killed (SIGKILL to itself) at its nth point, counted from 0. */
export const crashing = (shell: Shell, name: string, nth: number): Shell => ({
  ...shell,
  run: (program, args, options) =>
    shell.run(program.name === name ? killedAt(program, nth) : program, args, options),
})

/** The same for the switch, which is brought as a file: it is killed at the nth point of its own text. */
export const crashingSwitch = (shell: Shell, nth: number): Shell => ({
  ...shell,
  put: (content, path, mode, sent) => {
    if (!('bytes' in content)) return shell.put(content, path, mode, sent)
    const { text } = killedAt({ name: 'switch', text: Buffer.from(content.bytes).toString('utf8') }, nth)
    return shell.put({ bytes: Buffer.from(text) }, path, mode, sent)
  },
})

export function killedAt(program: Program, nth: number): Program {
  let seen = 0
  return { ...program, text: program.text.replaceAll(POINT, line => (seen++ === nth ? 'kill -9 $$' : line)) }
}
