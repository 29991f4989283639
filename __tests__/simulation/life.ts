import type { Millis } from '../../src/domain/node.ts'
import { sameRelease } from '../../src/domain/release.ts'
import { unfinished } from '../../src/domain/unfinished.ts'
import { leftovers } from '../domain/model/node.ts'
import { type Ended, fresh, old, type Setting, TTL, Universe, type Wall } from './universe.ts'
import { VirtualTime } from './virtual-time.ts'

/** Something that happens to a machine. Times and lengths ms. */
export type Mishap = {
  at: Millis
  node: number
  what: 'cut' | 'reboot' | 'crash' | 'full' | 'slow' | 'clock' | 'balancer'
  for: Millis
  /** Of 'clock': what the wall clock is set forward by. */
  by?: Millis
}
/** A runner that comes along, and perhaps dies. */
export type Runner = {
  at: Millis
  mode: 'release' | 'recover'
  stopAfter: 'none' | 'canary' | 'rehearse'
  kill?: Millis
  wall?: Wall
}
/** One whole history, as data: what a seed stands for, and what is made smaller where it fails. */
export type History = { setting: Setting; runners: Runner[]; mishaps: Mishap[]; quiet: Millis }

const START: Millis = 1_000_000
const WINDOW: Millis = 600_000
const SETTLED: Millis = WINDOW + 120_000

/** Lives it, and answers what was wrong; '' where everything held. */
export async function live(history: History): Promise<{ wrong: string; trace: string[] }> {
  const time = new VirtualTime(START)
  const universe = new Universe(time, history.setting)
  try {
    await time.until(lived(universe, history))
    return { wrong: '', trace: universe.trace }
  } catch (problem) {
    return { wrong: problem instanceof Error ? problem.message : String(problem), trace: universe.trace }
  }
}

async function lived(universe: Universe, history: History): Promise<void> {
  const { time } = universe
  const sites = [...universe.sites.values()]
  for (const { site } of sites) {
    site.rehearsed = rollout =>
      sites.some(({ site: { node } }) =>
        node.snapshots.some(s => s.name.startsWith(`${rollout}.rehearsal`) && s.proven.length > 1),
      )
    site.fired = () => universe.note(`${site.node.id} goes back by itself`)
  }
  for (const mishap of history.mishaps) befall(universe, mishap)
  const jobs = history.runners.map(async r => {
    await time.sleep(r.at)
    truthful(universe, await universe.job({ mode: r.mode, stopAfter: r.stopAfter }, r))
  })
  await Promise.all(jobs)
  undisturbed(universe, history)
  await time.sleep(history.quiet)
  const last = Math.max(0, ...history.mishaps.map(m => START + m.at + m.for))
  await time.sleep(last - time.now())
  if (history.quiet > SETTLED && history.mishaps.every(m => m.at + m.for < time.now() - SETTLED))
    comeHome(universe)
  for (const { site, link } of sites) {
    link.cutUntil = 0
    link.latency = 20
    site.full = false
    site.node.balancerAway = false
    site.startedByHand()
  }
  await settle(universe)
  nothingLost(universe)
  const violations = [...universe.violations, ...sites.flatMap(({ site }) => site.violations)]
  if (violations.length > 0) throw new Error(violations.join('; '))
}

/** Where nothing went wrong, a good release is promoted. */
function undisturbed(universe: Universe, { setting, runners, mishaps }: History): void {
  const { nature, bad } = setting
  const no = universe.ended.find(e => e.said?.outcome === 'promoted' && universe.refused.has(e.rollout))
  if (no) throw new Error(`${no.rollout} was promoted, although somebody had said no`)
  const willing = setting.asks === undefined || setting.asks === 'yes' || setting.asks.startsWith('after-')
  const good = bad === 0 && nature.newStarts && nature.newHolds && willing
  const alone = runners.length === 1 && runners[0]?.kill === undefined && runners[0]?.stopAfter === 'none'
  const said = universe.ended[0]?.said
  if (good && alone && mishaps.length === 0 && said?.outcome !== 'promoted')
    throw new Error(
      `nothing went wrong, and yet it ended ${said?.outcome ?? 'without a word'} ${said?.code ?? ''}`,
    )
}

function befall(universe: Universe, { at, node, what, for: long, by = 0 }: Mishap): void {
  const { time } = universe
  const found = [...universe.sites.values()][node % universe.sites.size]
  if (!found) return
  const { site, link } = found
  const begin = time.now() + at
  time.at(begin, () => {
    universe.note(`${site.node.id} ${what}${long > 0 ? ` for ${long / 1000} s` : ''}`)
    if (what === 'cut') link.cutUntil = Math.max(link.cutUntil, time.now() + long)
    if (what === 'slow') link.latency = 2000
    if (what === 'full') site.full = true
    if (what === 'balancer') site.node.balancerAway = true
    if (what === 'crash') site.crash()
    if (what === 'reboot') site.reboot()
    if (what === 'clock') site.node.wall += by
    if (what === 'cut' || what === 'full') site.disturbed = time.now() + long
  })
  if (what === 'slow' || what === 'full' || what === 'balancer')
    time.at(begin + long, () => {
      if (what === 'slow') link.latency = 20
      if (what === 'full') site.full = false
      if (what === 'balancer') site.node.balancerAway = false
    })
}

/** What was said is what the machines show, but for those to which something happened meanwhile. */
function truthful(universe: Universe, { said, mode, rollout, journal }: Ended): void {
  if (!said || mode === 'status') return
  const now = universe.time.now()
  for (const { site } of universe.sites.values()) {
    if (now - site.disturbed < 180_000) continue
    const { node } = site
    const shows = node.running === 'stopped' ? 'stopped' : node.running.version
    const wanted =
      said.outcome === 'promoted'
        ? fresh.version
        : said.outcome === 'rolled-back'
          ? old.version
          : said.version
    const claims =
      said.outcome === 'promoted' ||
      said.outcome === 'rolled-back' ||
      (said.outcome === 'unchanged' && said.version !== '')
    if (claims && (shows !== wanted || !node.ready))
      throw new Error(
        `${said.outcome} ${wanted} was said, but ${node.id} shows ${shows}${node.ready ? '' : ', not ready'}`,
      )
    if (
      said.outcome === 'promoted' &&
      (node.armed || node.lease || node.drainedAt !== undefined || node.leaving || node.held)
    )
      throw new Error(`promoted was said, but ${node.id}: ${leftovers(node).join(', ')}`)
    const fired = node.record.some(e => e.type === 'fired' && e.rollout === (lastOf(journal) || rollout))
    if (fired && said.outcome === 'promoted')
      throw new Error(`promoted was said, but the switch of ${node.id} had fired`)
  }
  saysWhy(said, journal)
  if (said.outcome === 'promoted') deserved(universe, lastOf(journal) || rollout)
  const { migrates, surprise, newStarts } = universe.setting.nature
  if (said.code === 'old-version-refuses-data' && migrates && !surprise && newStarts)
    throw new Error('the old version was started on data that the rehearsal had found it cannot read')
  if (said.outcome === 'needs-operator' && (said.why === '' || said.owed.length === 0))
    throw new Error('needs-operator that names nothing')
}

/** A watch that failed is the reason that is given, whatever happened after it. */
function saysWhy(said: NonNullable<Ended['said']>, journal: Ended['journal']): void {
  const failed = journal.find(e => e.type === 'decided' && e.what === 'verdict' && e.verdict.is === 'fail')
  if (said.outcome !== 'rolled-back' || failed?.type !== 'decided' || failed.what !== 'verdict') return
  if (said.code !== failed.verdict.code)
    throw new Error(`rolled back for ${said.code}, but the watch had failed with ${failed.verdict.code}`)
}

/** Only a release that is good, on nodes whose way back was proven. */
function deserved({ setting, sites }: Universe, rollout: string): void {
  const { bad, nature } = setting
  if (bad > 0 || !nature.newStarts || !nature.newHolds) throw new Error('a bad release was promoted')
  for (const { site } of sites.values()) {
    const points = site.node.snapshots.filter(
      s => s.kind === 'rollback-point' && s.name.startsWith(`${rollout}.`),
    )
    if (points.some(s => s.proven.length === 0))
      throw new Error(`promoted, but a rollback point of ${site.node.id} was never proven`)
  }
}

const lastOf = (journal: Ended['journal']): string => {
  const last = journal.findLast(e => e.type === 'opened')
  return last?.type === 'opened' ? last.rollout : ''
}

/** Long after the last runner: no node waits for anybody, where its watcher survived. */
function comeHome(universe: Universe): void {
  for (const { site } of universe.sites.values()) {
    const { armed, lease, id } = site.node
    if (armed?.watched && !site.full && lease?.rollout === armed.rollout)
      throw new Error(`${id} is still armed long after anybody spoke for it`)
  }
}

/** Fresh runners, nothing in their way: in the end every machine is at rest, or a person was told. */
async function settle(universe: Universe): Promise<void> {
  for (let again = 0; again < 6 && !(rested(universe) && owed(universe) === undefined); again++) {
    await universe.time.sleep(TTL + 60_000)
    truthful(universe, await universe.job({ mode: 'recover' }))
  }
  if (rested(universe) && owed(universe) === undefined) return
  const last = universe.ended.at(-1)?.said
  if (last?.outcome === 'needs-operator') return
  const left = [...universe.sites.values()].flatMap(({ site: { node } }) =>
    leftovers(node).map(what => `${node.id} ${what}`),
  )
  throw new Error(`left: ${left.length > 0 ? left.join(', ') : (owed(universe) ?? 'two releases')}`)
}

/** The rollout that the nodes' records say is not finished. */
const owed = (universe: Universe): string | undefined =>
  unfinished(Object.fromEntries([...universe.sites].map(([id, { site }]) => [id, site.node.observe()])))
    ?.rollout

function rested(universe: Universe): boolean {
  const all = [...universe.sites.values()].map(({ site }) => site.node)
  const [first] = all
  return all.every(
    node =>
      leftovers(node).length === 0 &&
      node.running !== 'stopped' &&
      first !== undefined &&
      first.running !== 'stopped' &&
      sameRelease(node.running, first.running),
  )
}

/** Every write that users were told is kept is in the live data, or in a folder that was set aside. */
function nothingLost(universe: Universe): void {
  for (const { site } of universe.sites.values()) {
    site.users()
    const { data, setAside, id } = site.node
    const kept = (write: number): boolean => data.writes.has(write) || setAside.some(d => d.writes.has(write))
    const missing = [...site.acknowledged].filter(write => !kept(write))
    if (missing.length > 0) throw new Error(`${id}: ${missing.length} acknowledged writes are gone`)
  }
}
