import * as core from '@actions/core'
import { Bug } from '../domain/errors.ts'

/** Outputs are one line each: their alphabets hold no control character. */
const oneLine = (name: string, value: string): string => {
  if (/\p{Cc}/u.test(value)) throw new Bug(`output ${name} has a control character`)
  return value
}

/**
 * Sets the step's outputs. Does nothing where there is no output file (outside of Actions): the toolkit would print them as
 * commands. Throws `Bug` on a value of several lines.
 */
export const writeOutputs = (
  values: Readonly<Record<string, string>>,
  redact: (text: string) => string,
  env: NodeJS.ProcessEnv,
): void => {
  if (!env.GITHUB_OUTPUT) return
  for (const [name, value] of Object.entries(values)) core.setOutput(name, oneLine(name, redact(value)))
}
