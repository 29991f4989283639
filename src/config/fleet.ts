import { spellDuration } from '../domain/policy.ts'
import { type Broken, broken } from './rule.ts'
import type { PlacedNode } from './nodes.ts'
import type { FleetFile } from './schema/file.ts'
import { NO_NODES, type Unread } from './unread.ts'

/** What the file does not say: the workflow's own repository. */
export type World = { repository?: string | undefined }

/** One place, one kind of service, one profile. */
export const kindRules = (file: FleetFile, unread: Unread, world: World): Broken[] => [
  ...placeOfNodes(file, unread),
  ...kindOfService(file, unread),
  ...profileRules(file, unread),
  ...repositoryRules(file, unread, world),
  ...argumentRules(file),
  ...switchRules(file, unread),
  ...drainRules(file, unread),
  ...hookRules(file, unread),
]

/** A node must not go back by itself while its rollout still holds it. */
const switchRules = ({ lease, switch: { 'confirm-within': within } }: FleetFile, unread: Unread): Broken[] =>
  within >= lease.ttl || unread.has('lease') || unread.has('switch')
    ? []
    : [
        broken(
          ['switch', 'confirm-within'],
          'SETTING_CONTRADICTS',
          `switch.confirm-within (${spellDuration(within)}) is shorter than lease.ttl (${spellDuration(lease.ttl)})`,
          'give confirm-within at least the time of lease.ttl',
        ),
      ]

/** Each tells in one way, and is given only what that way, and that point, uses. */
const hookRules = ({ hooks }: FleetFile, unread: Unread): Broken[] => {
  if (unread.has('hooks')) return []
  return hooks.flatMap((hook, i) => {
    const { run, post, slack } = hook
    const ways = [run, post, slack].filter(way => way !== undefined).length
    if (ways !== 1)
      return [
        broken(
          ['hooks', i],
          ways === 0 ? 'SETTING_MISSING' : 'SETTING_CONTRADICTS',
          ways === 0 ? 'this hook does nothing' : 'this hook tells in more than one way',
          'write one of run, post, slack; another way is another hook',
        ),
      ]
    const misplaced = (name: keyof typeof hook, fits: boolean, of: string, next: string): Broken[] =>
      hook[name] === undefined || fits
        ? []
        : [broken(['hooks', i, name], 'SETTING_CONTRADICTS', `${name} is for ${of}`, next)]
    return [
      ...misplaced('key', post !== undefined, 'post', 'remove it; with run write keys: [ … ]'),
      ...misplaced('keys', run !== undefined, 'run', 'remove it; with post write key: …'),
      ...misplaced('channel', slack !== undefined, 'slack', 'remove it'),
      ...misplaced('on', hook.at === 'end', 'at: end', 'remove it; a point on the way has one meaning'),
      ...misplaced(
        'on-failure',
        hook.at !== 'end',
        'points on the way',
        'remove it: what fails at the end changes no outcome',
      ),
    ]
  })
}

const drainRules = ({ drain, ssh }: FleetFile, unread: Unread): Broken[] => {
  if (drain === 'none' || unread.has('drain')) return []
  if (drain.haproxy?.via !== undefined && ssh === undefined && !unread.has('ssh'))
    return [
      broken(
        ['drain', 'haproxy', 'via'],
        'SETTING_CONTRADICTS',
        'drain.haproxy.via is for nodes over ssh',
        'remove via; a socket on this machine is reached as it is',
      ),
    ]
  const kinds = [drain.haproxy, drain.commands].filter(kind => kind !== undefined)
  if (kinds.length === 1) return []
  return kinds.length === 0
    ? [
        broken(
          ['drain'],
          'SETTING_MISSING',
          'drain names nothing that takes a node out of traffic',
          'write drain: { haproxy: { socket, backend } }, or drain: { commands: { out, in } }, or drain: none',
        ),
      ]
    : [
        broken(
          ['drain', 'commands'],
          'SETTING_CONTRADICTS',
          'drain has haproxy and commands',
          'keep one of the two',
        ),
      ]
}

const kindOfService = (file: FleetFile, unread: Unread): Broken[] => {
  if (['process', 'systemd', 'docker'].some(kind => unread.has(kind))) return []
  const kinds = (['process', 'systemd', 'docker'] as const).filter(kind => file[kind] !== undefined)
  const [first, second] = kinds
  if (first !== undefined && second !== undefined)
    return [
      broken([first], 'SETTING_CONTRADICTS', `the file says ${kinds.join(' and ')}`, 'keep one of them'),
    ]
  const next =
    'add systemd: { unit: progressdb.service }, or docker: { container, image }, or process: {} where neither runs it'
  return first === undefined
    ? [broken([], 'SERVICE_MISSING', 'the file does not say how the service is run', next)]
    : imageTwice(file)
}

/** The image of the service is there, or nothing is released. */
const imageTwice = (file: FleetFile): Broken[] =>
  file.docker !== undefined && file['require-image'] !== undefined
    ? [
        broken(
          ['require-image'],
          'SETTING_CONTRADICTS',
          'docker.image is required anyway',
          'leave require-image out',
        ),
      ]
    : []

const placeOfNodes = (file: FleetFile, unread: Unread): Broken[] => {
  if (unread.has('local') || unread.has('ssh')) return []
  if (file.local === undefined && file.ssh === undefined)
    return [
      broken(
        [],
        'PLACE_MISSING',
        'the file does not say where the nodes are',
        'add ssh: { user: deploy }, or local: true where they are processes on this machine',
      ),
    ]
  return file.local !== undefined && file.ssh !== undefined
    ? [
        broken(
          ['local'],
          'SETTING_CONTRADICTS',
          'the file says local and ssh',
          'keep one: the nodes are in one kind of place',
        ),
      ]
    : []
}

/** Keys do not travel in the clear to another machine unless somebody says so. */
const clearText = ({ ssh }: FleetFile, node: PlacedNode): Broken[] =>
  ssh?.connect === 'direct' && !ssh['plain-http'] && node.url.startsWith('http://')
    ? [
        broken(
          ['nodes', node.index],
          'PLAIN_HTTP',
          `${node.name} would get requests and API keys unencrypted, at ${node.url}`,
          'write connect: tunnel, give the node a url with https://, or accept it with plain-http: true',
        ),
      ]
    : []

const profileRules = (file: FleetFile, unread: Unread): Broken[] => {
  if (unread.has('profile') || unread.has('http')) return []
  if (file.profile === 'progressdb')
    return file.http === undefined
      ? []
      : [
          broken(
            ['http'],
            'SETTING_CONTRADICTS',
            'http describes a service, but profile is progressdb',
            'write profile: http, or remove http',
          ),
        ]
  return [
    ...(file.http === undefined
      ? [
          broken(
            ['profile'],
            'SETTING_MISSING',
            'http is missing',
            'add http: { health: /healthz, ready: /readyz }',
            'profile http knows no paths of its own',
          ),
        ]
      : []),
    ...(file.binary === undefined && !unread.has('binary')
      ? [
          broken(
            ['profile'],
            'SETTING_MISSING',
            'binary is missing',
            'add binary: with the name of the program in the archive',
            'profile http knows no program',
          ),
        ]
      : []),
  ]
}

const repositoryRules = (file: FleetFile, unread: Unread, world: World): Broken[] =>
  file.repository === undefined &&
  !world.repository &&
  file.releases === undefined &&
  !unread.has('repository') &&
  !unread.has('releases')
    ? [
        broken(
          [],
          'SETTING_MISSING',
          'repository is missing',
          'add repository: owner/name, whose releases are rolled out',
        ),
      ]
    : []

const argumentRules = (file: FleetFile): Broken[] =>
  (file.process?.args ?? []).flatMap((argument, index) => {
    const unknown = [...argument.matchAll(/\{([a-z-]+)\}/g)].find(
      ([, name]) => name !== 'config' && name !== 'data',
    )
    return unknown === undefined
      ? []
      : [
          broken(
            ['process', 'args', index],
            'PLACEHOLDER_UNKNOWN',
            `${unknown[0]} stands for nothing`,
            "write {config} or {data}; a node's port belongs in its configuration file",
          ),
        ]
  })

/** Names and addresses of nodes, and the canary among them. */
export const nodeRules = (file: FleetFile, nodes: PlacedNode[], unread: Unread): Broken[] => [
  ...nodes.flatMap(node => [
    ...nameTaken(node, nodes),
    ...addressTwice(node),
    ...(unread.has('ssh') ? [] : [...addressTaken(node, nodes), ...clearText(file, node)]),
  ]),
  ...([NO_NODES, 'nodes', 'canary'].some(setting => unread.has(setting)) ? [] : canaryRules(file, nodes)),
]

const nameTaken = (node: PlacedNode, nodes: PlacedNode[]): Broken[] =>
  nodes.findIndex(other => other.name.toLowerCase() === node.name.toLowerCase()) < node.index
    ? [
        broken(
          ['nodes', node.index],
          'NODE_TWICE',
          `two nodes are named ${node.name}`,
          'give each node a name of its own',
        ),
      ]
    : []

const addressTwice = ({ entry, index, name }: PlacedNode): Broken[] =>
  entry.url !== undefined && (entry.host !== undefined || entry.port !== undefined)
    ? [
        broken(
          ['nodes', index, 'url'],
          'SETTING_CONTRADICTS',
          `${name} has url and host or port`,
          'keep url, or host and port',
        ),
      ]
    : []

const addressTaken = (node: PlacedNode, nodes: PlacedNode[]): Broken[] => {
  const other = nodes.find(
    earlier => earlier.index < node.index && earlier.url === node.url && earlier.name !== node.name,
  )
  return other === undefined
    ? []
    : [
        broken(
          ['nodes', node.index],
          'ADDRESS_TWICE',
          `${other.name} and ${node.name} have the same address, ${node.url}`,
          `give ${node.name} its port: { name: ${node.name}, port: … }`,
        ),
      ]
}

const canaryRules = ({ canary }: FleetFile, nodes: PlacedNode[]): Broken[] => {
  if (canary.name !== undefined && canary.nodes !== undefined)
    return [
      broken(['canary', 'name'], 'SETTING_CONTRADICTS', 'canary has name and nodes', 'keep one of the two'),
    ]
  if (canary.name !== undefined && !nodes.some(node => node.name === canary.name))
    return [
      broken(
        ['canary', 'name'],
        'CANARY_UNKNOWN',
        `no node is named ${canary.name}`,
        `write one of ${nodes
          .map(node => node.name)
          .slice(0, 20)
          .join(', ')}`,
      ),
    ]
  if (canary.nodes !== undefined && canary.nodes >= nodes.length && canary.nodes > 1)
    return [
      broken(
        ['canary', 'nodes'],
        'CANARY_IS_FLEET',
        `canary.nodes is ${canary.nodes}, the fleet has ${nodes.length}`,
        `write at most ${Math.max(1, nodes.length - 1)}`,
        'the old version must go on serving beside the canary to compare with',
      ),
    ]
  return []
}
