import type { Config, NodeConfig } from './config/config.ts'
import type { Clock } from './domain/clock.ts'
import type { Fact, Hooked } from './domain/event.ts'
import type { HookTask } from './domain/hook-points.ts'
import type { NodeId, Observed, Witness } from './domain/node.ts'
import type { Release } from './domain/release.ts'
import { type Rollout, node as stateOf } from './domain/rollout.ts'
import type { Action, Inspection, NodePort, Progress } from './node/port.ts'
import type { Observe } from './observe.ts'
import type { Probe } from './probe/probe.ts'

/** Everything a command may need. One per process. */
export type Effects = {
  config: Config
  clock: Clock
  nodes: ReadonlyMap<NodeId, NodePort>
  probe: Probe
  observe: Observe
  /** Reads everything and makes the plan; never changes a node. */
  plan(r: Rollout, stop: AbortSignal): Promise<Fact>
  /** The file on this machine that is the release's program. Throws `UserError`. */
  binary(release: Release): Promise<string>
  /** Runs the user's own tests against a staging address; answers why they failed, '' when they passed or there are none. */
  tests(url: string, release: Release, stop: AbortSignal): Promise<string>
  /** Asks or tells others at a point of the way. Throws `StepFailed` where somebody who may stop it does not say yes. */
  hook(task: HookTask, r: Rollout): Promise<Hooked[]>
  progress(node: NodeId, p: Progress): void
  /** What this process is doing, for whoever finds a lease held. */
  doing(r: Rollout): string
}

/** A command in its surroundings. */
export type Doing = { r: Rollout; stop: AbortSignal; node: NodePort; config: NodeConfig; effects: Effects }

export const target = (d: Doing): { id: string; url: string } => ({ id: d.node.id, url: d.config.url })

/** Runs one program under the token that this process holds. */
export async function act(
  d: Doing,
  action: Action,
): Promise<Inspection & { answer: Record<string, string[]> }> {
  const seen = stateOf(d.r, d.node.id).seen
  const token = seen === 'unknown' || seen.lease === 'free' ? 0 : seen.lease.token
  return d.node.act(action, { token, stop: d.stop, progress: p => d.effects.progress(d.node.id, p) })
}

/**
 * What was known of the data when it had been opened `opens` times. On a machine that did not see it, what the plan counted is the
 * least that must be there; unless the plan brings older data back, of which it counted nothing.
 */
export const witnessAt = (d: Doing, opens: number): Witness => {
  const { plan } = d.r
  const counted = plan?.restore[d.node.id] === undefined ? plan?.notes.counts[d.node.id] : undefined
  return stateOf(d.r, d.node.id).witnesses[opens] ?? { counts: counted ?? {}, quiet: false }
}

/** How often the data that runs now had been opened before this start: by its checkpoint, where this rollout put one back. */
export const opensBefore = (d: Doing, { data, snapshots }: Observed): number => {
  const ours = data.from?.startsWith(`${d.r.id}.`) || data.from === d.r.plan?.restore[d.node.id]
  const point = ours ? snapshots.find(({ name }) => name === data.from) : undefined
  return point?.opens ?? data.opens - 1
}
