import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { type HAProxy, startHAProxy } from '../balancer/haproxy.ts'
import { type Load, startLoad } from '../balancer/load.ts'
import { createContainerFleet } from '../docker/fleet.ts'
import type { DockerHost } from '../docker/host.ts'
import { NAME } from '../docker/images.ts'
import { type Given, type GitHubDouble, startGitHubDouble } from '../github/double.ts'
import { createFleet, type Fleet, type FleetOptions } from '../local-fleet/fleet.ts'
import { rolloutYaml, type Tree } from '../local-fleet/rollout-yaml.ts'
import { startWriter, type Writer } from '../local-fleet/writer.ts'
import {
  type CompositeOptions,
  type CompositeResult,
  type RunningJob,
  startComposite,
} from '../runner/composite.ts'
import type { BuiltRelease } from '../standin/release.ts'
import { builtAction } from './built-action.ts'
import { type ByHand, byHand, type Place, type Ssh, statusIsTrue, TOKEN } from './by-hand.ts'
import { type Lost, lostWrites, type Truth, truthOf } from './ground-truth.ts'

export { TOKEN } from './by-hand.ts'

export type ScenarioOptions = Partial<Omit<FleetOptions, 'dir' | 'release'>> & {
  /** What the nodes run, and what can be released, the newest last. */
  runs: BuiltRelease
  releases: BuiltRelease[]
  /** Settings of the fleet file beside short watches. */
  config?: Tree
  /** Nodes are taken out of traffic before a stop, and the writer obeys; else it writes to every node all the time. */
  drain?: boolean
  /** With a drain: the writer goes past it. */
  disobeys?: boolean
  /** Each node lies behind an sshd of its own on 127.0.0.2, .3, …, all at this port. */
  ssh?: Ssh & { user: string; port: number }
  /** Writes per second on each node. */
  writes?: number
  /** `false`: nobody has adopted the nodes yet. */
  adopted?: boolean
  /** The servers are containers there, and the releases' images are published in its registry. */
  host?: DockerHost
  /** Clients reach the nodes through a real HAProxy only, which the fleet file names as the drain. */
  balanced?: boolean
}

export type Scenario = {
  fleet: Fleet
  writer: Writer
  /** With `balanced`. */
  balancer: HAProxy | undefined
  load: Load | undefined
  github: GitHubDouble
  /** Runs that GitHub knows, to be changed; the first job is run 1. */
  runs: NonNullable<Given['runs']>
  /** Folder of everything, removed at the end. */
  at: (...parts: string[]) => string
  /** Writes the fleet file anew, with other settings beside those of the scenario. */
  configure: (over?: Tree) => void
  /** Starts the action on an empty runner, with inputs as a workflow gives them. */
  start: (inputs: Record<string, string>, options?: Partial<CompositeOptions>) => RunningJob
  run: (inputs: Record<string, string>, options?: Partial<CompositeOptions>) => Promise<CompositeResult>
  byHand: (...words: string[]) => Promise<ByHand>
  truth: () => Promise<Truth[]>
  /** Asserts that `status` says what is there, and answers that. */
  status: () => Promise<{ truth: Truth[]; said: ByHand }>
  /** Stops the writer and lets the independent checker look for every write that was acknowledged. */
  check: (newest?: BuiltRelease) => Promise<Lost>
  end: () => Promise<void>
}

/** Watches of a few seconds, and limits so wide that a busy machine decides nothing. */
export const QUICK: Tree = {
  canary: { watch: '4s', rewatch: '3s', 'warm-up': '0s' },
  waves: { watch: '2s' },
  judge: { 'p95-floor': '5s', 'min-samples': 3 },
  probe: { rate: 4, block: '1s' },
  'start-limit': '20s',
  'stop-limit': '10s',
  lease: { ttl: '30s', wait: '30s' },
}

const REPOSITORY = 'progressdb/ProgressDB'

/** A fleet that was adopted, with messages in it and a writer that never rests, and releases on a double of GitHub. */
export async function openScenario(options: ScenarioOptions): Promise<Scenario> {
  const home = mkdtempSync(join(tmpdir(), 'scenario-'))
  const at = (...parts: string[]): string => join(home, ...parts)
  const ends: (() => Promise<void>)[] = [async () => rmSync(home, { recursive: true, force: true })]
  const end = async (): Promise<void> => {
    for (const one of ends.splice(0).reverse()) await one()
  }
  try {
    const size = { nodes: 3, messages: 600, walOn: true, ...options, dir: at('fleet') }
    const fleet = options.host
      ? await createContainerFleet({ ...size, host: options.host, runs: options.runs })
      : await createFleet({ ...size, release: options.runs })
    ends.push(fleet.close)
    const runs: Scenario['runs'] = []
    const github = await startGitHubDouble({
      owner: 'progressdb',
      repo: 'ProgressDB',
      token: TOKEN,
      refs: ['0'.repeat(40)],
      releases: options.releases.map(released),
      runs,
    })
    ends.push(() => github.close())
    const balancer = options.balanced ? await startHAProxy(at('haproxy'), fleet.nodes) : undefined
    if (balancer) ends.push(balancer.kill)
    const behind: Tree = balancer
      ? { drain: { commands: null, haproxy: { socket: balancer.socket, backend: 'db', limit: '20s' } } }
      : {}
    const configure = (over: Tree = {}): void =>
      writeConfig(at('workspace'), rolloutYaml(fleet, merge(merge(behind, settings(options, fleet)), over)))
    configure()
    writeFileSync(at('keys'), keysOf(fleet), { mode: 0o600 })
    const action = await builtAction()
    const place: Place = { at, fleet, github, action, ...(options.ssh ? { ssh: options.ssh } : {}) }
    if (options.adopted !== false)
      expect((await byHand(place, ['adopt'])).text).toContain('recorded as known to be good')
    const { writes: rate = 20, drain = false, disobeys = false } = options
    const obeyDrain = drain && !disobeys
    const clients = { key: fleet.keys.writer, rate, file: at('acknowledged.jsonl') }
    const load = balancer && startLoad({ ...clients, url: balancer.url, clients: 6 })
    const writer = load ?? startWriter({ ...clients, nodes: fleet.nodes, obeyDrain })
    ends.push(writer.stop)
    return scenarioOf(place, {
      writer,
      balancer,
      load,
      runs,
      end,
      configure,
      newest: options.releases.at(-1) ?? options.runs,
    })
  } catch (error) {
    await end()
    throw error
  }
}

function scenarioOf(
  place: Place,
  on: Pick<Scenario, 'writer' | 'balancer' | 'load' | 'runs' | 'end' | 'configure'> & {
    newest: BuiltRelease
  },
): Scenario {
  const { fleet, github, at } = place
  const truth = (): Promise<Truth[]> => Promise.all(fleet.nodes.map(truthOf))
  const start: Scenario['start'] = (inputs, options = {}) => watched(jobOf(place, inputs, options))
  return {
    fleet,
    github,
    runs: on.runs,
    configure: on.configure,
    at,
    writer: on.writer,
    balancer: on.balancer,
    load: on.load,
    start,
    run: (inputs, options) => start(inputs, options).done,
    byHand: (...words) => byHand(place, words),
    truth,
    status: async () => statusIsTrue(place, await truth()),
    check: async (newest = on.newest) => {
      await on.writer.stop()
      expect(github.violations).toEqual([])
      return lostWrites(fleet, on.writer.acknowledged, newest)
    },
    end: on.end,
  }
}

const settings = (
  { drain = false, balanced = false, config = {}, ssh, host }: ScenarioOptions,
  fleet: Fleet,
): Tree =>
  [
    drain || balanced ? {} : { drain: null },
    ssh ? overSsh(ssh, fleet) : {},
    host ? inDocker(host) : {},
    config,
  ].reduce(merge, QUICK)

const inDocker = ({ socket, registry }: DockerHost): Tree => ({
  process: null,
  docker: { container: '{name}', image: `${registry}/${NAME}:{version}`, socket },
})

const overSsh = ({ user, port }: { user: string; port: number }, fleet: Fleet): Tree => ({
  local: null,
  ssh: { user, port },
  nodes: fleet.nodes.map((node, i): Tree => ({ name: node.name, host: `127.0.0.${i + 2}`, port: node.port })),
})

const released = (release: BuiltRelease) => ({
  tag: `v${release.version}`,
  files: { [release.archiveName]: readFileSync(release.archive), 'checksums.txt': release.checksums },
})

const keysOf = ({ keys }: Fleet): string => `backend=${keys.probe}\nadmin=${keys.admin}\n`

function writeConfig(workspace: string, text: string): void {
  mkdirSync(join(workspace, '.github'), { recursive: true })
  writeFileSync(join(workspace, '.github', 'rollout.yml'), text)
}

const OVERDUE = 100_000

/** A job that hangs takes its log with it when the test runs out of time: its last lines are shown before that. */
function watched(options: CompositeOptions): RunningJob {
  const lines: string[] = []
  const onLine: CompositeOptions['onLine'] = (line, job) => {
    lines.push(`${new Date().toISOString()} ${line}`)
    options.onLine?.(line, job)
  }
  const job = startComposite({ ...options, onLine })
  const timer = setTimeout(() => console.error(`a job is overdue\n${lines.slice(-40).join('\n')}`), OVERDUE)
  const clear = (): void => clearTimeout(timer)
  job.done.then(clear, clear)
  return job
}

let jobs = 0

/** A job on an empty runner: its own work folder, the checked-out workspace, the caller's inputs and secrets. */
function jobOf(
  place: Place,
  inputs: Record<string, string>,
  options: Partial<CompositeOptions>,
): CompositeOptions {
  const { fleet, github, at, action, ssh } = place
  const workDir = at(`runner-${++jobs}`)
  mkdirSync(workDir)
  return {
    actionDir: action,
    workspace: at('workspace'),
    workDir,
    inputs: {
      keys: keysOf(fleet),
      ...(ssh ? { 'ssh-key': ssh.key, 'ssh-known-hosts': ssh.knownHosts } : {}),
      ...inputs,
    },
    secrets: [fleet.keys.probe, fleet.keys.admin, TOKEN, ...(ssh ? [ssh.key] : [])],
    machineEnvironment: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: at(), LANG: 'C.UTF-8' },
    github: {
      api_url: github.url,
      repository: REPOSITORY,
      repository_owner: 'progressdb',
      token: TOKEN,
      run_id: String(jobs),
    },
    ...options,
  }
}

/** Asserts how a job ended; shows its log where it ended otherwise. */
export function expectEnd(
  job: CompositeResult,
  conclusion: CompositeResult['conclusion'],
  outputs: Record<string, string>,
): void {
  const log = job.lines.filter(line => !/^  (INPUT|ROLLOUT)_/.test(line)).join('\n')
  expect(job.conclusion, log).toBe(conclusion)
  expect(job.outputs, log).toMatchObject(outputs)
  expect(job.orphans).toEqual([])
}

const merge = (base: Tree, over: Tree): Tree => {
  const result = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const under = result[key]
    result[key] = isTree(value) && isTree(under) ? merge(under, value) : value
  }
  return result
}
const isTree = (value: Tree[string] | undefined): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
