import type { HookPoint } from './hook-points.ts'
import type { NodeDisk } from './disk.ts'
import type { WatchPolicy } from './measurement.ts'
import type { Millis, NodeId } from './node.ts'
import type { Release } from './release.ts'

/** Why a stop of this node loses nothing. `accepted-loss` only by `accept-write-loss: true`. */
export type SafeStop = 'drain' | 'intake-wal' | 'drain+intake-wal' | 'accepted-loss'

/** One node's part of the plan: decisions (hashed) only. */
export type PlannedNode = {
  node: NodeId
  from: Release
  to: Release
  /** sha256 of the configuration file now and for `to`. */
  config: { now: string; next: string }
  safeStop: SafeStop
  /** How immutable files get into a checkpoint on this node. */
  checkpoint: 'reflink' | 'link' | 'copy'
}

export type Asset = { name: string; sha256: string; os: string; arch: string }

export type Policy = {
  watch: WatchPolicy
  /** The watch of every later wave, and of a canary that is watched again after an approval. */
  rewatch: Millis
  waveWatch: Millis
  rehearse: 'canary' | 'every-node'
  requireReversible: boolean
  rollbackData: 'auto' | 'keep' | 'restore'
  maxParallel: number
  approveWithin: Millis
  startLimit: Millis
  stopLimit: Millis
  diskReserve: number
  drain: 'none' | 'commands' | 'haproxy'
  /** Points at which somebody is asked or told; absent in plans of versions that knew none. */
  hooks?: HookPoint[]
}

/** Facts printed with the plan, never hashed. */
export type PlanNotes = {
  /** Where the expected digests come from, strongest first. */
  digestSource: string
  /** Of every node that moves, as found at planning time. */
  disk: Record<NodeId, NodeDisk>
  /** Counts per node at planning time, e.g. `{ 'db-1': { messages: 48211 } }`. */
  counts: Record<NodeId, Record<string, number>>
  /** Breaking-change lines of the release notes, already printable. */
  breaking: string[]
  /** Defaults taken, as `name value` lines. */
  defaults: string[]
  warnings: string[]
  /** What the units of systemd say of restarts and times: set aside while a server is changed. */
  units?: string[]
  /** What a node that was changed does by itself when nobody speaks for the rollout any more. */
  switch?: string
  /** Nodes that are on the target already and left alone. */
  leftAlone: NodeId[]
  /** Mode rollback with restore: per node, age of the checkpoint and the writes it would set aside. */
  restores: Record<NodeId, { name: string; age: Millis; writes: number | 'unknown' }>
}

/** What a person approves. `text` in `planText` is its canonical form; its sha256 is the plan hash. */
export type Plan = {
  mode: 'release' | 'rollback'
  tag: string
  version: string
  assets: Asset[]
  nodes: PlannedNode[]
  /** In order; the first is the canary. Mode rollback has one wave per node. */
  waves: NodeId[][]
  /** The order in which leases are taken: by machine id and data path, so that two rollouts never wait for each other. */
  leaseOrder: NodeId[]
  /** Mode rollback with `rollback-data: restore`: which checkpoint comes back on which node. */
  restore: Record<NodeId, string>
  policy: Policy
  notes: PlanNotes
}
