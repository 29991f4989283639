import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Config, Inputs } from './config/config.ts'
import { missingKeys } from './config/keys.ts'
import type { Clock } from './domain/clock.ts'
import { type Problem, unreachable, UserError } from './domain/errors.ts'
import type { Step } from './domain/event.ts'
import { ownPage, ownServer } from './domain/holder.ts'
import type { Lease, NodeId } from './domain/node.ts'
import type { Release } from './domain/release.ts'
import type { SurveyedRelease } from './domain/survey.ts'
import { bytes } from './domain/log.ts'
import type { Effects } from './effects.ts'
import { authorities } from './authorities.ts'
import { callHooks } from './hooks.ts'
import { githubClient, type GitHubClient } from './github/client.ts'
import { holding } from './github/runs.ts'
import { scrapeSource } from './metrics/scrape.ts'
import { type NodePort } from './node/port.ts'
import { madeBy, type UnitNode } from './node/adoption.ts'
import type { ContainerNode } from './node/container-adoption.ts'
import { type NodeOptions, nodeOn } from './node/server.ts'
import { createObserver, type Machine } from './observe.ts'
import { plan } from './planning.ts'
import { balancersOf, reachOf, type Shells, shellsOf } from './shells.ts'
import { httpClient } from './probe/http.ts'
import { createProbe, type Probe } from './probe/probe.ts'
import { directoryReleases } from './releases/directory.ts'
import { githubReleases } from './releases/github.ts'
import { requireImage } from './releases/image.ts'
import type { Releases } from './releases/port.ts'
import type { Service } from './service/port.ts'
import type { Shell } from './shell/port.ts'
import { containerServer } from './service/docker.ts'
import { processService } from './service/process.ts'
import { unitServer } from './service/systemd.ts'
import { runTests } from './tests-command.ts'

/** What one process of the engine is made with. `dir` is the folder of this use of the action. */
export type Wiring = {
  config: Config
  inputs: Inputs
  rollout: string
  dir: string
  env: NodeJS.ProcessEnv
  clock: Clock
  say: (topic: string, text: string) => void
  redact: (text: string) => string
  /** Nothing comes after this process: what it opened is closed. */
  last: boolean
}

export type Wired = {
  effects: Effects
  nodes: ReadonlyMap<NodeId, NodePort>
  probe: Probe
  /** The nodes whose servers are units of systemd, as an adoption sees them. */
  units: UnitNode[]
  /** Those whose servers are containers. */
  containers: ContainerNode[]
  close(): Promise<void>
}

/** Files that ProgressDB's Pebble, and LevelDB, never change once they are written. */
const IMMUTABLE = ['*.sst', '*.ldb']

/** From what was configured to what does it: one place, and an unknown kind does not compile. */
export async function wire(w: Wiring): Promise<Wired> {
  const shells = await shellsOf(w)
  const http = httpClient({ reach: reachOf(w.config, shells), ...authorities(w.config) })
  const github = githubClient(githubOptions(w))
  const nodes = nodesOf(w.config, shells)
  const probe = createProbe(http.ask, w.clock, probeOptions(w))
  const metrics = scrapeSource(http.ask, expositionOf(w))
  const releases = releasesOf(w, github)
  const url = (id: NodeId): string => w.config.nodes.find(n => n.name === id)?.url ?? ''
  const machine = (id: NodeId): Promise<Machine> => machineOf(nodes, id)
  const downloads = join(w.dir, 'downloads')
  const effects: Effects = {
    config: w.config,
    clock: w.clock,
    nodes,
    probe,
    observe: createObserver({ probe, metrics, machine, url, clock: w.clock }),
    plan: async (r, stop) => {
      await mkdir(downloads, { recursive: true })
      const image = (release: SurveyedRelease): Promise<Problem[]> => imageOf(w, github, release)
      const surveyor = {
        config: w.config,
        nodes,
        probe,
        metrics,
        releases,
        image,
        dir: downloads,
        progress: progressLine(w),
        clock: w.clock,
        say: w.say,
        adoptions: new Map(unitsOf(w.config, shells).map(on => [on.config.name, madeBy(on)])),
        server: ownServer(w.env),
        holding: (lease: Lease) => holding(github, lease, ownPage(w.env)),
      }
      return plan(surveyor, w.inputs, { r, stop, keys: missingKeys(w.config, w.inputs.keys) })
    },
    binary: release => (w.config.service.kind === 'docker' ? programsOf : binaryOf)(downloads, release),
    tests: (url, release, stop) => runTests(w.config, { url, release, stop, keys: w.inputs.keys }),
    hook: (task, r) => callHooks(w, task, r),
    progress: (node, p) =>
      w.say(
        '',
        `${node} ${p.what} ${p.unit === 'bytes' ? `${bytes(p.done)} of ${bytes(p.of)}` : `${p.done} of ${p.of} ${p.unit}`}`,
      ),
    doing: r => DOING[r.step],
  }
  return {
    effects,
    nodes,
    probe,
    units: unitsOf(w.config, shells),
    containers: containersOf(w.config, shells),
    close: async () => {
      await Promise.all([http.close(), github.close()])
      await Promise.all([...new Set(shells.values())].map(shell => shell.close()))
    },
  }
}

const DOING: Record<Step, string> = {
  plan: 'planning',
  snapshot: 'snapshot and rehearsal',
  canary: 'the canary',
  promote: 'the remaining nodes',
  settle: 'settling',
}

const optionsOf = (config: Config, balancers: Shell[] | undefined): NodeOptions => ({
  binary: config.binary,
  immutable: IMMUTABLE,
  drain: config.drain,
  ...(balancers ? { balancers } : {}),
  stopLimit: config.policy.stopLimit,
  startLimit: config.policy.startLimit,
  ...config.switch,
  stageLimit: config.stageLimit,
})

function unitsOf(config: Config, shells: Shells): UnitNode[] {
  const service = serviceOf(config.service)
  if (service.kind !== 'systemd') return []
  const here = userInfo().username
  const deploy = config.shell.kind === 'ssh' ? config.shell.user : here
  return config.nodes.flatMap(node => {
    const shell = shells.get(node.name)
    const login = node.machine?.user ?? here
    return shell
      ? [
          {
            shell,
            service,
            config: node,
            options: optionsOf(config, balancersOf(config, shells)),
            deploy,
            login,
          },
        ]
      : []
  })
}

function containersOf(config: Config, shells: Shells): ContainerNode[] {
  const service = serviceOf(config.service)
  if (service.kind !== 'docker') return []
  const options = optionsOf(config, balancersOf(config, shells))
  const deploy = config.shell.kind === 'ssh' ? config.shell.user : userInfo().username
  return config.nodes.flatMap(node => {
    const shell = shells.get(node.name)
    return shell ? [{ shell, service, config: node, options, deploy }] : []
  })
}

function nodesOf(config: Config, shells: Shells): ReadonlyMap<NodeId, NodePort> {
  const service = serviceOf(config.service)
  const options = optionsOf(config, balancersOf(config, shells))
  return new Map(
    config.nodes.flatMap(node => {
      const shell = shells.get(node.name)
      return shell ? [[node.name, nodeOn(shell, service, node, options)] as const] : []
    }),
  )
}

function serviceOf(service: Config['service']): Service {
  switch (service.kind) {
    case 'process':
      return processService(service)
    case 'systemd':
      return unitServer(service)
    case 'docker':
      return containerServer(service)
    default:
      return unreachable(service)
  }
}

const githubOptions = ({ env, inputs }: Wiring): Parameters<typeof githubClient>[0] => ({
  apiUrl: env['GITHUB_API_URL'] ?? 'https://api.github.com',
  token: inputs.token,
  proxy: {
    https: env['HTTPS_PROXY'] ?? env['https_proxy'] ?? '',
    except: env['NO_PROXY'] ?? env['no_proxy'] ?? '',
  },
})

function releasesOf({ config, inputs }: Wiring, github: GitHubClient): Releases {
  const product = { binary: config.binary, repository: config.repository }
  const build = { artifacts: inputs.artifacts, metadata: inputs.metadata }
  if (config.releases.kind === 'directory') return directoryReleases(config.releases.path, product, { build })
  return githubReleases(github, product, { build })
}

function probeOptions({ config, inputs, rollout }: Wiring): Parameters<typeof createProbe>[2] {
  const key = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : inputs.keys[name]
  const { backendKey, adminKey, frontendKey, user } = config.probe
  const keys = Object.fromEntries(
    Object.entries({ backend: key(backendKey), admin: key(adminKey), frontend: key(frontendKey) }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  return {
    profile: config.profile,
    ...(config.http ? { http: config.http } : {}),
    rollout,
    user,
    keys,
    patience: 10_000,
  }
}

const expositionOf = ({ config, inputs }: Wiring): Parameters<typeof scrapeSource>[1] => {
  const { path, key, header } = config.exposition
  const value = key === undefined ? undefined : inputs.keys[key]
  return { path, ...(value === undefined ? {} : { key: value }), ...(header === undefined ? {} : { header }) }
}

async function machineOf(nodes: ReadonlyMap<NodeId, NodePort>, id: NodeId): Promise<Machine> {
  try {
    const seen = await nodes.get(id)?.inspect()
    if (!seen) return { diskFree: { is: 'error', why: 'no such node' }, process: '' }
    const { diskFree, diskTotal, process } = seen.facts
    return {
      diskFree:
        diskTotal > 0 ? { is: 'value', value: diskFree / diskTotal } : { is: 'noData', why: 'unknown size' },
      process,
    }
  } catch (error) {
    return {
      diskFree: { is: 'error', why: error instanceof Error ? error.message : String(error) },
      process: '',
    }
  }
}

async function imageOf(
  { config }: Wiring,
  github: GitHubClient,
  { version, binaries: programs }: SurveyedRelease,
): Promise<Problem[]> {
  if (config.requireImage === undefined) return []
  try {
    await requireImage(config.requireImage, { version, binary: config.binary, programs }, github.files)
    return []
  } catch (error) {
    if (error instanceof UserError) return error.problems
    throw error
  }
}

/** The release's program as the plan step left it on this machine. Its digest is checked again here, and on the node. */
async function binaryOf(downloads: string, release: Release): Promise<string> {
  const file = join(downloads, release.sha256)
  const found = await sha256(file).catch(() => undefined)
  if (found !== release.sha256) throw new UserError(notHere(release, found))
  return file
}

/** What the program in an image must be, by platform. On another machine than that of the plan nothing is known of it: the digest decides. */
async function programsOf(downloads: string, release: Release): Promise<string> {
  const file = join(downloads, release.sha256)
  await mkdir(downloads, { recursive: true })
  await appendFile(file, '')
  return file
}

const notHere = (release: Release, found: string | undefined): Problem => ({
  code: 'RELEASE_NOT_HERE',
  what: `the program of ${release.version} (sha256 ${release.sha256.slice(0, 12)}…) is not on this machine`,
  because:
    found === undefined
      ? 'it was removed from the folder of this run'
      : 'it was changed in the folder of this run',
  next: 'run the release again; it is downloaded anew',
})

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}

/** At most one line in five seconds of a download. */
function progressLine(w: Wiring): (what: string, done: number, of: number) => void {
  let last = w.clock.now()
  return (what, done, of) => {
    if (w.clock.now() - last < 5000) return
    last = w.clock.now()
    w.say('', `${what} ${bytes(done)} of ${bytes(of)}`)
  }
}
