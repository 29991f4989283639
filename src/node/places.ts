import type { ProgramName } from './programs.ts'
import type { Drain, NodeConfig } from '../config/config.ts'
import type { DrainCommands } from '../drain/port.ts'
import type { Millis } from '../domain/node.ts'
import type { Shell } from '../shell/port.ts'
import type { Service } from '../service/port.ts'
import { guestUnit, switchUnit } from '../service/unit-files.ts'

export type NodeOptions = {
  /** Name of the server's program, as it is called on the node. */
  binary: string
  /** Names of files that never change once written, e.g. `*.sst`; `*` only as the first character. */
  immutable: string[]
  drain: Drain
  /** Machines that what drains the node is on, where only we reach them. */
  balancers?: Shell[]
  stopLimit: Millis
  startLimit: Millis
  /** How long nobody may speak for a rollout until the node goes back by itself; and what is run there then. */
  confirmWithin: Millis
  onFire?: { command: string; limit: Millis }
  /** How long a guest may run on a staging copy. */
  stageLimit: Millis
}

/** A node as far as its programs are told of it. */
export type Node = { service: Service; config: NodeConfig; options: NodeOptions }

export type Content = { file: string } | { bytes: Uint8Array }
/** What the programs before it have answered, by key. */
export type Said = Readonly<Record<string, string[]>>
/**
 * `opens`: it is told how often the data was opened, which only the service's user can read.
 * `secret`: what it brings holds secrets of the server, which no error text may repeat.
 */
export type Task = {
  program: ProgramName
  words: string[]
  limit: Millis
  bring?: Content | ((said: Said) => Content)
  opens?: true
  secret?: true
}

/** How long a program may take that copies or hashes nothing. */
export const SHORT = 60_000
/** Copying and hashing: as long as the data is big. */
export const LONG = 6 * 3_600_000
/** How long a program waits for the one before it. */
export const WAIT = 120_000

/** What a program is told of a command that moves the node in or out of traffic. */
export const drainWords = (
  { config }: Pick<Node, 'config'>,
  { limit, ...commands }: DrainCommands,
  kind: 'out' | 'in' | 'check',
): string[] => [
  `command=${commands[kind]}`,
  `limit=${seconds(limit)}`,
  `node=${config.name}`,
  `port=${new URL(config.url).port}`,
]

/** Name of a node's container, '' where there is none. */
export const containerOf = ({ service, config }: Pick<Node, 'service' | 'config'>): string =>
  service.kind === 'docker' ? service.container.replaceAll('{name}', config.name) : ''

export const seconds = (ms: Millis): number => Math.ceil(ms / 1000)

/** What every program is told of the node. */
export const placeWords = ({ config, options, service }: Node): string[] => [
  `install=${config.install}`,
  `data=${config.data}`,
  `config=${config.config}`,
  ...(config.configNext === undefined ? [] : [`config_next=${config.configNext}`]),
  `binary=${options.binary}`,
  `immutable=${options.immutable.join(' ')}`,
  `drain=${options.drain.kind}`,
  `clean_exits=${service.cleanExits.join(' ')}`,
  ...(service.kind === 'systemd'
    ? [
        `unit=${service.unit}`,
        `scope=${service.scope}`,
        `guest=${guestUnit(service.unit)}`,
        `timer=${switchUnit(service.unit, 'timer')}`,
      ]
    : []),
  ...(service.kind === 'docker'
    ? [`container=${containerOf({ service, config })}`, `image=${service.image}`, `socket=${service.socket}`]
    : []),
  `wait=${seconds(WAIT)}`,
]
