import { clock, count, duration, list, several } from '../log.ts'
import type { NodeId, Proof } from '../node.ts'
import type { Checklist, NodeReport, WatchReport } from '../report/input.ts'
import type { Rollout } from '../rollout.ts'

type Found = { r: Rollout; nodes: readonly NodeReport[]; watches: readonly WatchReport[] }

/** The release checklist, by what was measured; a box that was not reached is left out. A rollback has none. */
export function checklistOf(found: Found): Checklist {
  const { plan } = found.r
  if (!plan || plan.mode === 'rollback') return {}
  return {
    ...artifacts(found.r),
    ...backup(found.nodes),
    ...staging(found.r),
    ...canary(found.watches),
    ...remainder(found),
  }
}

function artifacts({ plan }: Rollout): Checklist {
  if (!plan || plan.assets.length === 0) return {}
  const names = plan.assets.slice(0, 3).map(asset => `${asset.name} (sha256 ${asset.sha256.slice(0, 12)})`)
  const more = plan.assets.length > 3 ? ` and ${plan.assets.length - 3} more` : ''
  return {
    artifacts: { done: true, evidence: `${list(names)}${more}, digests from ${plan.notes.digestSource}` },
  }
}

function backup(nodes: readonly NodeReport[]): Checklist {
  const points = nodes.flatMap(n => (n.point?.kind === 'rollback-point' ? [n.point] : []))
  if (points.length === 0) return {}
  const proven = points.filter(p => p.proven).length
  const evidence = `${several(points.length, 'rollback point')}, ${count(proven)} of ${count(points.length)} proven by restoring; no copy off the node`
  return { backup: { done: proven === points.length, evidence } }
}

function staging({ proofs }: Rollout): Checklist {
  const all = Object.entries(proofs)
  if (all.length === 0) return {}
  const done = all.every(
    ([, proof]) => proof.runs.length > 1 && proof.runs.slice(0, 2).every(run => run.outcome === 'ok'),
  )
  return { staging: { done, evidence: all.slice(0, 4).map(rehearsed).join('; ') } }
}

const rehearsed = ([id, proof]: [NodeId, Proof]): string => {
  const runs = proof.runs.map(
    run =>
      `${run.release.version} ${run.outcome === 'ok' ? `ready in ${duration(run.startup)}` : `${run.outcome}: ${run.why}`}`,
  )
  return `on a copy of ${id}: ${runs.join(', then ')}`
}

function canary([first]: readonly WatchReport[]): Checklist {
  if (!first) return {}
  const { nodes, watched, of, verdict } = first
  return {
    canary: {
      done: verdict.is === 'pass',
      evidence: `${list(nodes)}, watched ${clock(watched)} of ${clock(of)}: ${verdict.is}`,
    },
  }
}

function remainder({ r, nodes }: Found): Checklist {
  const version = r.plan?.version ?? ''
  const rest = nodes.filter(n => typeof n.role === 'object')
  const there = rest.filter(n => n.state === 'serving' && n.now === version).length
  if (rest.length === 0)
    return r.concluded?.outcome === 'promoted'
      ? { remainder: { done: true, evidence: 'there is no other node' } }
      : {}
  if (there === 0) return {}
  const done = r.concluded?.outcome === 'promoted' && there === rest.length
  return {
    remainder: { done, evidence: `${count(there)} of ${several(rest.length, 'further node')} on ${version}` },
  }
}
