import { afterEach, expect, test } from 'vitest'
import type { Event } from '../../src/domain/event.ts'
import type { Observed } from '../../src/domain/node.ts'
import { type Action, type Claim, StepFailed } from '../../src/node/port.ts'
import { seeded } from '../domain/model/choose.ts'
import { Fault, SimNode } from '../domain/model/node.ts'
import { good as nature } from '../domain/model/stories.ts'
import { claim, freePort, grip, opened, type Rig, rig, started } from '../node/rig.ts'
import { Site } from './site.ts'
import { VirtualTime } from './virtual-time.ts'

/*
 * What the programs on a node do is modelled once, for the model check and for the simulation. Here the model and the real programs
 * are told the same things, sensible or not, and must answer the same.
 */

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))

type Both = { real: Rig; model: Site; token: { real: number; model: number } }

async function both(): Promise<Both> {
  const real = rig('dash', '', await freePort())
  rigs.push(real)
  const drain = { kind: 'commands' as const, out: ':', in: ':', limit: 5000 }
  real.node = real.another({ drain })
  await started(real)
  const { old, next } = real.releases
  const node = new SimNode('db-1', { old, fresh: next }, nature)
  node.strict = false
  node.installed = [old, next]
  // started once by what adopted it, and once through us
  node.data.opens = 2
  node.checked = false
  const time = new VirtualTime(1_000_000)
  const model = new Site(node, { ...nature, wal: true, window: 600_000 }, time)
  // the first lease was taken without a line, as nothing but a test takes one
  const first = claim('p-1', { lines: [opened] })
  await real.act({ do: 'record', lines: [opened] })
  model.lease(first)
  return { real, model, token: { real: real.token, model: node.token } }
}

/** The kinds of refusal that decisions rest on; everything else is a refusal like any other. */
const kindOf = (error: unknown): string => {
  const failure = error instanceof StepFailed || error instanceof Fault ? error.failure : undefined
  if (!failure) throw error
  return failure.kind === 'lease' || failure.kind === 'fired' ? failure.kind : 'refused'
}

async function answered(work: () => Promise<Observed> | Observed): Promise<{ said: string; now?: Observed }> {
  try {
    return { said: 'ok', now: await work() }
  } catch (error) {
    return { said: kindOf(error) }
  }
}

/** What decisions rest on, without what differs by nature: names of files, instants. */
const shape = (o: Observed): unknown => ({
  running: typeof o.running === 'object' ? o.running.version : o.running,
  active: typeof o.active === 'object' ? o.active.version : o.active,
  checked: o.checked,
  opens: o.data.opens,
  openedBy: o.data.openedBy?.version,
  from: o.data.from,
  swap: o.data.swap,
  setAside: o.data.setAside.length,
  traffic: o.traffic,
  drainedAt: o.drainedAt,
  snapshots: o.snapshots.map(s => `${s.name} ${s.kind} ${s.of.version} ${s.opens} ${s.sealed}`).toSorted(),
  lease: o.lease === 'free' ? 'free' : `${o.lease.rollout} ${o.lease.process} ${o.lease.parked}`,
  armed: o.armed && `${o.armed.rollout} ${o.armed.keeps} ${o.armed.phase} ${o.armed.watched}`,
  record: o.record.map(e => `${e.type} ${e.seq}`),
})

type Told = { act: Action } | { lease: Claim }

/** Anything that a rollout could say, in any order. */
function told(random: () => number, { real, model }: Both, count: number): Told {
  const pick = <T>(...of: [T, ...T[]]): T => of[Math.floor(random() * of.length)] ?? of[0]
  const release = pick(real.releases.old, real.releases.next)
  const name = `r-1.point.${Math.floor(count / 4)}`
  const line: Event = { ...opened, seq: count + 2 }
  // nobody is there where it is parked, so that a switch of a stopped server fires: the model's own time stands still here
  const { armed, lease } = model.node
  const waits: Told[] = [
    ...(armed ? [] : [{ act: { do: 'park' as const, within: 600_000 } }]),
    ...(lease?.parked ? [] : [{ act: arming(real, random() < 0.5) }]),
  ]
  return pick<Told>(
    { act: { do: 'stop' } },
    { act: { do: 'stop' } },
    { act: { do: 'start', release } },
    { act: { do: 'start', release } },
    { act: { do: 'activate', release } },
    { act: { do: 'activate', release } },
    { act: { do: 'snapshot', kind: pick('rollback-point', 'return-point', 'rehearsal'), name } },
    { act: { do: 'snapshot', kind: 'rollback-point', name } },
    { act: { do: 'restore', name: `r-1.point.${Math.floor(random() * (count / 4 + 1))}` } },
    { act: { do: 'back', release, name } },
    { act: { do: pick('drain', 'undrain') } },
    ...waits,
    { act: { do: 'disarm' } },
    { act: { do: 'record', lines: [line] } },
    { act: { do: 'finish-swap' } },
    {
      lease: claim(pick('p-1', 'p-2'), {
        rollout: pick('r-1', 'r-2'),
        over: pick('expired', 'same-rollout', 'parked'),
        lines: [line],
      }),
    },
    ...(random() < 0.1 ? [{ act: { do: 'release' as const } }] : []),
  )
}

const arming = (real: Rig, keeps: boolean): Action => ({
  do: 'arm',
  rollout: 'r-1',
  quiet: 0,
  back: real.releases.old,
  to: real.releases.next,
  keeps,
  safe: 'intake-wal',
})

async function tell(on: Both, what: Told): Promise<void> {
  const { real, model, token } = on
  const [inReality, inModel] =
    'lease' in what
      ? [
          await answered(async () => (await real.node.lease(what.lease)).now),
          await answered(() => model.lease(what.lease).now),
        ]
      : [
          await answered(async () => (await real.node.act(what.act, grip(token.real))).now),
          await answered(() => model.act(what.act, token.model).now),
        ]
  const words =
    'lease' in what
      ? `lease ${what.lease.process} ${what.lease.rollout} ${what.lease.over}`
      : JSON.stringify(what.act)
  expect(inModel.said, words).toBe(inReality.said)
  const [seen, thought] = [(await real.node.inspect()).now, model.inspection().now]
  expect(shape(thought), words).toEqual(shape(seen))
  if ('lease' in what && inReality.said === 'ok') {
    token.real = seen.lease === 'free' ? 0 : seen.lease.token
    token.model = thought.lease === 'free' ? 0 : thought.lease.token
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  'the model and the programs answer the same, seed %i',
  { timeout: 120_000 },
  async seed => {
    const on = await both()
    const { random } = seeded(seed, 0)
    for (let count = 0; count < 24; count++) await tell(on, told(random, on, count))
  },
)
