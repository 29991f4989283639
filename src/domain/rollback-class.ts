import type { RollbackClass } from './event.ts'
import type { NodeId, Proof } from './node.ts'
import type { Plan } from './plan.ts'

export type Rehearsal = { class: RollbackClass; failure?: { code: string; why: string } }

/**
 * What the rehearsal showed: can the old version read what the new one writes? The fleet's class is that of its worst node.
 * A failure means that nothing may be upgraded: the snapshot does not open, or the new version does not hold on the copy.
 * In mode `rollback` one run counts: does the target open the data as it is now?
 */
export function rollbackClass(plan: Plan, proofs: Readonly<Record<NodeId, Proof>>): Rehearsal {
  const all = Object.entries(proofs)
  for (const [id, proof] of all) {
    const failure = plan.mode === 'rollback' ? targetFailure(id, proof) : rehearsalFailure(id, proof)
    if (failure) return { class: 'unknown', failure }
  }
  if (plan.mode === 'rollback') return { class: all.length > 0 ? 'keeps-data' : 'restores-snapshot' }
  if (all.length === 0) return { class: 'unknown' }
  const again = all.map(([, proof]) => proof.runs[2])
  if (again.some(run => run !== undefined && run.outcome !== 'ok')) return { class: 'restores-snapshot' }
  return { class: again.every(run => run?.outcome === 'ok') ? 'keeps-data' : 'unknown' }
}

function rehearsalFailure(id: NodeId, proof: Proof): Rehearsal['failure'] {
  const [old, fresh] = proof.runs
  if (old?.outcome !== 'ok') {
    return {
      code: 'point-not-proven',
      why: `${id}: ${old?.release.version ?? 'the old version'} does not hold on its own restored snapshot: ${old?.why ?? 'it never ran'}`,
    }
  }
  if (fresh?.outcome === 'ok') return undefined
  return {
    code: 'rehearsal-failed',
    why: `${id}: ${fresh?.release.version ?? 'the new version'} failed on a copy of its data: ${fresh?.why ?? 'it never ran'}`,
  }
}

function targetFailure(id: NodeId, proof: Proof): Rehearsal['failure'] {
  const run = proof.runs[0]
  if (run?.outcome === 'ok') return undefined
  return {
    code: 'would-lose-writes',
    why: `${id}: ${run?.release.version ?? 'the target'} does not open a copy of the present data: ${run?.why ?? 'it never ran'}`,
  }
}
