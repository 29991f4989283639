import type { Clock } from './domain/clock.ts'
import type { Block, MetricRule, NodeBlock, Reading } from './domain/measurement.ts'
import type { Millis, NodeId } from './domain/node.ts'
import type { MetricSource } from './metrics/source.ts'
import type { Probe } from './probe/probe.ts'

/** What the node itself says: free share (0..1) of the data's file system, and its server process ('' when not known). */
export type Machine = { diskFree: Reading<number>; process: string }

/** `machine` must not throw; `url` is a node's address. */
export type ObservePorts = {
  probe: Pick<Probe, 'block'>
  metrics: Pick<MetricSource, 'read'>
  machine: (node: NodeId, stop: AbortSignal) => Promise<Machine>
  url: (node: NodeId) => string
  clock: Clock
}

/** One block of a watch: both arms, at the same time. `rate` is probe requests a second on each node. */
export type BlockPlan = {
  canary: NodeId[]
  baseline: NodeId[]
  from: Millis
  to: Millis
  rate: number
  metrics: MetricRule[]
}

export type Observe = (plan: BlockPlan, stop: AbortSignal) => Promise<Block>

type Role = 'canary' | 'baseline'
/** The process last seen on a node, by role: an upgrade changes both, a crash only one of them. */
type Seen = Map<NodeId, { role: Role; process: string }>

/**
 * Measures one block at a time, and remembers each node's process from block to block. Ends at `to`, or when the last
 * request of the block is answered; when stopped, at once and with what there is, which the caller throws away.
 */
export const createObserver = (ports: ObservePorts): Observe => {
  const seen: Seen = new Map()
  return async (plan, stop) => {
    const arm = (role: Role): Promise<NodeBlock[]> =>
      Promise.all(plan[role].map(node => measureNode(ports, { plan, node, role, seen }, stop)))
    const [canary, baseline] = await Promise.all([arm('canary'), arm('baseline')])
    return { from: plan.from, to: plan.to, canary, baseline }
  }
}

type One = { plan: BlockPlan; node: NodeId; role: Role; seen: Seen }

const measureNode = async (ports: ObservePorts, one: One, stop: AbortSignal): Promise<NodeBlock> => {
  const { plan, node, role, seen } = one
  const target = { id: node, url: ports.url(node) }
  await remember(ports, one, stop)
  const span = { from: plan.from, to: plan.to, rate: plan.rate, stop }
  const [measured, { series, machine }] = await Promise.all([
    ports.probe.block(target, span),
    readLate(ports, one, stop),
  ])
  const before = seen.get(node)?.process ?? ''
  const restarted = before !== '' && machine.process !== '' && machine.process !== before
  if (machine.process !== '') seen.set(node, { role, process: machine.process })
  return { node, ...measured, series, diskFree: machine.diskFree, restarted }
}

/** The first block of a node in its role has nothing to compare with, so the process is read before it begins. */
const remember = async (ports: ObservePorts, { node, role, seen }: One, stop: AbortSignal): Promise<void> => {
  if (seen.get(node)?.role === role) return
  const { process } = await ports.machine(node, stop)
  seen.set(node, { role, process })
}

/** Reads series and disk near the end of the block, so that they are its last readings without making it longer. */
const readLate = async (ports: ObservePorts, { plan, node }: One, stop: AbortSignal) => {
  const at = plan.to - Math.min(1_000, (plan.to - plan.from) / 4)
  await ports.clock.sleep(at - ports.clock.now(), stop)
  const target = { id: node, url: ports.url(node) }
  const [series, machine] = await Promise.all([
    stop.aborted ? {} : ports.metrics.read(target, plan.metrics, stop),
    stop.aborted ? STOPPED : ports.machine(node, stop),
  ])
  return { series, machine }
}

const STOPPED: Machine = { diskFree: { is: 'noData', why: 'stopped' }, process: '' }
