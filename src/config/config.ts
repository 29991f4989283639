import type { Ending } from '../domain/ended.ts'
import type { HookPoint } from '../domain/hook-points.ts'
import type { MetricRule } from '../domain/measurement.ts'
import type { Millis, NodeId } from '../domain/node.ts'
import type { Policy } from '../domain/plan.ts'

/** One node, with the fleet's values already merged in and `{name}` replaced. All paths absolute. */
export type NodeConfig = {
  name: NodeId
  /** Base address of its HTTP interface, e.g. `http://127.0.0.1:8080`, no trailing slash. */
  url: string
  /** Over ssh: the machine. */
  machine?: { host: string; port: number; user: string }
  /** Over ssh, through the connection: where its HTTP interface listens, as seen from the machine itself. */
  listens?: { host: string; port: number }
  install: string
  data: string
  /** The server's own configuration file; part of every checkpoint. */
  config: string
  /** The configuration file for the new version, where it differs. */
  configNext?: string
}

/** `plainHttp`: requests and keys travel unencrypted, which was accepted. `ca`: a file with certificates. */
export type SshPlace = {
  kind: 'ssh'
  /** Who drives the nodes. */
  user: string
  jump?: { host: string; port: number; user: string }
  plainHttp: boolean
  ca?: string
}

/** `process`: we start the server ourselves as a detached process. Argument `{config}` and `{data}` are replaced. */
export type ProcessService = { kind: 'process'; args: string[]; env: Record<string, string> }
/** `systemd`: a unit of the machine, whose `User=` owns the data; or one of the user that logs in. */
export type UnitService = { kind: 'systemd'; unit: string; scope: 'system' | 'user' }
/**
 * A container of Docker. `container`: its name, with `{name}` for the node's. `image` without its tag; `tag` with `{version}` (v0.2.2) or
 * `{number}` (0.2.2). `program`: path in the image that is compared with the release's, or `none`.
 */
export type ContainerService = {
  kind: 'docker'
  container: string
  image: string
  tag: string
  socket: string
  program: string
}
export type Drain =
  | { kind: 'none' }
  /** Shell commands run on the node; exit 0 is success. `{name}` and `{port}` arrive as $NODE_NAME and $NODE_PORT. */
  | { kind: 'commands'; out: string; in: string; check?: string; limit: Millis }
  | HAProxyDrain

/**
 * `sockets`  runtime sockets: a path, or `host:port`.
 * `via`      machines that the sockets are on, reached over ssh by whoever drives the nodes; none: as the node itself reaches them.
 * `server`   of each backend, with `{name}` for the node's.
 * `limit`    how long requests under way may take to end, and a server to be found to be up again.
 */
export type HAProxyDrain = {
  kind: 'haproxy'
  sockets: string[]
  via: { host: string; port: number; user: string }[]
  backends: string[]
  server: string
  limit: Millis
  atLimit: 'fail' | 'close'
}

/** Exposition endpoint of each node. `auth` names the key (input `keys`) sent as a bearer token. */
export type Exposition = { path: string; key?: string; header?: string }

/**
 * Who is asked or told. `key`, `keys`: names of secrets.
 * `at`     how a rollout ended (`on`: which ends), or a point on its way, where `fails` stops it.
 * `run`    a command on the runner, with only these keys, as `ROLLOUT_KEY_<NAME>`.
 * `post`   an address that gets the facts as JSON, `key` as a bearer token.
 * `slack`  the key whose value is the address of an incoming webhook; with `channel` that of a bot's token.
 */
export type Hook = { at: 'end' | HookPoint; on: Ending[]; fails: boolean; limit: Millis } & (
  | { kind: 'run'; command: string; keys: string[] }
  | { kind: 'post'; url: string; key?: string }
  | { kind: 'slack'; key: string; channel?: string; api: string }
)

export type HttpProfile = {
  health: string
  ready: string
  /** Path that answers JSON with the version, and the field; absent: the version is known by the hash only. */
  version?: { path: string; field: string }
}

export type Config = {
  /** The file it came from, as the user wrote it. */
  file: string
  profile: 'progressdb' | 'http'
  http?: HttpProfile
  /** owner/name whose releases are rolled out. */
  repository: string
  /** Take releases from a folder laid out as goreleaser's dist/ instead of GitHub. */
  releases: { kind: 'github' } | { kind: 'directory'; path: string }
  /** Name of the program inside the archive. */
  binary: string
  requireImage?: string
  shell: { kind: 'local' } | SshPlace
  service: ProcessService | UnitService | ContainerService
  drain: Drain
  nodes: NodeConfig[]
  canary: NodeId[]
  waveSize: number
  /** `policy.rollbackData` is always `auto` here: the input `rollback-data` decides it. */
  policy: Policy
  /** The running version where the node does not know it. */
  from?: string
  acceptWriteLoss: boolean
  /** `keys`: names of secrets that the command gets, as `ROLLOUT_KEY_<NAME>`. */
  tests?: { command: string; limit: Millis; keys?: string[] }
  stageLimit: Millis
  /** Bytes of memory that a copy of a server needs, where it is written. */
  rehearsalMemory?: number
  probe: { backendKey?: string; adminKey?: string; frontendKey?: string; user: string }
  exposition: Exposition
  metrics: MetricRule[]
  lease: { ttl: Millis; wait: Millis }
  /** The dead man's switch of every node. */
  switch: { confirmWithin: Millis; onFire?: { command: string; limit: Millis } }
  keep: Millis
  hooks: Hook[]
  environment: string
  /** Which settings were not written, as `name value` for the plan. */
  defaults: string[]
}

/**
 * Inputs of the action and flags of the command line, by the same names. `keys`, `token`, `sshKey` are secrets.
 * `mode`    `adopt` and `init` on the command line only.
 * `tag`     as it was given, of a form that names a version; `previous` in mode rollback; '' where it was left out.
 * `reason`  already printable.
 */
export type Inputs = {
  mode: 'release' | 'plan' | 'rollback' | 'recover' | 'status' | 'adopt' | 'init'
  config: string
  tag: string
  stopAfter: 'plan' | 'rehearse' | 'canary' | 'none'
  planHash: string
  rollbackData: 'auto' | 'keep' | 'restore'
  reason: string
  timeout: Millis
  artifacts: string
  metadata: string
  token: string
  keys: Record<string, string>
  sshKey: string
  sshKnownHosts: string
}
