import { ENDINGS } from '../domain/ended.ts'
import { HOOK_POINTS, type HookPoint } from '../domain/hook-points.ts'
import { Bug } from '../domain/errors.ts'
import type { NodeId } from '../domain/node.ts'
import type { Policy } from '../domain/plan.ts'
import type { Config, Exposition } from './config.ts'
import type { World } from './fleet.ts'
import { nodeConfig, type PlacedNode } from './nodes.ts'
import type { FleetFile } from './schema/file.ts'
import { defaultsTaken } from './settings.ts'
import { type Default, watchPolicy } from './watch.ts'

/** What the builders need beside the settings. */
type Origin = { file: string; written: unknown; world: World }

/** The one typed configuration, of settings that break no rule. */
export const build = (file: FleetFile, nodes: PlacedNode[], origin: Origin): Config => {
  const taken = defaultsTaken(origin.written)
  const or: Default = (name, written, value, spelt = String(value)) => {
    if (written === undefined) taken.push(`${name} ${spelt}`)
    return written ?? value
  }
  const policy = policyOf(file, or)
  return {
    file: origin.file,
    profile: file.profile,
    ...(file.http === undefined ? {} : { http: httpOf(file.http) }),
    ...releasesOf(file, origin.world, or),
    shell: shellOf(file),
    service: serviceOf(file, or),
    drain: drainOf(file),
    nodes: nodesOf(file, nodes, or),
    canary: canaryOf(file, nodes, or),
    waveSize: file.waves.size,
    policy,
    ...(file.from === undefined ? {} : { from: file.from }),
    acceptWriteLoss: file['accept-write-loss'],
    ...testsOf(file),
    stageLimit: file.rehearse.limit,
    ...(file.rehearse.memory === undefined ? {} : { rehearsalMemory: file.rehearse.memory }),
    probe: probeOf(file, or),
    exposition: expositionOf(file, or),
    metrics: policy.watch.metrics,
    lease: file.lease,
    switch: switchOf(file),
    keep: file.keep,
    hooks: file.hooks.map(hookOf),
    environment: file.environment,
    defaults: taken,
  }
}

const shellOf = ({ ssh }: FleetFile): Config['shell'] => {
  if (ssh === undefined) return { kind: 'local' }
  const { user, jump, ca } = ssh
  return {
    kind: 'ssh',
    user,
    plainHttp: ssh['plain-http'],
    ...(jump === undefined ? {} : { jump: hostOf(jump, user) }),
    ...(ca === undefined ? {} : { ca }),
  }
}

/** `deploy@bastion:2222`; user and port may be missing. */
const hostOf = (text: string, user: string): { host: string; port: number; user: string } => {
  const [, named, host = '', port] = /^(?:(.+)@)?(.+?)(?::(\d+))?$/.exec(text) ?? []
  return { host, port: port === undefined ? 22 : Number(port), user: named ?? user }
}

const policyOf = (file: FleetFile, or: Default): Policy => ({
  watch: watchPolicy(file, or),
  rewatch: file.canary.rewatch,
  waveWatch: file.waves.watch,
  rehearse: file.rehearse.nodes,
  requireReversible: file['require-reversible'],
  rollbackData: 'auto',
  maxParallel: file['max-parallel'],
  approveWithin: file['approve-within'],
  startLimit: file['start-limit'],
  stopLimit: file['stop-limit'],
  diskReserve: file['disk-reserve'],
  drain: drainOf(file).kind,
  ...(pointsOf(file).length === 0 ? {} : { hooks: pointsOf(file) }),
})

/** The plan says where somebody is asked. */
const pointsOf = ({ hooks }: FleetFile): HookPoint[] =>
  HOOK_POINTS.filter(point => hooks.some(hook => hook.at === point))

const drainOf = ({ drain, ssh }: Pick<FleetFile, 'drain' | 'ssh'>): Config['drain'] => {
  if (drain === 'none') return { kind: 'none' }
  if (drain.commands !== undefined) {
    const { check, ...commands } = drain.commands
    return { kind: 'commands', ...commands, ...(check === undefined ? {} : { check }) }
  }
  if (drain.haproxy === undefined) throw new Bug('a drain of no kind')
  const { socket, backend, server, limit, via = [], 'at-limit': atLimit } = drain.haproxy
  return {
    kind: 'haproxy',
    sockets: [socket].flat(),
    via: [via].flat().map(text => hostOf(text, ssh?.user ?? '')),
    backends: [backend].flat(),
    server,
    limit,
    atLimit,
  }
}

const hookOf = (hook: FleetFile['hooks'][number]): Config['hooks'][number] => {
  const { at, run, post, slack, channel, api, key, keys = [], limit } = hook
  const policy = hook['on-failure'] ?? (at.startsWith('after-') ? 'warn' : 'fail')
  const base = { at, on: hook.on ?? [...ENDINGS], fails: at !== 'end' && policy === 'fail', limit }
  if (run !== undefined) return { ...base, kind: 'run', command: run, keys }
  if (post !== undefined) return { ...base, kind: 'post', url: post, ...(key === undefined ? {} : { key }) }
  if (slack !== undefined)
    return { ...base, kind: 'slack', key: slack, api, ...(channel === undefined ? {} : { channel }) }
  throw new Bug('a hook of no kind')
}

const httpOf = ({ health, ready, version }: NonNullable<FleetFile['http']>): NonNullable<Config['http']> =>
  version === undefined ? { health, ready } : { health, ready, version }

const releasesOf = (file: FleetFile, world: World, or: Default) => ({
  repository: or('repository', file.repository, world.repository ?? ''),
  releases:
    file.releases === undefined
      ? ({ kind: 'github' } as const)
      : ({ kind: 'directory', path: file.releases.directory } as const),
  binary: or('binary', file.binary, 'progressdb'),
  ...(file['require-image'] === undefined ? {} : { requireImage: file['require-image'] }),
})

const PROGRESSDB_ARGS = ['--config', '{config}']

const serviceOf = (file: FleetFile, or: Default): Config['service'] => {
  if (file.systemd !== undefined)
    return { kind: 'systemd', unit: file.systemd.unit, scope: file.systemd.user ? 'user' : 'system' }
  if (file.docker !== undefined) {
    const { container, image, socket } = file.docker
    const at = image.lastIndexOf(':')
    const usual = `/usr/local/bin/${file.binary ?? 'progressdb'}`
    const program = or('docker.program', file.docker.program, usual)
    return { kind: 'docker', container, image: image.slice(0, at), tag: image.slice(at + 1), socket, program }
  }
  const usual = file.profile === 'progressdb' ? PROGRESSDB_ARGS : []
  const args = file.process?.args
  or('process.args', args?.join(' '), usual.join(' '), usual.join(' ') || 'none')
  return { kind: 'process', args: args ?? usual, env: file.process?.env ?? {} }
}

const nodesOf = (file: FleetFile, nodes: PlacedNode[], or: Default) => {
  if (nodes.some(node => node.entry.config === undefined))
    or('config', file.config, '', 'config.yaml in install')
  return nodes.map(node => nodeConfig(node, file.ssh))
}

const canaryOf = ({ canary }: FleetFile, nodes: PlacedNode[], or: Default): NodeId[] => {
  if (canary.name !== undefined) return [canary.name]
  return nodes.slice(0, or('canary.nodes', canary.nodes, 1)).map(node => node.name)
}

const testsOf = ({ rehearse: { tests } }: FleetFile): Pick<Config, 'tests'> => {
  if (tests === undefined) return {}
  return { tests: typeof tests === 'string' ? { command: tests, limit: 600_000, keys: [] } : tests }
}

const probeOf = ({ profile, probe: { keys, user } }: FleetFile, or: Default): Config['probe'] => {
  const backendKey =
    profile === 'progressdb' ? or('probe.keys.backend', keys.backend, 'backend') : keys.backend
  const adminKey = profile === 'progressdb' ? or('probe.keys.admin', keys.admin, 'admin') : keys.admin
  return {
    user,
    ...(backendKey === undefined ? {} : { backendKey }),
    ...(adminKey === undefined ? {} : { adminKey }),
    ...(keys.frontend === undefined ? {} : { frontendKey: keys.frontend }),
  }
}

const switchOf = ({ switch: given }: FleetFile): Config['switch'] => {
  const command = given['on-fire']
  return {
    confirmWithin: given['confirm-within'],
    ...(command === undefined ? {} : { onFire: { command, limit: given['on-fire-limit'] } }),
  }
}

const NO_KEY = 'none'

const expositionOf = ({ profile, exposition: { path, key, header } }: FleetFile, or: Default): Exposition => {
  const progressdb = profile === 'progressdb'
  const sent = or('exposition.key', key, progressdb ? 'admin' : NO_KEY)
  return {
    path: or('exposition.path', path, progressdb ? '/admin/debug/prometheus' : '/metrics'),
    ...(sent === NO_KEY ? {} : { key: sent }),
    ...(header === undefined ? {} : { header }),
  }
}
