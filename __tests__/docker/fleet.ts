import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type Fleet, type FleetNode, newKeys, PRELOAD_USER } from '../local-fleet/fleet.ts'
import { preloadFolder, preloadOverHttp } from '../local-fleet/preload.ts'
import { serverYaml } from '../local-fleet/server-config.ts'
import { freePorts, ready } from '../local-fleet/server-process.ts'
import type { BuiltRelease } from '../standin/release.ts'
import type { DockerHost } from './host.ts'
import { imageOf } from './images.ts'

/** A value that no command line and no file of lines could carry. */
export const AWKWARD = 'it\'s a "secret" of $HOME \\ and\nof two lines, 🜚 ::warning::no'
export const HOSTILE_LABEL = '::error::$(touch /tmp/owned) `id` "\'\n##[error]no'

/** `more`: further words for docker run of each node. */
export type ContainerFleet = {
  host: DockerHost
  dir: string
  runs: BuiltRelease
  nodes: number
  messages: number
  walOn: boolean
  server?: 'standin' | 'real'
  more?: string[]
}

/** Servers in containers with messages in them, as somebody would start them who knows no rollout. */
export async function createContainerFleet(options: ContainerFleet): Promise<Fleet> {
  const keys = newKeys()
  const ports = await freePorts(options.nodes)
  const nodes = await Promise.all(
    ports.map((port, i) => createNode(`db-${i + 1}`, port, { ...options, keys })),
  )
  return {
    dir: options.dir,
    nodes,
    keys,
    walOn: options.walOn,
    env: {},
    close: async () =>
      removeAll(
        options.host,
        nodes.map(n => n.name),
      ),
  }
}

async function createNode(
  name: string,
  port: number,
  o: ContainerFleet & { keys: Fleet['keys'] },
): Promise<FleetNode> {
  const home = join(o.dir, name)
  const install = join(home, 'install')
  const data = join(home, 'data')
  const config = join(install, 'config.yaml')
  mkdirSync(install, { recursive: true })
  const standin = o.server !== 'real'
  if (standin) await preloadFolder(data, o.messages, PRELOAD_USER)
  else mkdirSync(data)
  writeFileSync(config, inContainer(serverYaml({ ...o, port: 8080, data: '/data/progressdb' })), {
    mode: 0o600,
  })
  chownSync(config, 1000, 1000)
  execFileSync('chown', ['-R', '1000:1000', data])
  const node: FleetNode = {
    name,
    port,
    url: `http://127.0.0.1:${port}`,
    install,
    data,
    config,
    log: '',
    drainMark: join(home, 'drained'),
    pid: 0,
    container: o.host.socket,
  }
  runContainer(o.host, node, { version: o.runs.version, more: o.more ?? [] })
  await ready(node.url)
  if (!standin) await preloadOverHttp(node.url, o.messages, { key: o.keys.checker, user: PRELOAD_USER })
  return node
}

/** As a person would by hand. */
export function runContainer(
  host: DockerHost,
  node: FleetNode,
  o: { version: string; more: string[] },
): void {
  host.docker(
    'run',
    '--detach',
    '--name',
    node.name,
    '--restart',
    'unless-stopped',
    '--memory',
    '700m',
    '--publish',
    `127.0.0.1:${node.port}:8080`,
    '--volume',
    `${node.data}:/data/progressdb`,
    '--volume',
    `${node.config}:/data/config.yaml:ro`,
    '--env',
    'PROGRESSDB_ABORT_SECONDS=0.2',
    '--env',
    `AWKWARD=${AWKWARD}`,
    '--env',
    'PATH=/usr/local/bin:/opt/own',
    '--label',
    `hostile=${HOSTILE_LABEL}`,
    ...o.more,
    imageOf(host, o.version),
  )
}

/** In a network of its own a server listens on every address, or nobody reaches it. */
const inContainer = (yaml: string): string => {
  const settings = parse(yaml)
  settings.server.address = '0.0.0.0'
  return stringify(settings)
}

/** Every container that a node ever had. */
function removeAll(host: DockerHost, names: string[]): void {
  const all = host.docker('ps', '--all', '--format', '{{.Names}}').split('\n')
  const theirs = all.filter(name => names.some(node => name === node || name.startsWith(`${node}.`)))
  if (theirs.length > 0) host.docker('rm', '--force', '--volumes', ...theirs)
}
