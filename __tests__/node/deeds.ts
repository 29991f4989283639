import { readdirSync } from 'node:fs'
import type { Observed } from '../../src/domain/node.ts'
import type { Action } from '../../src/node/port.ts'
import { arming, freePort, leased, opened, type Rig, rig, type ShellName, started, tree } from './rig.ts'

/*
 * All that a program changes on a node, each with what went before it: for tests that cut it short, and compare with a node on which
 * nothing was.
 */

const POINT = 'r-1.rollback-point.2'

export type Deed = {
  name: string
  /** What went before. */
  before?: (r: Rig) => Promise<unknown>
  work: (r: Rig) => Promise<unknown>
  /** Where saying it once more is not what a runner does. */
  again?: (r: Rig) => Promise<unknown>
  /** It starts a server, which is counted in the data. */
  opens?: true
}

const act =
  (action: Action | ((r: Rig) => Action)) =>
  (r: Rig): Promise<unknown> =>
    r.act(typeof action === 'function' ? action(r) : action)
const after =
  (...actions: (Action | ((r: Rig) => Action))[]) =>
  async (r: Rig): Promise<void> => {
    for (const action of actions) await act(action)(r)
  }
const snapshot: Action = { do: 'snapshot', kind: 'rollback-point', name: POINT }
const toNew = [
  { do: 'stop' } as const,
  snapshot,
  (r: Rig): Action => ({ do: 'activate', release: r.releases.next }),
]
const startNew = (r: Rig): Action => ({ do: 'start', release: r.releases.next })
const stageStart = (r: Rig): Action => ({
  do: 'stage-start',
  release: r.releases.old,
  config: 'server: {port: 1}\n',
})
const copied = [
  { do: 'stop' } as const,
  snapshot,
  { do: 'hash', name: POINT } as const,
  { do: 'stage-copy', name: POINT } as const,
]

export const DEEDS: Deed[] = [
  {
    name: 'lease of a free node',
    before: after({ do: 'release' }),
    work: r => leased(r, 'p-2', { lines: [opened] }),
  },
  {
    name: 'lease of a node whose holder died',
    work: r => leased(r, 'p-2', { over: 'same-rollout', lines: [opened] }),
  },
  { name: 'refresh', work: r => r.node.refresh(r.token, 70_000) },
  { name: 'record', work: act({ do: 'record', lines: [opened, { ...opened, seq: 2 }] }) },
  { name: 'park', work: act({ do: 'park', within: 600_000 }) },
  {
    name: 'release',
    work: act({ do: 'release' }),
    // whoever lost its answer finds out that it has none
    again: async r => {
      if ((await r.node.inspect()).now.lease !== 'free') await r.act({ do: 'release' })
    },
  },
  { name: 'drain', work: act({ do: 'drain' }) },
  { name: 'undrain', before: after({ do: 'drain' }), work: act({ do: 'undrain' }) },
  { name: 'stop', work: act({ do: 'stop' }) },
  { name: 'snapshot', before: after({ do: 'stop' }), work: act(snapshot) },
  {
    name: 'snapshot of a running server',
    work: act({ do: 'snapshot', kind: 'rehearsal', name: 'r-1.rehearsal.2' }),
  },
  { name: 'hash', before: after({ do: 'stop' }, snapshot), work: act({ do: 'hash', name: POINT }) },
  {
    name: 'mark-proven',
    before: after({ do: 'stop' }, snapshot, { do: 'hash', name: POINT }),
    work: act({ do: 'mark-proven', name: POINT, ran: ['v1.0.0'] }),
  },
  {
    name: 'mark-checked',
    work: async r => r.act({ do: 'mark-checked', process: (await r.node.inspect()).facts.process }),
  },
  { name: 'stage-copy', before: after(...copied.slice(0, 3)), work: act({ do: 'stage-copy', name: POINT }) },
  {
    name: 'stage-start',
    before: after(...copied),
    work: act(stageStart),
    again: async r => {
      await r.act({ do: 'stage-stop' })
      await r.act({ do: 'stage-copy', name: POINT })
      await act(stageStart)(r)
    },
  },
  { name: 'stage-stop', before: after(...copied, stageStart), work: act({ do: 'stage-stop' }) },
  { name: 'clean-staging', before: after(...copied, stageStart), work: act({ do: 'clean-staging' }) },
  {
    name: 'activate',
    before: after({ do: 'stop' }, snapshot),
    work: act(r => ({ do: 'activate', release: r.releases.next })),
  },
  { name: 'start', opens: true, before: after(...toNew), work: act(startNew) },
  {
    name: 'restore',
    opens: true,
    before: after(...toNew, startNew, { do: 'stop' }),
    work: act({ do: 'restore', name: POINT }),
    again: async r => {
      if ((await r.node.inspect()).now.data.swap === 'unfinished') await r.act({ do: 'finish-swap' })
      await r.act({ do: 'restore', name: POINT })
    },
  },
  {
    name: 'back',
    opens: true,
    before: after(...toNew, startNew),
    work: act(r => ({ do: 'back', release: r.releases.old, name: 'r-1.return-point.3' })),
  },
  {
    name: 'install',
    work: act(r => ({
      do: 'install',
      release: { ...r.releases.next, version: 'v9' },
      file: r.releases.next.file,
    })),
  },
  { name: 'arm', work: act(r => arming(r)) },
  { name: 'disarm', before: after(r => arming(r)), work: act({ do: 'disarm' }) },
]

/** What a node is, without what differs by nature. */
export const shape = (o: Observed, opens: boolean): unknown => ({
  ...o,
  // a start that was cut short may have been counted
  data: opens ? { ...o.data, opens: 0 } : o.data,
  lease: o.lease === 'free' ? 'free' : { ...o.lease, token: 0, left: 0, age: 0, since: 0 },
  ...(o.armed ? { armed: { ...o.armed, left: 0 } } : {}),
  snapshots: o.snapshots.map(s => ({ ...s, at: 0 })),
  // it may be told to end before it listens to that
  lastExit: 0,
})

/** Names and digests of its own taken out, so that two nodes can be compared. */
export const named = (value: unknown, r: Rig): unknown =>
  JSON.parse(
    [r.root, r.config.url, r.releases.old.sha256, r.releases.next.sha256].reduce(
      (text, own, i) => text.replaceAll(own, `own ${i}`),
      JSON.stringify(value),
    ),
  )

/** Its data but for the logs that it writes while it runs. */
export const data = (r: Rig): Record<string, string> =>
  Object.fromEntries(Object.entries(tree(r.config.data)).filter(([name]) => !name.endsWith('.log')))

/** The same for every node on which the same was done. */
export const lasting = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !name.startsWith('.rollout/')))

/** A node on which what goes before it was done. */
export async function nodeFor(one: Deed, shellName: ShellName): Promise<Rig> {
  const r = rig(shellName, '', await freePort())
  const drain = { kind: 'commands' as const, out: ':', in: ':', limit: 5000 }
  r.node = r.another({ drain, confirmWithin: 600_000 })
  await started(r)
  await one.before?.(r)
  return r
}

/** What lies about that was left half done. */
export const halfDone = (r: Rig): string[] =>
  readdirSync(r.root, { recursive: true, encoding: 'utf8' }).filter(name =>
    /restore-new|probe|\.partial$/.test(name),
  )
