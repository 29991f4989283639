import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type GitHubDouble, startGitHubDouble } from '../github/double.ts'
import { readFleet, tally, type Tally } from '../local-fleet/checker.ts'
import { createFleet, type Fleet } from '../local-fleet/fleet.ts'
import { processesUnder } from '../local-fleet/server-process.ts'
import { rolloutYaml, type Tree } from '../local-fleet/rollout-yaml.ts'
import { startWriter, type Writer } from '../local-fleet/writer.ts'
import { type CompositeOptions, type RunningJob, startComposite } from '../runner/composite.ts'
import type { BuiltRelease } from '../standin/release.ts'

/** This repository: `action.yml` and the committed bundle are run as they lie there. */
export const ROOT = join(import.meta.dirname, '..', '..')
export const NODES = 3
export const MESSAGES = 3_000
export const WRITES_PER_SECOND = 20

/** Times for two minutes at a screen, and a p95 limit that a busy laptop cannot break: errors decide here, not load. */
const SETTINGS: Tree = {
  drain: null, // nodes are stopped under the writer's hands: the server's intake WAL keeps what it acknowledged
  canary: { nodes: 1, watch: '12s', 'warm-up': '2s' },
  waves: { size: 2, watch: '4s' },
  probe: { rate: 10, block: '1s' },
  judge: { 'p95-floor': '2s', 'min-samples': 20 },
  'start-limit': '20s',
  'stop-limit': '10s',
  lease: { ttl: '10s', wait: '30s' },
}

const REPOSITORY = 'progressdb/ProgressDB'
const TOKEN = 'ghs_of-the-demo'

export type Stage = {
  writer: Writer
  /** The fleet file. */
  config: string
  /** Starts the action as a job on an empty runner. */
  start: (inputs: Record<string, string>, hear: Pick<CompositeOptions, 'onLine' | 'onStep'>) => RunningJob
  /** `db-1 v0.2.2, …`: what each node answers. */
  answers: () => Promise<string>
  /** Stops the writer, reads every acknowledged write back. */
  count: () => Promise<Tally>
  close: () => Promise<void>
}

/** A fleet with messages in it that somebody adopted, a writer that never rests, and a double of GitHub. */
export async function openStage(releases: [BuiltRelease, ...BuiltRelease[]], writes: string): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'progressdb-demo-'))
  // However this process ends, by Ctrl-C too: the fleet's servers are processes of their own and would outlive it.
  process.once('exit', () => clear(home))
  const dir = join(home, 'fleet')
  const fleet = await createFleet({
    dir,
    nodes: NODES,
    release: releases[0],
    messages: MESSAGES,
    walOn: true,
  })
  const github = await startGitHubDouble({
    owner: 'progressdb',
    repo: 'ProgressDB',
    token: TOKEN,
    releases: releases.map(published),
  })
  const place = { home, fleet, github, config: writeWorkspace(home, fleet) }
  await adopt(place)
  const writer = startWriter({
    nodes: fleet.nodes,
    key: fleet.keys.writer,
    rate: WRITES_PER_SECOND,
    file: writes,
  })
  return stageOf(place, writer)
}

/** Ends every process whose program lies in the folder, and removes it. */
function clear(home: string): void {
  for (let found = processesUnder(home); found.length > 0; found = processesUnder(home))
    for (const pid of found) kill(pid)
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it ended by itself
  }
}

type Place = { home: string; fleet: Fleet; github: GitHubDouble; config: string }

function stageOf(place: Place, writer: Writer): Stage {
  const { fleet, github, config } = place
  let runs = 0
  return {
    writer,
    config,
    start: (inputs, hear) => startComposite({ ...jobOf(place, inputs, ++runs), ...hear }),
    answers: async () =>
      (await Promise.all(fleet.nodes.map(async ({ name, url }) => `${name} ${await version(url)}`))).join(
        ', ',
      ),
    count: async () => {
      await writer.stop()
      return tally(writer.acknowledged, await readFleet(fleet.nodes, fleet.keys.checker, writer.acknowledged))
    },
    close: async () => {
      await writer.stop()
      await github.close()
      await fleet.close()
    },
  }
}

const published = (release: BuiltRelease) => ({
  tag: `v${release.version}`,
  files: { [release.archiveName]: readFileSync(release.archive), 'checksums.txt': release.checksums },
})

/** What a checkout holds, and the file of keys for the command line. Returns the fleet file. */
function writeWorkspace(home: string, fleet: Fleet): string {
  const config = join(home, 'workspace', '.github', 'rollout.yml')
  mkdirSync(dirname(config), { recursive: true })
  writeFileSync(config, rolloutYaml(fleet, SETTINGS))
  writeFileSync(join(home, 'keys'), keysOf(fleet), { mode: 0o600 })
  return config
}

const keysOf = ({ keys }: Fleet): string => `backend=${keys.probe}\nadmin=${keys.admin}\n`

/** What somebody types once for servers that know no rollout yet. Throws with what the engine said. */
async function adopt({ home, config }: Place): Promise<void> {
  const { PATH = '' } = process.env
  const args = [join(ROOT, 'dist', 'index.mjs'), 'adopt', '--config', config, '--keys', join(home, 'keys')]
  await promisify(execFile)(process.execPath, args, { env: { PATH, HOME: home, USER: 'demo' }, cwd: home })
}

/** A job on an empty runner: its own work folder, the checked-out workspace, the caller's inputs and secrets. */
function jobOf(
  { home, fleet, github }: Place,
  inputs: Record<string, string>,
  run: number,
): CompositeOptions {
  const workDir = join(home, `runner-${run}`)
  mkdirSync(workDir)
  const { PATH = '' } = process.env
  return {
    actionDir: ROOT,
    workspace: join(home, 'workspace'),
    workDir,
    inputs: { keys: keysOf(fleet), ...inputs },
    secrets: [fleet.keys.probe, fleet.keys.admin, TOKEN],
    machineEnvironment: { PATH: `${dirname(process.execPath)}:${PATH}`, HOME: home, LANG: 'C.UTF-8' },
    github: {
      api_url: github.url,
      repository: REPOSITORY,
      repository_owner: 'progressdb',
      token: TOKEN,
      actor: 'ana',
      run_id: String(run),
      ref_name: inputs['tag'] ?? 'main',
    },
  }
}

async function version(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) })
    const said: unknown = await response.json()
    return typeof said === 'object' && said !== null && 'version' in said
      ? String(said.version)
      : 'without a version'
  } catch {
    return 'does not answer'
  }
}
