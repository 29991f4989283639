import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes the page as this step's job summary (`GITHUB_STEP_SUMMARY`), replacing what the step wrote before: a step that is
 * asked twice reports once. Does nothing outside of Actions.
 */
export const writeSummary = async (
  markdown: string,
  redact: (text: string) => string,
  env: NodeJS.ProcessEnv,
): Promise<void> => {
  if (env.GITHUB_STEP_SUMMARY) await writeFile(env.GITHUB_STEP_SUMMARY, redact(markdown))
}

/** Writes the page to a file of its own, whole or not at all; folders are made. */
export const writeReport = async (
  path: string,
  markdown: string,
  redact: (text: string) => string,
): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, redact(markdown))
  await rename(`${path}.new`, path)
}
