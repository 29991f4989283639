import type { Problem } from './errors.ts'
import type { NodeFacts } from './facts.ts'
import { bytes } from './log.ts'
import type { NodeId, Proof } from './node.ts'
import type { Rollout } from './rollout.ts'

/**
 * The disk that a node's data lies on, in bytes. `data` is all of it, `point` what a checkpoint of it takes beside what it
 * shares with the data, `staging` what a copy to prove one takes.
 */
export type NodeDisk = { data: number; point: number; staging: number; free: number; total: number }

/** By how checkpoints are made there. */
export const nodeDisk = (facts: NodeFacts): NodeDisk => {
  const { bytes, mutableBytes, checkpoint, diskFree, diskTotal } = facts
  return {
    data: bytes,
    point: checkpoint === 'link' ? mutableBytes : checkpoint === 'reflink' ? 0 : bytes,
    staging: checkpoint === 'reflink' ? 0 : bytes,
    free: diskFree,
    total: diskTotal,
  }
}

/** Before anything was measured: two checkpoints and a copy now; at worst the new version rewrites everything once. */
export const needBefore = (disk: NodeDisk): { now: number; worst: number } => {
  const now = disk.staging + 2 * disk.point
  return { now, worst: now + disk.data }
}

/**
 * How much of the data the new version wrote anew on the copies, as a share of it; the largest of them. What it wrote anew takes
 * space beside the checkpoint even where the data does not grow. 1 where nothing was measured.
 */
export const shareRewritten = (proofs: Readonly<Record<NodeId, Proof>>): number => {
  const measured = Object.values(proofs).filter(p => p.bytesBefore > 0)
  return measured.length === 0 ? 1 : Math.max(...measured.map(p => p.bytesWritten / p.bytesBefore))
}

/** What an upgrade of this node still takes, by what the rehearsal measured: its rollback point, a copy to prove it, and what is written anew. */
export const needOfUpgrade = (disk: NodeDisk, proofs: Readonly<Record<NodeId, Proof>>): number =>
  disk.point + disk.staging + Math.ceil(shareRewritten(proofs) * disk.data)

/** What the node lacks so that `need` fits and `reserve` (a share of the disk) stays free; 0 where nothing. */
export const lacking = (disk: NodeDisk, need: number, reserve: number): number =>
  Math.max(0, Math.ceil(need + reserve * disk.total - disk.free))

/** The fleet in one line: the largest need and the least free space of any node. Zeros where there is no node. */
export const tightest = (
  disks: Readonly<Record<NodeId, NodeDisk>>,
): { now: number; worst: number; free: number } => {
  const all = Object.values(disks)
  const needs = all.map(needBefore)
  return {
    now: Math.max(0, ...needs.map(n => n.now)),
    worst: Math.max(0, ...needs.map(n => n.worst)),
    free: all.length === 0 ? 0 : Math.min(...all.map(d => d.free)),
  }
}

/** Why the upgrade would not fit on this node, by what the rehearsal measured; undefined where it does. */
export const shortageOf = (r: Rollout, node: NodeId, disk: NodeDisk): Problem | undefined => {
  const need = needOfUpgrade(disk, r.proofs)
  const reserve = r.plan?.policy.diskReserve ?? 0
  if (lacking(disk, need, reserve) === 0) return undefined
  return {
    code: 'DISK_WOULD_FILL',
    what: `${node} has ${bytes(disk.free)} free; by what the rehearsal measured its upgrade takes ${bytes(need)}, and ${bytes(reserve * disk.total)} stay in reserve`,
    because: `on the copy the new version wrote ${Math.round(shareRewritten(r.proofs) * 100)} % of the data anew, beside the rollback point and the copy that proves it`,
    next: `make room on ${node}, then release again; \`disk-reserve\` sets the reserve`,
    where: node,
  }
}
