import { list } from './log.ts'
import type { NodeId } from './node.ts'
import type { Survey } from './survey.ts'

type Unreachable = Survey['unreachable'][number]

/** What the other nodes say of a failure: a key that some accept is the right one. `looked`: nodes that were looked at. */
export function compared(unreachable: Unreachable[], looked: NodeId[]): Unreachable[] {
  const within = unreachable.filter(({ failure }) => !failure.code.startsWith('SSH_')).map(u => u.node)
  const reached = [...looked, ...within]
  return unreachable.map(one =>
    one.failure.code === 'SSH_KEY_REFUSED'
      ? { ...one, failure: { ...one.failure, because: ofKey(one.node, reached) } }
      : one,
  )
}

const ofKey = (node: NodeId, reached: NodeId[]): string => {
  if (reached.length === 0) return 'no node accepts it: it may be the wrong key, or the wrong user'
  const verb = reached.length === 1 ? 'accepts' : 'accept'
  return `${list(reached.slice(0, 5))} ${verb} it: the key is fine, ${node} lacks it`
}
