import { type Broken, broken } from './rule.ts'
import type { PlacedNode } from './nodes.ts'
import type { Path } from './tree.ts'
import type { Unread } from './unread.ts'

/** A folder or file of one node, for comparing it with all others on the same machine. */
type Spot = { node: string; kind: string; path: string; at: Path }

/** Where things may lie: nothing of the system's, and on one machine nothing inside another, nothing twice. */
export const placeRules = (nodes: PlacedNode[], unread: Unread): Broken[] =>
  oncePerPlace([
    ...(unread.has('nodes') ? [] : missingFolders(nodes)),
    ...systemFolders(nodes),
    ...(unread.has('ssh') ? [] : machines(nodes).flatMap(on => [...overlaps(on), ...configFiles(on)])),
  ]).filter(({ path: [setting] }) => setting === 'nodes' || !unread.has(String(setting)))

const machines = (nodes: PlacedNode[]): PlacedNode[][] => [
  ...Map.groupBy(nodes, node => node.machine).values(),
]

/** A value of the fleet is wrong for every node; it is said once. */
const oncePerPlace = (all: Broken[]): Broken[] => {
  const seen = new Set<string>()
  return all.filter(one => {
    const key = JSON.stringify(one.path)
    return seen.has(key) ? false : seen.add(key)
  })
}

const missingFolders = (nodes: PlacedNode[]): Broken[] =>
  (['install', 'data'] as const).flatMap(kind => {
    const without = nodes.filter(node => node[kind] === undefined)
    if (without.length === 0) return []
    const of = without.length === nodes.length ? '' : ` for ${without.map(node => node.name).join(', ')}`
    const next = `add ${kind}: with an absolute path, such as ${kind === 'install' ? '/opt/progressdb' : '/var/lib/progressdb'}`
    return [broken([kind], 'SETTING_MISSING', `${kind} is missing${of}`, next)]
  })

const systemFolders = (nodes: PlacedNode[]): Broken[] =>
  folders(nodes)
    .filter(({ path }) => isSystemFolder(path))
    .map(({ at, kind, path }) =>
      broken(
        at,
        'PATH_IS_SYSTEM_FOLDER',
        `${kind} is ${path}, a folder of the system`,
        'name a folder that holds nothing but this service, such as /var/lib/progressdb',
        `the rollout writes, renames and links in ${kind}`,
      ),
    )

const folders = (nodes: PlacedNode[]): Spot[] =>
  nodes.flatMap(node =>
    (['install', 'data'] as const).flatMap(kind => {
      const path = node[kind]
      return path === undefined ? [] : [{ node: node.name, kind, path, at: node.at[kind] }]
    }),
  )

/** Folders that other programs share; folders of one's own below them are fine. */
const SHARED = new Set(
  `/ /home /media /mnt /opt /srv /tmp /usr /usr/local /usr/share /var /var/backups /var/cache /var/lib /var/local
   /var/log /var/mail /var/opt /var/spool /var/tmp /var/www /root`.split(/\s+/),
)
/** Folders in which nothing of a service's own belongs at any depth. */
const RESERVED =
  /^\/(?:bin|boot|dev|etc|lib|lib32|lib64|libx32|lost\+found|proc|run|sbin|sys|usr\/(?:bin|include|lib|lib32|lib64|libexec|sbin)|usr\/local\/(?:bin|lib|sbin)|var\/(?:lock|run))(?:\/|$)/

const isSystemFolder = (path: string): boolean =>
  SHARED.has(path) || RESERVED.test(`${path}/`) || /^\/home\/[^/]+$/.test(path)

const overlaps = (nodes: PlacedNode[]): Broken[] => {
  const spots = folders(nodes)
  return spots.flatMap((later, index) => {
    const earlier = spots
      .slice(0, index)
      .find(spot => holds(spot.path, later.path) || holds(later.path, spot.path))
    return earlier === undefined ? [] : [overlap(earlier, later)]
  })
}

const overlap = (earlier: Spot, later: Spot): Broken => {
  const same = earlier.path === later.path
  const one = `${earlier.kind} of ${earlier.node}`
  const other = earlier.node === later.node ? later.kind : `${later.kind} of ${later.node}`
  return broken(
    later.at,
    same ? 'PATHS_SHARED' : 'PATHS_NESTED',
    same
      ? `${one} and ${other} are the same folder, ${later.path}`
      : `${one} (${earlier.path}) and ${other} (${later.path}) lie inside each other`,
    earlier.node === later.node
      ? 'give each a folder of its own'
      : `write {name} in the path, or give ${later.node} its own`,
    'a rollback swaps one folder and must not touch another',
  )
}

/** `outer` is `inner`, or a folder above it. */
const holds = (outer: string, inner: string): boolean => inner === outer || inner.startsWith(`${outer}/`)

const configFiles = (nodes: PlacedNode[]): Broken[] => {
  const files = nodes.flatMap(node => [
    ...(node.config === undefined
      ? []
      : [{ node: node.name, kind: 'config', path: node.config, at: node.at.config }]),
    ...(node.configNext === undefined
      ? []
      : [{ node: node.name, kind: 'config-next', path: node.configNext, at: node.at['config-next'] }]),
  ])
  const shared = files.flatMap((later, index) => {
    const earlier = files.slice(0, index).find(file => file.path === later.path)
    if (earlier === undefined || (derived(earlier) && derived(later))) return []
    return earlier.kind === 'config-next' && later.kind === 'config-next' ? [] : [sharedFile(earlier, later)]
  })
  return [...files.filter(file => !derived(file)).flatMap(file => misplacedFile(file, nodes)), ...shared]
}

/** Follows from `install`, about which is spoken already. */
const derived = (file: Spot): boolean => file.at.at(-1) === 'install'

const sharedFile = (earlier: Spot, later: Spot): Broken =>
  broken(
    later.at,
    'PATHS_SHARED',
    `${earlier.kind} of ${earlier.node} and ${later.kind} of ${later.node} are the same file, ${later.path}`,
    earlier.node === later.node ? 'name another file, or leave config-next out' : 'write {name} in the path',
    'each node has a configuration of its own, which goes forward and back with its binary',
  )

const misplacedFile = (file: Spot, nodes: PlacedNode[]): Broken[] => {
  const ours = nodes.flatMap(node => [
    ...(node.data === undefined ? [] : [node.data]),
    ...(node.install === undefined ? [] : [`${node.install}/releases`, `${node.install}/state`]),
  ])
  const folder = ours.find(path => holds(path, file.path))
  if (folder === undefined) return []
  const next = `move it out of ${folder}, for instance to config.yaml in install, and write that path`
  return [
    broken(
      file.at,
      'CONFIG_MISPLACED',
      `${file.kind} of ${file.node} lies in ${folder}`,
      next,
      'that folder is swapped or written by the rollout',
    ),
  ]
}
