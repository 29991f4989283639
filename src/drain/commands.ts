import type { Drain, NodeConfig } from '../config/config.ts'
import { Bug } from '../domain/errors.ts'

/**
 * Arguments for the node's drain program. The user's command runs on the node with `$NODE_NAME` and `$NODE_PORT`, bounded by
 * its limit; exit 0 is success.
 */
export const drainWords = (drain: Drain, kind: 'out' | 'in', node: NodeConfig): string[] => {
  if (drain.kind === 'none') throw new Bug('a node without a drain was to be drained')
  return [
    `kind=${kind}`,
    `command=${kind === 'out' ? drain.out : drain.in}`,
    `limit=${Math.ceil(drain.limit / 1000)}`,
    `node=${node.name}`,
    `port=${new URL(node.url).port}`,
  ]
}
