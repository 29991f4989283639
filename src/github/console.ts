import type { Problem } from '../domain/errors.ts'
import { line, problemLines } from '../domain/log.ts'
import type { Untrusted } from '../domain/text.ts'
import { printableLines, safeLine } from '../domain/text.ts'

/** What the engine prints with. One call is one thing said; nothing printed here can be a workflow command. */
export type Console = {
  line: (topic: string, text: string) => void
  /** Finished lines, e.g. a block or a table; leading spaces are kept. */
  lines: (lines: string[]) => void
  problem: (problem: Problem) => void
  /** Output of a server or a program, each line set off by `| `; at most `max` lines. */
  remote: (topic: string, text: Untrusted, max?: number) => void
}

const longest = 4000

/** The last gate before the log: even a text that should have been made printable before is made so here. */
const fenced = (text: string): string => {
  const indent = /^ */.exec(text)?.[0] ?? ''
  return `${indent}${safeLine(text.slice(indent.length), longest)}`
}

/** `write` gets whole lines; `redact` takes secrets out. The same inside and outside of Actions. */
export const createConsole = (write: (text: string) => void, redact: (text: string) => string): Console => {
  const lines = (all: string[]): void => {
    if (all.length > 0) write(all.map(text => `${redact(fenced(redact(text)))}\n`).join(''))
  }
  return {
    lines,
    line: (topic, text) => lines([line(topic, text)]),
    problem: problem => lines(problemLines(problem)),
    remote: (topic, text, max = 50) => lines(printableLines(text, max).map(each => line(topic, `| ${each}`))),
  }
}
