import * as core from '@actions/core'
import type { Ending } from '../domain/report/headline.ts'
import { secretForms } from './redactor.ts'

/** Workflow commands mean something only to a runner; anywhere else they would print what they are to hide. */
export const inActions = (env: NodeJS.ProcessEnv): boolean => env.GITHUB_ACTIONS === 'true'

/**
 * Tells the runner to mask the secrets, and their base64, URL and other forms, in every later step's log. A command is one
 * line, so a secret of several lines goes line by line. Nothing is printed outside of Actions.
 */
export const maskSecrets = (secrets: string[], env: NodeJS.ProcessEnv): void => {
  if (!inActions(env)) return
  for (const form of secretForms(secrets)) if (!/[\r\n]/.test(form)) core.setSecret(form)
}

/** The runner cuts a message at 4096 characters. */
const longest = 4000

/** `text` is the plain block that stands under the headline. */
export type Annotation = { level: Ending['level']; headline: string; text: string }

/** The headline on the run's page. Does nothing outside of Actions. */
export const annotate = (
  { level, headline, text }: Annotation,
  redact: (text: string) => string,
  env: NodeJS.ProcessEnv,
): void => {
  if (!inActions(env)) return
  const message = redact(text).slice(0, longest)
  const properties = { title: redact(headline) }
  if (level === 'error') core.error(message, properties)
  else core.notice(message, properties)
}
