import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Fault, type GitHubDouble, type GivenRelease, startGitHubDouble } from '../github/double.ts'
import { createFleet, type Fleet } from '../local-fleet/fleet.ts'
import { rolloutYaml, type Tree } from '../local-fleet/rollout-yaml.ts'
import { engine } from '../refusals/engine.ts'
import { type CompositeResult, runComposite } from '../runner/composite.ts'
import { type BuiltRelease, buildRelease } from '../standin/release.ts'
import { type Proxy, startProxy } from './proxy.ts'
import { watchProcesses } from './processes.ts'
import { type Named, namedSecrets } from './secrets.ts'

/** One node behind a proxy, its releases on a double of GitHub, and jobs that are watched by their processes. */
export type Stage = {
  home: string
  fleet: Fleet
  proxy: Proxy
  github: GitHubDouble
  /** All that must never be seen; `given` are those that the jobs get. */
  secrets: Named[]
  given: Record<string, string>
  run(inputs: Record<string, string>, config?: Tree): Promise<Job>
  close(): Promise<void>
}

export type Job = CompositeResult & {
  /** The log without the runner's own lines: what our steps said. */
  said: string[]
  programs: Set<string>
  leaks: string[]
}

/** Watches of a few seconds, and limits so wide that a busy machine decides nothing. */
const QUICK: Tree = {
  canary: { watch: '4s', 'warm-up': '1s' },
  waves: { watch: '3s' },
  judge: { 'p95-floor': '5s', 'min-samples': 3 },
  probe: { rate: 4, block: '1s' },
  metrics: [{ name: 'goroutines', series: 'go_goroutines', max: 100_000 }],
  'start-limit': '20s',
  'stop-limit': '10s',
}

const REPOSITORY = 'progressdb/ProgressDB'

export type StageOptions = {
  action: string
  releases: BuiltRelease[]
  /** The version whose answers to users fail while it is in traffic. */
  bad: string
  /** What the proxy in front of the server, the release notes and the names of further assets say. */
  words?: string
  notes?: string
  faults?: Fault[]
  /** Further releases, as wrong as a test wants them. */
  more?: GivenRelease[]
}

export async function openStage({
  action,
  releases,
  bad,
  words = '',
  notes = '',
  faults = [],
  more = [],
}: StageOptions): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), 'hostile-'))
  const runs = await buildRelease({ version: '0.2.1' })
  const fleet = await createFleet({
    dir: join(home, 'fleet'),
    nodes: 1,
    release: runs,
    messages: 400,
    walOn: true,
  })
  const token = `ghs_${fleet.keys.frontend}`
  const [node] = fleet.nodes
  if (node === undefined) throw new Error('a fleet without a node')
  // in traffic only, so that it is the watch that finds it
  const failing = { version: bad, when: () => !existsSync(node.drainMark) }
  const proxy = await startProxy(node.port, { words, failing })
  const github = await startGitHubDouble({
    owner: 'progressdb',
    repo: 'ProgressDB',
    token,
    refs: ['0'.repeat(40)],
    releases: [...releases.map(release => released(release, { words, notes })), ...more],
  })
  github.faults.push(...faults)
  const sshKey = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey
  const given = { backend: fleet.keys.probe, admin: fleet.keys.admin, token, 'ssh-key': sshKey }
  const keys = `backend=${given.backend}\nadmin=${given.admin}\n`
  const write = (config: Tree): void => {
    mkdirSync(join(home, 'workspace', '.github'), { recursive: true })
    const nodes = [{ name: 'db-1', url: proxy.url }]
    writeFileSync(
      join(home, 'workspace', '.github', 'rollout.yml'),
      rolloutYaml(fleet, { ...QUICK, nodes, ...config }),
    )
  }
  write({})
  const adopted = await engine({
    action,
    scratch: join(home, 'workspace'),
    args: ['adopt'],
    env: { INPUT_KEYS: keys, INPUT_TOKEN: token, GITHUB_API_URL: github.url },
    dir: mkdtempSync(join(home, 'adopt-')),
  })
  if (adopted.code !== 0) throw new Error(adopted.text)
  return {
    home,
    fleet,
    proxy,
    github,
    given,
    secrets: namedSecrets({ ...fleet.keys, ...given }),
    run: async (inputs, config = {}) => {
      write(config)
      const watch = watchProcesses(namedSecrets({ ...fleet.keys, ...given }))
      const result = await runComposite({
        actionDir: action,
        workspace: join(home, 'workspace'),
        workDir: mkdtempSync(join(home, 'runner-')),
        inputs: { keys, 'ssh-key': sshKey, ...inputs },
        machineEnvironment: {
          PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
          HOME: home,
          LANG: 'C.UTF-8',
        },
        github: { api_url: github.url, repository: REPOSITORY, repository_owner: 'progressdb', token },
        onStep: (_, pid) => watch.step(pid),
      })
      return { ...result, ...watch.end(), said: saidBy(result.lines).flatMap(entry => entry.split('\n')) }
    },
    close: async () => {
      await fleet.close()
      await proxy.close()
      await github.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

const released = (
  release: BuiltRelease,
  { words, notes }: { words: string; notes: string },
): GivenRelease => ({
  tag: `v${release.version}`,
  notes,
  files: {
    [release.archiveName]: readFileSync(release.archive),
    'checksums.txt': release.checksums,
    ...(words === '' ? {} : { [words.slice(0, 200)]: 'x', [`progressdb_::error::owned_linux.tar.gz`]: 'x' }),
  },
})

/** The runner heads each step with its script and its environment, which holds the inputs as they were given. */
export function saidBy(lines: string[]): string[] {
  const said: string[] = []
  let header = false
  for (const line of lines) {
    if (line.startsWith('##[group]Run ')) header = true
    else if (line === '##[endgroup]') header = false
    else if (!header) said.push(line)
  }
  return said
}
