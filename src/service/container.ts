import { Bug } from '../domain/errors.ts'
import { LEADS_AWAY } from './process.ts'

/**
 * What Docker's Engine API tells of a container and takes to make one (`GET /containers/{id}/json`, `POST /containers/create`), as far
 * as it has to be understood here. Everything else is carried over as it is. It holds secrets: never printed, never kept.
 */
type Json = null | boolean | number | string | Json[] | Tree
type Tree = { [key: string]: Json }

/** The texts of a container, and of the configuration of the image that it was made from, as Docker gave them. */
export type Found = { container: string; oldImage: string }

/** Seconds that whoever stops it by hand or shuts the machine down should leave it: a drain takes up to ten. */
const STOP_TIMEOUT = 60

/**
 * The description of a container like this one, of another image: what its image had given it comes from the new image now, what
 * somebody had set stays. Docker does not start it again by itself until it is told to. Answers the lines for the program `create`.
 */
export function nextContainer(found: Found, to: { image: string; release: string }): string {
  const it = tree(parsed(found.container))
  const config = without(tree(it['Config']), tree(parsed(found.oldImage)))
  const host = tree(it['HostConfig'])
  const short = text(it['Id']).slice(0, 12)
  if (config['Hostname'] === short || networkOf(host) === 'host') delete config['Hostname']
  const networks = endpoints(it, short)
  const first = Object.keys(networks).find(name => name === networkOf(host))
  const { ContainerIDFile: _, ...kept } = host
  const stop = typeof config['StopTimeout'] === 'number' ? config['StopTimeout'] : 0
  const body: Tree = {
    ...config,
    Image: to.image,
    StopTimeout: Math.max(stop, STOP_TIMEOUT),
    Labels: { ...tree(config['Labels']), [RELEASE_LABEL]: to.release },
    HostConfig: { ...kept, Binds: binds(it, host), RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
    ...(first === undefined
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [first]: networks[first] ?? {} } } }),
  }
  const others = Object.entries(networks).filter(([name]) => name !== first && NETWORK.test(name))
  return [JSON.stringify(body), ...others.map(([name, endpoint]) => `${name} ${JSON.stringify(endpoint)}`)]
    .map(line => `${line}\n`)
    .join('')
}

/** For people who look at the machine. */
const RELEASE_LABEL = 'progressdb-rollout.release'
const NETWORK = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/

export type Guest = {
  /** Of the staging folder, on the machine. */
  folder: string
  /** Where the container sees data and configuration; the latter '' where none is mounted. */
  data: string
  config: string
  network: string
}

/**
 * The description of a guest: the container of a release with nothing mounted but the copy, on a network that leads nowhere, without
 * rights, last in line for the processor and first to go when memory is short.
 */
export function guestContainer(container: string, guest: Guest): string {
  const it = tree(parsed(container))
  const { Env, Cmd, Entrypoint, User, WorkingDir, StopSignal } = tree(it['Config'])
  const { Memory, Ulimits, ShmSize, Tmpfs, Sysctls, Runtime } = tree(it['HostConfig'])
  const mount = (what: string, to: string): string => `${guest.folder}/${what}:${to}`
  return `${JSON.stringify({
    Image: text(it['Image']),
    ...given({ Cmd, Entrypoint, User, WorkingDir, StopSignal }),
    Env: list(Env)
      .map(text)
      .filter(entry => !LEADS_AWAY.test(entry.split('=')[0] ?? '')),
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...given({ Memory, Ulimits, ShmSize, Tmpfs, Sysctls, Runtime }),
      Binds: [
        mount('data', guest.data),
        ...(guest.config === '' ? [] : [`${mount('config', guest.config)}:ro`]),
      ],
      NetworkMode: guest.network,
      Dns: ['127.0.0.1'],
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 1024,
      CpuShares: 2,
      OomScoreAdj: 1000,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '1' } },
    },
  })}\n`
}

/** What the image had given is left to the image. */
function without(config: Tree, image: Tree): Tree {
  const own = { ...config }
  for (const key of FROM_IMAGE) if (same(own[key], image[key])) delete own[key]
  own['Env'] = list(config['Env']).filter(entry => !list(image['Env']).includes(entry))
  for (const key of ['Labels', 'ExposedPorts', 'Volumes']) {
    const given = tree(image[key])
    own[key] = Object.fromEntries(
      Object.entries(tree(config[key])).filter(([name, value]) => !same(value, given[name])),
    )
  }
  // what a container sees in its own network is told by the network
  delete own['MacAddress']
  return own
}

const FROM_IMAGE = [
  'Cmd',
  'Entrypoint',
  'WorkingDir',
  'User',
  'Healthcheck',
  'StopSignal',
  'Shell',
  'OnBuild',
  'ArgsEscaped',
]

/** Volumes without a name, too, go with the data to the next container. */
function binds(it: Tree, host: Tree): Json[] {
  const mounted = list(host['Binds']).map(text)
  const targets = new Set([
    ...mounted.map(bind => bind.split(':')[1] ?? ''),
    ...list(host['Mounts']).map(mount => text(tree(mount)['Target'])),
    ...Object.keys(tree(host['Tmpfs'])),
  ])
  const others = list(it['Mounts'])
    .map(tree)
    .filter(mount => mount['Type'] === 'volume' && !targets.has(text(mount['Destination'])))
  return [
    ...mounted,
    ...others.map(
      mount => `${text(mount['Name'])}:${text(mount['Destination'])}${mount['RW'] === false ? ':ro' : ''}`,
    ),
  ]
}

/** What somebody had set of its networks, and not what the container was given while it ran. */
function endpoints(it: Tree, short: string): Record<string, Tree> {
  // one that has no network of its own can join none
  if (/^(?:host|none|container:.*)$/.test(networkOf(tree(it['HostConfig'])))) return {}
  const all = tree(tree(it['NetworkSettings'])['Networks'])
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => {
      const { IPAMConfig, Links, Aliases, DriverOpts } = tree(value)
      const aliases = list(Aliases).filter(alias => alias !== short)
      return [name, given({ IPAMConfig, Links, DriverOpts, Aliases: aliases.length === 0 ? null : aliases })]
    }),
  )
}

/** Docker calls its own bridge by either name. */
const networkOf = (host: Tree): string => {
  const mode = text(host['NetworkMode'])
  return mode === '' || mode === 'default' ? 'bridge' : mode
}

const given = (of: Record<string, Json | undefined>): Tree =>
  Object.fromEntries(
    Object.entries(of).flatMap(([key, value]) =>
      value === undefined || value === null ? [] : [[key, value]],
    ),
  )

/** A text of somebody else's without the values of a description: of variables, and words of a command line. */
export function withoutSecrets(said: string, description: string): string {
  const it = tree(parsed(description.split('\n')[0] ?? ''))
  const values = [
    ...list(it['Env']).map(entry => text(entry).replace(/^[^=]*=/, '')),
    ...list(it['Cmd']).map(text),
    ...list(it['Entrypoint']).map(text),
  ].flatMap(value => [value, JSON.stringify(value).slice(1, -1), ...value.split('\n')])
  return values
    .filter(value => value.length > 3)
    .toSorted((a, b) => b.length - a.length)
    .reduce((out, value) => out.replaceAll(value, '***'), said)
}

function parsed(json: string): Json {
  try {
    const value: Json = JSON.parse(json)
    return value
  } catch {
    throw new Bug('Docker described a container in something that is no JSON')
  }
}

const tree = (value: Json | undefined): Tree =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {}
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const same = (a: Json | undefined, b: Json | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
