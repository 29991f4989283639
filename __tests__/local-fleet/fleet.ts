import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { preloadFolder, preloadOverHttp } from './preload.ts'
import { serverYaml, type Keys } from './server-config.ts'
import {
  freePorts,
  killProcess,
  processesUnder,
  ready,
  startServer,
  stopProcess,
  type Started,
} from './server-process.ts'

/** One node as it was made. `pid` is the process it was started with; a rollout replaces that. All paths absolute. */
export type FleetNode = {
  name: string
  port: number
  url: string
  /** The program's folder, empty but for `config.yaml`: the engine lays out its own there. */
  install: string
  data: string
  config: string
  log: string
  /** The drain command of `rolloutYaml` makes this file, and the writer rests while it is there. */
  drainMark: string
  pid: number
  /** Its server is a container of its name: the socket of the Docker that runs it. */
  container?: string
}

export type Fleet = {
  dir: string
  nodes: FleetNode[]
  keys: Keys
  walOn: boolean
  /** What the servers were started with, and what a rollout must start them with too. */
  env: Record<string, string>
  /** Ends every process whose program lies in the fleet's folder, whoever started it. */
  close: () => Promise<void>
}

export type FleetOptions = {
  /** A folder of the fleet's own; its path ends up in command lines. */
  dir: string
  nodes: number
  release: { binary: string }
  /** Messages on each node before anything happens. */
  messages: number
  walOn: boolean
  /** 'standin' is filled while stopped, 'real' over HTTP. */
  server?: 'standin' | 'real'
  batchTimeout?: number
  rate?: { rps: number; burst: number }
}

export const PRELOAD_USER = 'ada'

/** Makes and starts a fleet of servers with messages in it, on free loopback ports, as somebody would who knows no rollout. */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const keys = newKeys()
  const env = { PROGRESSDB_ABORT_SECONDS: '0.2' }
  const ports = await freePorts(options.nodes)
  const nodes = await Promise.all(
    ports.map((port, i) => createNode(`db-${i + 1}`, port, { ...options, keys, env })),
  )
  return { dir: options.dir, nodes, keys, walOn: options.walOn, env, close: () => endAll(options.dir) }
}

type NodeOptions = FleetOptions & { keys: Keys; env: Record<string, string> }

async function createNode(name: string, port: number, options: NodeOptions): Promise<FleetNode> {
  const home = join(options.dir, name)
  const [install, data] = [join(home, 'install'), join(home, 'data')]
  await mkdir(install, { recursive: true })
  const node: FleetNode = {
    name,
    port,
    url: `http://127.0.0.1:${port}`,
    install,
    data,
    config: join(install, 'config.yaml'),
    log: join(home, 'server.log'),
    drainMark: join(home, 'drained'),
    pid: 0,
  }
  await writeFile(node.config, serverYaml({ ...options, port, data }), { mode: 0o600 })
  const standin = options.server !== 'real'
  if (standin) await preloadFolder(data, options.messages, PRELOAD_USER)
  node.pid = (await startNode(node, options.release.binary, options.env)).pid
  if (!standin)
    await preloadOverHttp(node.url, options.messages, { key: options.keys.checker, user: PRELOAD_USER })
  return node
}

/** Starts a node's server with this program, which is placed beside the node first, and waits until it is ready. */
export async function startNode(
  node: FleetNode,
  binary: string,
  env: Record<string, string> = {},
): Promise<Started> {
  const home = join(node.install, '..')
  const program = join(home, 'bin', 'progressdb')
  await mkdir(join(home, 'bin'), { recursive: true })
  // Never write over a link: the bytes behind it belong to the release.
  await rm(program, { force: true })
  await link(binary, program).catch(() => copyFile(binary, program, constants.COPYFILE_FICLONE))
  const started = startServer({
    binary: program,
    config: node.config,
    log: node.log,
    cwd: join(home, 'scratch'),
    env,
  })
  await ready(node.url)
  return started
}

export const stopNode = (node: FleetNode, limit?: number) => stopProcess(node.pid, limit)
export const killNode = (node: FleetNode) => killProcess(node.pid)

async function endAll(dir: string): Promise<void> {
  await Promise.all(processesUnder(dir).map(pid => stopProcess(pid, 3000)))
}

/** Keys of their own for each fleet. */
export function newKeys(): Keys {
  const key = (name: string) => `${name}-${randomBytes(12).toString('hex')}`
  return {
    probe: key('probe'),
    writer: key('writer'),
    checker: key('checker'),
    frontend: key('front'),
    admin: key('admin'),
    signing: key('signing'),
  }
}
