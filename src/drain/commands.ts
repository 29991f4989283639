import type { Drain, NodeConfig } from '../config/config.ts'
import { unreachable } from '../domain/errors.ts'
import { haproxyCommands } from './haproxy.ts'
import type { DrainCommands } from './port.ts'

/** `undefined` where nothing takes it out of traffic. */
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
