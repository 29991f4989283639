import type { Drain, NodeConfig } from '../config/config.ts'
import { unreachable } from '../domain/errors.ts'
import { haproxyCommands } from './haproxy.ts'
import type { DrainCommands } from './port.ts'

/** What the node itself runs; `undefined` where nothing takes it out of traffic, or only we reach what does. */
export const ownCommands = (drain: Drain, node: Pick<NodeConfig, 'name'>): DrainCommands | undefined =>
  drain.kind === 'haproxy' && drain.via.length > 0 ? undefined : drainCommands(drain, node)

/** What is run where the drain is. `undefined` where nothing takes it out of traffic. */
export function drainCommands(drain: Drain, node: Pick<NodeConfig, 'name'>): DrainCommands | undefined {
  switch (drain.kind) {
    case 'none':
      return undefined
    case 'commands':
      return drain
    case 'haproxy':
      return haproxyCommands(drain, node.name)
    default:
      return unreachable(drain)
  }
}
