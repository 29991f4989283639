import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Event, Standing } from '../../src/domain/event.ts'
import type { GitHubDouble } from '../github/double.ts'
import type { Fleet } from '../local-fleet/fleet.ts'
import type { Truth } from './ground-truth.ts'

/** What a command line use of the engine left: exit code, what it printed, its report and its journal. */
export type ByHand = { code: number; text: string; summary: string; journal: Event[] }

/** Where a scenario plays: its folder, fleet and GitHub, and the folder of the action. */
export type Place = {
  at: (...parts: string[]) => string
  fleet: Fleet
  github: GitHubDouble
  action: string
  /** The nodes are reached over ssh: the inputs for it. */
  ssh?: Ssh
}
export type Ssh = { key: string; knownHosts: string }

/** The token of every use; the double of GitHub takes no other. */
export const TOKEN = 'ghs_the-token-of-this-job'

let uses = 0

/** The same engine as a command line, outside of any job. */
export async function byHand(
  { at, action, github, ssh }: Omit<Place, 'fleet'>,
  words: string[],
  cwd = at('workspace'),
): Promise<ByHand> {
  const dir = at(`use-${++uses}`)
  mkdirSync(dir)
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: at(),
    USER: 'ana',
    GITHUB_API_URL: github.url,
    ROLLOUT_DIR: dir,
    INPUT_TOKEN: TOKEN,
    ...(ssh ? { INPUT_SSH_KEY: ssh.key } : {}),
  }
  const args = [
    join(action, 'dist', 'index.mjs'),
    ...words,
    '--config',
    at('workspace', '.github', 'rollout.yml'),
    '--keys',
    at('keys'),
    ...(ssh?.knownHosts ? ['--ssh-known-hosts', ssh.knownHosts] : []),
  ]
  return new Promise(resolve => {
    execFile(process.execPath, args, { env, cwd, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({
        code,
        text: stdout + stderr,
        summary: textOf(join(dir, 'report', 'summary.md')),
        journal: journalIn(dir),
      })
    })
  })
}

/** The lines of the journal in a folder of a use. */
export const journalIn = (dir: string): Event[] =>
  textOf(join(dir, 'journal.jsonl'))
    .split('\n')
    .slice(0, -1)
    .map((line): Event => JSON.parse(line))

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/** Asks for the status and compares it, node by node, with what is there. */
export async function statusIsTrue(place: Place, truth: Truth[]): Promise<{ truth: Truth[]; said: ByHand }> {
  const said = await byHand(place, ['status'])
  const standing = said.journal.flatMap(e =>
    e.type === 'done' && 'standing' in e.fact ? (e.fact.standing ?? []) : [],
  )
  const expected = place.fleet.nodes.map((node, i): Omit<Standing, 'says'> => {
    const { runs, ready, drained } = truth[i] ?? { runs: '', ready: false, drained: false }
    return {
      node: node.name,
      state: ready && !drained ? 'serving' : 'not-serving',
      version: runs || 'stopped',
    }
  })
  expect(standing.map(({ node, state, version }) => ({ node, state, version }))).toEqual(expected)
  for (const { node, version } of expected) expect(rowOf(said.summary, node), said.text).toContain(version)
  return { truth, said }
}

const rowOf = (page: string, node: string): string =>
  page.split('\n').find(line => line.startsWith(`| ${node} `)) ?? ''
