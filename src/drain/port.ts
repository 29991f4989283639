import type { Millis } from '../domain/node.ts'

/**
 * How one node is taken out of traffic: command lines for its shell, so that a node can do it without us. They see `$NODE_NAME`,
 * `$NODE_PORT` and `$NODE_TRAFFIC`; 0 is success, else the last lines say why not. `check` changes nothing. `limit` of each.
 */
export type DrainCommands = { out: string; in: string; check?: string; limit: Millis }
