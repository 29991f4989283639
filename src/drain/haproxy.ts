import type { HAProxyDrain } from '../config/config.ts'
import type { NodeId } from '../domain/node.ts'
import { quote } from '../domain/quote.ts'
import program from './haproxy.sh'
import type { DrainCommands } from './port.ts'

/** Beside its own limit, for what is said to the balancer before and after. */
const TALKING = 20_000

/** A node's servers in HAProxy, moved over its runtime socket by a program that asks for nothing but perl or python3. */
export function haproxyCommands(drain: HAProxyDrain, node: NodeId): DrainCommands {
  const server = drain.server.replaceAll('{name}', node)
  const given = {
    sockets: drain.sockets.join(' '),
    servers: drain.backends.map(backend => `${backend}/${server}`).join(' '),
    limit: String(Math.ceil(drain.limit / 1000)),
    at_limit: drain.atLimit,
  }
  const command = (kind: 'out' | 'in' | 'check'): string =>
    [...Object.entries({ kind, ...given }).map(([name, value]) => `${name}=${quote(value)}`), program].join(
      '\n',
    )
  return {
    out: command('out'),
    in: command('in'),
    check: command('check'),
    limit: drain.limit + TALKING,
  }
}
