import { about } from './errors.ts'
import type { Body, Decision, Failure } from './event.ts'
import type { NodeId } from './node.ts'
import { firedOn, type Rollout, node } from './rollout.ts'
import { firedText } from './switch.ts'

/** A decision as a line of the journal. */
export const decided = (d: Decision): Body => ({ type: 'decided', ...d })

/** The decision to go back; `fault` where something was measured and bad, `interrupted` where the run only ended. */
export const goingBack = (code: string, why: string, cause: 'fault' | 'interrupted' = 'fault'): Body =>
  decided({ what: 'going-back', code, why, cause })

/** A step that failed on the way forward ends that way. In mode rollback a node's own refusal is dealt with on the node. */
export function fault(r: Rollout): Body | undefined {
  const found = r.plan?.mode === 'rollback' && r.rehearsed ? undefined : faultReason(r)
  return found && goingBack(...found)
}

/** The step that failed on some node, as a reason. */
export function faultReason(r: Rollout): [code: string, why: string] | undefined {
  const id = r.plan?.nodes.map(n => n.node).find(n => node(r, n).fault)
  const failure = id && node(r, id).fault
  if (id === undefined && r.hookFault) return ['hook-failed', r.hookFault.what]
  return id !== undefined && failure ? [reasonOf(r, id, failure), about(id, failure.what)] : undefined
}

/** A node went back by itself, as nobody spoke for this rollout in time: it is never upgraded anew. */
export function unconfirmed(r: Rollout): Body | undefined {
  const id = r.plan?.nodes.map(n => n.node).find(n => firedOn(r, n).length > 0)
  const why = id === undefined ? r.fired : `${id}: ${firedText(firedOn(r, id))}`
  return why === undefined ? undefined : goingBack('confirmation-lost', why, 'interrupted')
}

/** What ends the way forward whatever else is seen: a watch that failed is the reason, whatever happened after it. */
export const cutShort = (r: Rollout): Body | undefined =>
  (r.verdicts.at(-1)?.is === 'fail' ? verdictDue(r) : undefined) ?? unconfirmed(r)

/** What follows from the last verdict; nothing from one that another job reached. */
export function verdictDue(r: Rollout): Body | undefined {
  const last = r.verdicts.at(-1)
  if (!last || last.is === 'pass' || r.stale) return undefined
  if (last.is === 'fail' || r.plan?.policy.watch.onInconclusive === 'rollback')
    return goingBack(last.code, last.text)
  return decided({
    what: 'parked',
    why: 'hold',
    after: r.step,
    until: r.now + (r.plan?.policy.approveWithin ?? 0),
  })
}

/** What the new version shows only once it runs on the live data. */
const SHOWN: Failure['kind'][] = ['check', 'ready', 'ended']

/** The reason code that a failed step of a node amounts to. A copy of another node's data held what this node's own did not. */
function reasonOf(r: Rollout, id: NodeId, failure: Failure): string {
  if (SHOWN.includes(failure.kind) && r.rehearsed && !r.proofs[id]) return 'rehearsal-surprise'
  const codes: Record<Failure['kind'], string> = {
    check: 'invariants-failed',
    ready: 'not-ready',
    ended: 'start-failed',
    disk: 'disk-reserve',
    proof: 'point-not-proven',
    unreachable: 'node-unreachable',
    lease: 'lease-held',
    fired: 'confirmation-lost',
    busy: 'lease-held',
    stop: 'unclean-stop',
    drain: 'drain-failed',
    hook: 'hook-failed',
    other: 'step-failed',
  }
  return codes[failure.kind]
}
