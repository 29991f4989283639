import type { Conclusion, Event, Request } from '../../../src/domain/event.ts'
import { sameRelease } from '../../../src/domain/release.ts'
import { leftovers, type SimNode } from './node.ts'
import { type World, fresh, old } from './world.ts'

/** What was said must be what the nodes show. Throws with what is wrong. */
export function truthful(world: World, said: Conclusion | undefined): void {
  nothingLost(world)
  if (!said) return
  const runs = world.nodes.map(n => (n.running === 'stopped' ? 'stopped' : n.running.version))
  const dirty = world.nodes.flatMap(n => leftovers(n).map(what => `${n.id}: ${what}`))
  switch (said.outcome) {
    case 'promoted':
      expectAll(world, fresh.version, said)
      for (const n of world.nodes) neverFired(n)
      if (dirty.length > 0) throw new Error(`promoted, but ${dirty.join(', ')}`)
      return
    case 'rolled-back':
      expectAll(world, old.version, said)
      if (dirty.length > 0) throw new Error(`rolled-back, but ${dirty.join(', ')}`)
      return
    case 'unchanged':
      if (said.version !== '') expectAll(world, said.version, said)
      return
    case 'stopped':
      if (world.nodes.some(n => !n.inTraffic || n.leaving)) throw new Error(`stopped, but ${runs.join(' ')}`)
      return
    case 'needs-operator':
      if (said.why === '' || said.owed.length === 0) throw new Error('needs-operator that names nothing')
      return
  }
}

/** A rollout during which a node went back by itself is never green. */
function neverFired(n: SimNode): void {
  const last = n.record.findLast(e => e.type === 'opened')
  if (last?.type === 'opened' && n.record.some(e => e.type === 'fired' && e.rollout === last.rollout))
    throw new Error(`promoted, but the switch of ${n.id} had fired`)
}

function expectAll(world: World, version: string, said: Conclusion): void {
  for (const n of world.nodes) {
    if (n.running === 'stopped' || n.running.version !== version || !n.ready) {
      throw new Error(
        `${said.outcome} ${version}, but ${n.id} shows ${n.running === 'stopped' ? 'stopped' : n.running.version}`,
      )
    }
  }
}

/** Every acknowledged write is in the live data or in a folder that was set aside. */
export function nothingLost(world: World): void {
  for (const n of world.nodes) {
    const kept = new Set([...n.data.writes, ...n.setAside.flatMap(d => [...d.writes])])
    const missing = [...(world.acked.get(n.id) ?? [])].filter(w => !kept.has(w))
    if (missing.length > 0) throw new Error(`${n.id}: ${missing.length} acknowledged writes are gone`)
  }
}

/**
 * One whole life: the jobs of a story with faults, then `recover` on fresh machines, the last of them without faults. What is
 * said after each must be true, and in the end nothing may be left that nobody was told of.
 */
export function live(world: World, story: Partial<Request>[] = [{}]): void {
  try {
    for (const request of story) truthful(world, world.job(request))
    for (let again = 0; again < 3; again++) {
      if (rested(world)) break
      world.faults = again === 0 && world.faults
      if (!world.faults) for (const n of world.nodes) n.balancerAway = false
      truthful(world, world.job({ ...story.at(-1), stopAfter: 'none', mode: 'recover' }))
    }
    if (!rested(world) && world.conclusions.at(-1)?.outcome !== 'needs-operator') {
      throw new Error(`left ${world.nodes.flatMap(n => leftovers(n).map(l => `${n.id} ${l}`)).join(', ')}`)
    }
    if (world.conclusions.filter(c => c.outcome === 'promoted').length > 1) throw new Error('promoted twice')
    for (const journal of world.journals) {
      freshPass(journal)
      saysWhy(journal)
    }
    foreseen(world)
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem)
    throw new Error(
      `${why}\n${JSON.stringify([world.scenario, story])}\n${world.trace.map(line => line()).join('\n')}`,
      { cause: problem },
    )
  }
}

/** A verdict that failed is the reason that is given, whatever happened after it. */
function saysWhy(journal: Event[]): void {
  const said = journal.findLast(e => e.type === 'concluded')
  const failed = journal.find(e => e.type === 'decided' && e.what === 'verdict' && e.verdict.is === 'fail')
  if (
    said?.type !== 'concluded' ||
    said.outcome !== 'rolled-back' ||
    failed?.type !== 'decided' ||
    failed.what !== 'verdict'
  )
    return
  if (said.code !== failed.verdict.code)
    throw new Error(`rolled back for ${said.code}, but the watch failed with ${failed.verdict.code}`)
}

/** What the rehearsal ruled out is never tried on the live data. */
function foreseen(world: World): void {
  const { migrates, surprise } = world.scenario.nature
  const tried = world.conclusions.some(c => c.code === 'old-version-refuses-data')
  if (migrates && !surprise && tried)
    throw new Error('the old version was started on data that it was known not to read')
}

/** Promoted only on a pass of the last wave, and one that was watched again by the job that promotes. */
function freshPass(journal: Event[]): void {
  const decided = journal.filter(e => e.type === 'decided')
  const says = decided.findLast(e => e.what === 'outcome')
  if (says?.what !== 'outcome' || says.outcome !== 'promoted') return
  const resumed = journal.some(e => e.type === 'done' && e.fact.is === 'resumes')
  const closed = journal.some(
    e =>
      e.type === 'done' &&
      e.fact.is === 'resumes' &&
      e.fact.lines.some(l => l.type === 'decided' && l.what === 'outcome'),
  )
  if (closed) return
  const verdicts = decided.filter(e => e.what === 'verdict')
  if (verdicts.length === 0 || verdicts.some(v => v.verdict.is !== 'pass'))
    throw new Error('promoted without a pass')
  if (resumed && verdicts[0]?.wave !== 0) throw new Error('promoted on an old pass')
}

/** Nothing left over, and one release everywhere unless a person chose to stay on two. */
const rested = (world: World): boolean => {
  const one = world.nodes[0]?.running
  const chosen = world.nodes.some(n =>
    n.record.some(e => e.type === 'decided' && e.what === 'outcome' && e.code === 'held-by-choice'),
  )
  return world.nodes.every(
    n =>
      leftovers(n).length === 0 &&
      n.running !== 'stopped' &&
      one !== undefined &&
      one !== 'stopped' &&
      (chosen || sameRelease(n.running, one)),
  )
}
