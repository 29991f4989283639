import { unreachable } from '../errors.ts'
import { duration, list, share } from '../log.ts'
import type { Proof } from '../node.ts'
import type { Inlines } from './inline.ts'
import type { Rehearsed } from './input.ts'

type Versions = { from: string; to: string }

/** Counts of every run that came up, compared by name; `unknown` with fewer than two runs that counted. */
export const countsHeld = (proof: Proof): boolean | 'unknown' => {
  const counted = proof.runs.map(run => run.counts).filter(counts => Object.keys(counts).length > 0)
  const first = counted[0]
  if (first === undefined || counted.length < 2) return 'unknown'
  return counted.every(counts => Object.keys(first).every(name => counts[name] === first[name]))
}

const startupOf = (proof: Proof, version: string): number | undefined =>
  proof.runs.find(run => run.release.version === version && run.outcome === 'ok')?.startup

const growth = (proof: Proof): string => {
  const { bytesBefore, bytesAfter, bytesWritten } = proof
  if (bytesBefore <= 0) return 'disk did not grow'
  const anew = `${share(bytesWritten / bytesBefore)} of it written anew`
  return bytesAfter <= bytesBefore
    ? `disk did not grow, ${anew}`
    : `disk grew ${share(bytesAfter / bytesBefore - 1)}, ${anew}`
}

const counts = (proof: Proof): string => {
  const held = countsHeld(proof)
  if (held === 'unknown') return 'counts not compared'
  return held ? 'counts equal' : 'counts differ'
}

/** What the class means for whoever may have to go back. A class taken from some nodes' copies is said so. */
export const classPhrase = (rehearsed: Rehearsed, { from, to }: Versions): string => {
  const on = `on a copy of ${list(Object.keys(rehearsed.proofs))}`
  switch (rehearsed.class) {
    case 'keeps-data':
      return `${from} opened what ${to} wrote (${on}): a rollback keeps data`
    case 'restores-snapshot':
      return `${from} cannot read what ${to} writes (${on}): a rollback brings the snapshot back and sets later writes aside`
    case 'unknown':
      return `whether ${from} can read what ${to} writes is unknown`
    default:
      return unreachable(rehearsed.class)
  }
}

/** The class alone: what a finished rollout still says of its rehearsal. */
export const rehearsalPhrase = (rehearsed: Rehearsed, versions: Versions): Inlines => [
  classPhrase(rehearsed, versions),
]

/** The rehearsal in figures, for the plan that is to be approved. */
export const rehearsalFigures = (rehearsed: Rehearsed, versions: Versions): Inlines => {
  const each = Object.entries(rehearsed.proofs).map(([node, proof]) => {
    const startup = startupOf(proof, versions.to)
    const took =
      startup === undefined
        ? `${versions.to} did not come up`
        : `${versions.to} ready in ${duration(startup)}`
    return `on ${node}'s copy: ${took}, ${counts(proof)}, ${growth(proof)}`
  })
  return [`rehearsed ${each.slice(0, 4).join('; ')}; ${classPhrase(rehearsed, versions)}.`]
}
