import type { Goal, NodeStep, Observed, Snapshot } from './node.ts'
import { type Release, releaseId, sameRelease } from './release.ts'
import { inTraffic } from './traffic.ts'

/**
 * What remains to be done on one node, in order; [] when it is what it should be.
 *
 * Upgrade, way back, resume after a crash and recovery on another machine are this one function with another goal.
 * Only the first step is ever carried out: its answer is observed, and the function is asked again.
 */
export const steps = (o: Observed, g: Goal): NodeStep[] => [
  ...tidy(o, g),
  ...rehearse(o, g),
  ...reach(o, g),
  ...letGo(o, g),
]

/** Ours first, then whatever a dead process left in the middle. */
function tidy(o: Observed, g: Goal): NodeStep[] {
  const out: NodeStep[] = []
  const lent = o.lease === 'free' || o.lease.rollout !== g.lease.rollout
  const rest =
    serves(o, g) &&
    !o.held &&
    !o.armed &&
    o.data.swap === 'none' &&
    !o.staging &&
    g.lease.state === 'free' &&
    lent
  if (!rest && !held(o, g)) out.push({ do: 'lease', lines: [] })
  // one of another rollout would not know what this one does
  if (o.armed && o.armed.rollout !== g.lease.rollout) out.push({ do: 'disarm' })
  if (o.data.swap === 'unfinished') out.push({ do: 'finish-swap' })
  if (o.staging) out.push({ do: 'clean-staging' })
  return out
}

/** Prove on a copy, taken while the server is paused, that the releases of the goal open the data one after the other. */
function rehearse(o: Observed, g: Goal): NodeStep[] {
  if (g.proof.length === 0) return []
  const name = g.proofOf ?? checkpointName(g.lease.rollout, 'rehearsal', o.data.opens)
  const taken = g.proofOf !== undefined || o.snapshots.some(s => s.name === name && s.sealed)
  const prove: NodeStep = { do: 'prove', name, with: g.proof }
  const install = g.proof
    .filter(release => !has(o, release))
    .map((release): NodeStep => ({ do: 'install', release }))
  return taken
    ? [...install, prove]
    : [...install, ...arm(o, g), { do: 'snapshot', kind: 'rehearsal', name }, prove]
}

/** The way to the release and the data of the goal, in service. */
function reach(o: Observed, g: Goal): NodeStep[] {
  if (!atGoal(o, g)) return [...install(o, g), ...proveBeforeRestore(o, g), ...change(o, g), ...serve(o, g)]
  const out: NodeStep[] = g.proof.length > 0 ? [] : arm(o, g)
  if (!o.ready) out.push({ do: 'wait-ready', release: g.release })
  if (!o.checked) out.push({ do: 'check', release: g.release })
  if (o.held) out.push({ do: 'let-go' })
  out.push(...proveTaken(o, g))
  if (!inTraffic(o)) out.push({ do: 'undrain' })
  out.push(...disarm(o, g))
  return out
}

/** Before it is drained, paused or stopped on the way forward, and anew where the program that would look has gone. */
function arm(o: Observed, g: Goal): NodeStep[] {
  if (g.switch === 'off' || g.switch === 'as-it-is') return []
  const { armed } = o
  const stands =
    armed?.rollout === g.lease.rollout &&
    armed.phase === 'armed' &&
    armed.watched &&
    armed.keeps === g.switch.keeps
  return stands ? [] : [{ do: 'arm', ...g.switch }]
}

/** Only on a node that is where it should be, and serves. */
const disarm = (o: Observed, g: Goal): NodeStep[] =>
  g.switch === 'off' && o.armed?.rollout === g.lease.rollout ? [{ do: 'disarm' }] : []

function change(o: Observed, g: Goal): NodeStep[] {
  const out: NodeStep[] = arm(o, g)
  const swaps = g.data !== 'in-place' && o.data.from !== g.data.restore
  const foreign = o.data.openedBy !== undefined && !sameRelease(o.data.openedBy, g.release)
  if (o.held === false) out.push({ do: 'hold' })
  const reached = o.traffic === 'in' || o.traffic === 'leaving'
  if (o.running !== 'stopped' && reached && g.drain === 'first') out.push({ do: 'drain' })
  if (!swaps && foreign && g.point === 'return-point') {
    return [
      ...out,
      { do: 'back', release: g.release, name: checkpointName(g.lease.rollout, 'return-point', o.data.opens) },
    ]
  }
  if (o.running !== 'stopped') out.push({ do: 'stop' })
  if (g.data !== 'in-place' && swaps) out.push({ do: 'restore', name: g.data.restore })
  else if (foreign && !stopCheckpoint(o, g.lease.rollout)) {
    out.push({ do: 'snapshot', kind: g.point, name: checkpointName(g.lease.rollout, g.point, o.data.opens) })
  }
  if (o.active === 'none' || !sameRelease(o.active, g.release))
    out.push({ do: 'activate', release: g.release })
  out.push({ do: 'start', release: g.release })
  return out
}

const serve = (o: Observed, g: Goal): NodeStep[] => [
  { do: 'wait-ready', release: g.release },
  { do: 'check', release: g.release },
  ...(o.held === undefined ? [] : [{ do: 'let-go' } as const]),
  ...(o.traffic === 'no-drain' ? [] : [{ do: 'undrain' } as const]),
  ...disarm(o, g),
]

function letGo(o: Observed, g: Goal): NodeStep[] {
  if (g.lease.state === 'free')
    return o.lease !== 'free' && o.lease.rollout === g.lease.rollout ? [{ do: 'release' }] : []
  if (g.lease.state === 'parked')
    return o.lease !== 'free' && o.lease.parked ? [] : [{ do: 'park', within: g.lease.within }]
  return []
}

const install = (o: Observed, g: Goal): NodeStep[] =>
  has(o, g.release) ? [] : [{ do: 'install', release: g.release }]

/** A checkpoint is proven before it is put back, unless the goal says that its seal suffices. */
function proveBeforeRestore(o: Observed, g: Goal): NodeStep[] {
  if (g.data === 'in-place' || g.prove === 'none' || o.data.from === g.data.restore) return []
  const name = g.data.restore
  const point = o.snapshots.find(s => s.name === name)
  return point && !provenBy(point, g.prove) ? [{ do: 'prove', name, with: [g.prove] }] : []
}

/** The rollback point taken at the stop before this release was started: proven before users come back. */
function proveTaken(o: Observed, g: Goal): NodeStep[] {
  if (g.prove === 'none' || g.data !== 'in-place') return []
  const point = rollbackPoint(o, g.lease.rollout)
  return point && !provenBy(point, g.prove) ? [{ do: 'prove', name: point.name, with: [g.prove] }] : []
}

/** Held by this very process; a parked lease of ours counts only where the goal is to park. */
const held = (o: Observed, g: Goal): boolean =>
  o.lease !== 'free' &&
  o.lease.rollout === g.lease.rollout &&
  o.lease.process === g.lease.process &&
  (g.lease.state === 'parked' || !o.lease.parked)

const has = (o: Observed, release: Release): boolean => o.installed.some(r => sameRelease(r, release))

/** The release and the data of the goal are in place and it runs. */
const atGoal = (o: Observed, g: Goal): boolean =>
  typeof o.running === 'object' &&
  sameRelease(o.running, g.release) &&
  o.active !== 'none' &&
  sameRelease(o.active, g.release) &&
  (g.data === 'in-place' || o.data.from === g.data.restore)

/** At the goal, ready, checked and in traffic: what a user notices. */
export const serves = (o: Observed, g: Goal): boolean =>
  atGoal(o, g) && o.ready && o.checked && inTraffic(o) && proveTaken(o, g).length === 0

/** The sealed checkpoint that this rollout took at the present stop, if there is one. */
export const stopCheckpoint = (o: Observed, rollout: string): Snapshot | undefined =>
  o.snapshots.find(
    s => s.sealed && s.kind !== 'rehearsal' && s.opens === o.data.opens && s.name.startsWith(`${rollout}.`),
  )

/** The checkpoint of the node's last stop before this rollout started a new version on it. */
export const rollbackPoint = (o: Observed, rollout: string): Snapshot | undefined =>
  o.snapshots.findLast(s => s.kind === 'rollback-point' && s.sealed && s.name.startsWith(`${rollout}.`))

const provenBy = (point: Snapshot, release: Release): boolean => point.proven.includes(releaseId(release))

/** `r-7f3a.rollback-point.12`: the rollout, the kind, and how often the data had been opened. */
export const checkpointName = (rollout: string, kind: Snapshot['kind'], opens: number): string =>
  `${rollout}.${kind}.${opens}`
