import type { Policy, SafeStop } from './plan.ts'

/**
 * Why a stop of a node loses no acknowledged write; `undefined` when it may. `intakeWal`: the server's intake WAL and its
 * recovery are both on.
 */
export function safeStop(
  node: { intakeWal: boolean },
  wish: { drain: Policy['drain']; acceptWriteLoss: boolean },
): SafeStop | undefined {
  if (wish.drain !== 'none') return node.intakeWal ? 'drain+intake-wal' : 'drain'
  if (node.intakeWal) return 'intake-wal'
  return wish.acceptWriteLoss ? 'accepted-loss' : undefined
}
