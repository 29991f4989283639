import type { Clock } from '../../src/domain/clock.ts'
import { UserError } from '../../src/domain/errors.ts'
import type { NodeBlock } from '../../src/domain/measurement.ts'
import { sameRelease } from '../../src/domain/release.ts'
import type { Probe } from '../../src/probe/probe.ts'
import type { Site } from './site.ts'
import type { Link } from './site-port.ts'

type Reached = { site: Site; link: Link }
type Target = { id: string; url: string }

/** What the servers of the machines answer to whoever asks them over HTTP. A release may lie: ready, and hiding data. */
export function probeOf(sites: ReadonlyMap<string, Reached>, clock: Clock): Probe {
  const at = ({ id }: Target): Reached & { copy: boolean } => {
    const copy = id.endsWith(' (copy)')
    const found = sites.get(copy ? id.slice(0, -7) : id)
    if (!found) throw new Error(`no machine ${id}`)
    return { ...found, copy }
  }
  const ask = async (
    target: Target,
  ): Promise<Reached & { answers: boolean; version: string; copy: boolean }> => {
    const on = at(target)
    await clock.sleep(on.link.latency)
    on.site.users()
    const cut = on.site.time.now() < on.link.cutUntil
    const { node, guest } = on.site
    const runs = on.copy ? (guest?.runs ? guest.release : 'stopped') : node.running
    const answers = !cut && runs !== 'stopped' && (on.copy || node.ready)
    return { ...on, answers, version: runs === 'stopped' ? 'unknown' : runs.version }
  }
  const ready: Probe['ready'] = async target => {
    const { answers, version } = await ask(target)
    return answers
      ? { ready: true, version, why: '' }
      : { ready: false, version: 'unknown', why: 'no answer' }
  }
  const sure = async (target: Target): Promise<Reached & { copy: boolean }> => {
    const on = await ask(target)
    if (!on.answers)
      throw new UserError({ code: 'NO_ANSWER', what: `${target.id} does not answer`, next: 'look at it' })
    return on
  }
  return {
    ready,
    waitReady: async (target, { limit, stop }) => {
      const began = clock.now()
      for (;;) {
        const found = await ready(target)
        const took = clock.now() - began
        if (found.ready || stop?.aborted || took + 500 >= limit) return { ...found, took }
        await clock.sleep(500, stop)
      }
    },
    counts: async target => {
      const { site, copy } = await sure(target)
      const hides = hidden(site, copy)
      const writes = copy ? (site.staged?.writes ?? 0) : site.node.data.writes.size
      return { keys: writes + 100 - hides }
    },
    refusedKeys: async () => [],
    writeSentinel: async target => {
      await sure(target)
      return { thread: 't', key: 'k', body: 'b' }
    },
    readSentinel: async target => {
      const { site, copy } = await sure(target)
      return hidden(site, copy) > 0 ? { is: 'missing', why: 'it is not there' } : { is: 'same' }
    },
    barrier: async target => {
      const { answers } = await ask(target)
      return { ok: answers, why: answers ? '' : 'no answer', took: 1 }
    },
    journey: async target => {
      const { answers } = await ask(target)
      return answers
        ? { ok: true, why: '', steps: [], took: 1 }
        : { ok: false, why: 'no answer', steps: [], took: 1 }
    },
    block: async () => {
      throw new Error('blocks are observed at once')
    },
    sweep: async () => ({ deleted: 0, left: 0, why: '' }),
    acknowledged: () => ({}),
  }
}

/** A release that loses data shows less than there is. */
function hidden(site: Site, copy: boolean): number {
  const runs = copy ? site.guest?.release : site.node.running
  if (runs === undefined || runs === 'stopped' || site.nature.newHolds) return 0
  return sameRelease(runs, site.node.fresh) ? 50 : 0
}

/** What one block of a watch shows of a machine. `bad`: the share of requests that its new version fails. */
export function blockOf({ site, link }: Reached, bad: number): NodeBlock {
  const { node } = site
  const cut = site.time.now() < link.cutUntil
  const answers = node.ready && !cut
  const isNew = node.running !== 'stopped' && sameRelease(node.running, node.fresh)
  const failed = answers ? (isNew ? Math.round(bad * 20) : 0) : 20
  return {
    node: node.id,
    health: { of: 5, failed: answers ? 0 : 5, errors: 0 },
    version: node.running === 'stopped' ? 'unknown' : node.running.version,
    probes: [{ step: 'post', of: 20, failed, errors: 0 }],
    latency: { '10': 20 },
    series: {},
    diskFree: { is: 'value', value: site.full ? 0.01 : 0.5 },
    restarted: false,
  }
}
