import type { Lease } from './node.ts'

/** A page of GitHub's that shows an attempt of a run. Made of names and numbers only, so that a node cannot put anything else there. */
export type RunPage = { server: string; repository: string; run: number; attempt: number }

/** What is known of the run behind a lease that has time left. `next` is the line that would tell. */
export type Holding = { is: 'ended' } | { is: 'going-on' } | { is: 'unknown'; why: string; next?: string }

const PAGE =
  /^(https?:\/\/[a-z0-9.-]+(?::\d{1,5})?)\/([\w.-]{1,100}\/[\w.-]{1,100})\/actions\/runs\/(\d{1,18})\/attempts\/(\d{1,6})$/

/** Reads the address of a run's page; `undefined` for any other text. */
export function runPage(text: string): RunPage | undefined {
  const [, server, repository, run, attempt] = PAGE.exec(text) ?? []
  if (!server || !repository) return undefined
  return { server, repository, run: Number(run), attempt: Number(attempt) }
}

/** The address of a run's page. */
export const pageOf = ({ server, repository, run, attempt }: RunPage): string =>
  `${server}/${repository}/actions/runs/${run}/attempts/${attempt}`

/** Where the repository of this process lives. */
export const ownServer = (env: Readonly<Record<string, string | undefined>>): string =>
  env['GITHUB_SERVER_URL'] ?? 'https://github.com'

/** The page of the run that this process belongs to, from GitHub's own variables; `undefined` outside of a workflow. */
export const ownPage = (env: Readonly<Record<string, string | undefined>>): RunPage | undefined =>
  runPage(
    `${ownServer(env)}/${env['GITHUB_REPOSITORY'] ?? ''}/actions/runs/${env['GITHUB_RUN_ID'] ?? ''}/attempts/${env['GITHUB_RUN_ATTEMPT'] ?? '1'}`,
  )

/**
 * Whom to ask about the run behind a lease: the run, where it belongs to the repository that this process runs for; of any other
 * nothing can be known, and only the end of its time frees a node.
 */
export function askable(lease: Lease, here: RunPage | undefined): RunPage | Holding {
  const { run } = lease
  if (!run) return { is: 'unknown', why: 'it was not taken by a run of a workflow on this GitHub' }
  if (!here) return { is: 'unknown', why: 'this is not a run of the same repository, which could ask' }
  if (run.server !== here.server || run.repository !== here.repository)
    return { is: 'unknown', why: `it was taken by a run of ${run.repository}` }
  return run
}

/** It has time left and nobody parked it: whoever holds it may be working. */
export const working = ({ left, parked }: Lease): boolean => left > 0 && !parked
