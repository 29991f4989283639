import type { NodeConfig } from './config.ts'
import type { Path } from './tree.ts'
import type { FleetFile, NodeEntry } from './schema/file.ts'

type Entry = Exclude<NodeEntry, string>
type Place = 'install' | 'data' | 'config' | 'config-next'

/** One node with the fleet's values merged in; `at` says where in the file each value stands (of a derived one: its source). */
export type PlacedNode = {
  index: number
  entry: Entry
  name: string
  url: string
  /** Host that is reached over ssh; '' for this one. */
  machine: string
  install?: string
  data?: string
  config?: string
  configNext?: string
  at: Record<Place, Path>
}

const LOOPBACK = '127.0.0.1'
const DEFAULT_PORT = 8080

/** Merges fleet and node, and replaces `{name}`. Paths may still be missing: the rules say so. */
export const placedNodes = (file: FleetFile): PlacedNode[] =>
  file.nodes.map((written, index) => {
    const entry: Entry = typeof written === 'string' ? { name: written } : written
    const value = (place: Place) => (entry[place] ?? file[place])?.replaceAll('{name}', entry.name)
    const at = (place: Place): Path => (entry[place] === undefined ? [place] : ['nodes', index, place])
    const install = value('install')
    const data = value('data')
    const config = value('config') ?? (install === undefined ? undefined : `${install}/config.yaml`)
    const configNext = value('config-next')
    return {
      index,
      entry,
      name: entry.name,
      url: address(entry, file.ssh !== undefined),
      machine: file.ssh === undefined ? '' : (entry.host ?? entry.name),
      at: {
        install: at('install'),
        data: at('data'),
        config: value('config') === undefined ? at('install') : at('config'),
        'config-next': at('config-next'),
      },
      ...(install === undefined ? {} : { install }),
      ...(data === undefined ? {} : { data }),
      ...(config === undefined ? {} : { config }),
      ...(configNext === undefined ? {} : { configNext }),
    }
  })

const address = (entry: Entry, remote: boolean): string => {
  if (entry.url !== undefined) return entry.url.replace(/\/+$/, '')
  const host = entry.host ?? (remote ? entry.name : LOOPBACK)
  return `http://${host.includes(':') ? `[${host}]` : host}:${entry.port ?? DEFAULT_PORT}`
}

/** As seen from the machine itself. */
const listens = ({ entry }: PlacedNode): { host: string; port: number } => {
  if (entry.url === undefined) return { host: LOOPBACK, port: entry.port ?? DEFAULT_PORT }
  const { hostname, port, protocol } = new URL(entry.url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

/** A node whose paths the rules have found to be there. */
export const nodeConfig = (node: PlacedNode, ssh: FleetFile['ssh']): NodeConfig => ({
  name: node.name,
  url: node.url,
  ...(ssh === undefined ? {} : { machine: { host: node.machine, port: ssh.port, user: ssh.user } }),
  ...(ssh?.connect === 'tunnel' ? { listens: listens(node) } : {}),
  install: node.install ?? '',
  data: node.data ?? '',
  config: node.config ?? '',
  ...(node.configNext === undefined ? {} : { configNext: node.configNext }),
})
