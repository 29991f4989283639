import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Action } from '../../src/node/port.ts'
import { placeWords } from '../../src/node/places.ts'
import { type ProgramName, program, switchProgram } from '../../src/node/programs.ts'
import { crashing, crashingSwitch, points } from './crash.ts'
import {
  freePort,
  leased,
  makeData,
  opened,
  refusal,
  type Rig,
  rig,
  serviceOf,
  shells,
  type ShellName,
  sleep,
  started,
  state,
  tree,
} from './rig.ts'

const POINT = 'r-1.rollback-point.2'
const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))

async function fresh(shellName: ShellName = 'dash', port?: number): Promise<Rig> {
  const r = rig(shellName, '', port)
  rigs.push(r)
  await started(r)
  return r
}

/** Runs the action in a program that dies at its nth point; true when it got that far. */
async function crash(r: Rig, action: Action, nth: number): Promise<boolean> {
  const whole = r.node
  r.node = r.another({}, '', crashing(r.shell, action.do, nth))
  const outcome = await r.act(action).then(
    () => 'ended',
    (error: unknown) => error,
  )
  r.node = whole
  if (outcome === 'ended') return false
  const failure = await refusal(Promise.reject(outcome))
  expect(failure).toMatchObject({ code: 'NO_ANSWER', effect: 'unknown' })
  return true
}

/** Reached only where `mv --exchange` works. */
const reached = (died: boolean, name: ProgramName, nth: number): void => {
  if (!died) expect(pointAt(name, nth)).toMatch(/exchange/)
}
const pointAt = (name: ProgramName, nth: number): string => {
  const before = program(name).text.split(/^ *# point$/m)[nth] ?? ''
  return before.slice(-200)
}

const each = (name: ProgramName): number[] => Array.from({ length: points(program(name)) }, (_, n) => n)
/** Nothing half done stays: no lock, no part, nothing paused. */
async function tidy(r: Rig): Promise<void> {
  const { now } = await r.node.inspect()
  expect(now).toMatchObject({ busy: false, data: { swap: 'none' } })
  const left = readdirSync(join(r.root, 'var')).filter(name => /restore-new|probe/.test(name))
  expect(left).toEqual([])
  const parts = readdirSync(join(r.root, 'var', '.data-snapshots')).filter(name => name.endsWith('.partial'))
  expect(parts).toEqual([])
}

/** The watcher has died, or has done its work. */
async function ended(r: Rig): Promise<void> {
  const file = state(r, 'switch-pid')
  const [pid = ''] = readFileSync(file, 'utf8').split(' ')
  for (let tries = 0; tries < 200 && existsSync(`/proc/${pid}`); tries++) await sleep(50)
}

const toNew = async (r: Rig): Promise<void> => {
  await r.act({ do: 'stop' })
  await r.act({ do: 'snapshot', kind: 'rollback-point', name: POINT })
  await r.act({ do: 'activate', release: r.releases.next })
  await r.act({ do: 'start', release: r.releases.next })
}

describe('killed at a point and called again', () => {
  it.each(each('snapshot'))('snapshot of a stopped server, point %i', async nth => {
    const r = await fresh()
    await r.act({ do: 'stop' })
    const action: Action = { do: 'snapshot', kind: 'rollback-point', name: POINT }
    const before = tree(r.config.data)
    reached(await crash(r, action, nth), 'snapshot', nth)
    expect(tree(r.config.data)).toEqual(before)
    const { now } = await r.act(action)
    expect(now.snapshots).toMatchObject([{ name: POINT, sealed: true, opens: 2, clean: true }])
    expect(tree(join(r.root, 'var', '.data-snapshots', POINT, 'data'))).toEqual(before)
    await tidy(r)
  })

  it.each(each('snapshot'))('snapshot of a running server, point %i: it goes on', async nth => {
    const r = await fresh()
    const action: Action = { do: 'snapshot', kind: 'rehearsal', name: 'r-1.rehearsal.2' }
    reached(await crash(r, action, nth), 'snapshot', nth)
    await new Promise(resolve => setTimeout(resolve, 500))
    const { facts } = await r.node.inspect()
    expect(readFileSync(`/proc/${facts.pid}/stat`, 'utf8')).not.toMatch(/\) T/)
    const { now } = await r.act(action)
    expect(now.snapshots).toMatchObject([{ kind: 'rehearsal', sealed: true }])
    expect(now.running).toMatchObject({ version: 'v1.0.0' })
    await tidy(r)
  })

  it.each(each('restore').map(nth => [shells[nth % shells.length] ?? 'dash', nth] as const))(
    'restore under %s, point %i: wholly old or wholly new, set aside once',
    async (shellName, nth) => {
      const r = await fresh(shellName)
      await toNew(r)
      await r.act({ do: 'stop' })
      writeFileSync(join(r.config.data, 'store', '000007.sst'), 'written by the new version')
      const old = tree(r.config.data)
      const point = tree(join(r.root, 'var', '.data-snapshots', POINT, 'data'))
      reached(await crash(r, { do: 'restore', name: POINT }, nth), 'restore', nth)
      const seen = (await r.node.inspect()).now
      if (existsSync(r.config.data)) expect([old, point]).toContainEqual(withoutFrom(tree(r.config.data)))
      if (seen.data.swap === 'unfinished') await r.act({ do: 'finish-swap' })
      const { now } = await r.act({ do: 'restore', name: POINT })
      expect(withoutFrom(tree(r.config.data))).toEqual(point)
      expect(now.data).toMatchObject({
        opens: 2,
        from: POINT,
        setAside: [`${r.config.data}.failed-${POINT}`],
      })
      expect(tree(now.data.setAside[0] ?? '')).toEqual(old)
      await tidy(r)
    },
  )

  it.each(each('finish-swap'))('finish-swap itself, point %i', async nth => {
    const r = await fresh()
    await toNew(r)
    await r.act({ do: 'stop' })
    const old = tree(r.config.data)
    await crash(r, { do: 'restore', name: POINT }, beforeSwap)
    reached(await crash(r, { do: 'finish-swap' }, nth), 'finish-swap', nth)
    const { now } = await r.act({ do: 'finish-swap' })
    expect(now.data).toMatchObject({ from: POINT, swap: 'none' })
    expect(tree(now.data.setAside[0] ?? '')).toEqual(old)
    await tidy(r)
  })

  it.each(each('activate'))('activate, point %i: binary and configuration together', async nth => {
    const r = await fresh()
    writeFileSync(r.config.configNext ?? '', 'for the new version\n')
    await r.act({ do: 'stop' })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: POINT })
    reached(await crash(r, { do: 'activate', release: r.releases.next }, nth), 'activate', nth)
    // the way back from here: the old pair, whatever was done
    const { now } = await r.act({ do: 'activate', release: r.releases.old })
    expect(now.active).toMatchObject({ version: 'v1.0.0' })
    expect(readFileSync(r.config.config, 'utf8')).toContain('port: 1')
    const after = await r.act({ do: 'activate', release: r.releases.next })
    expect(after.now.active).toMatchObject({ version: 'v1.1.0' })
    expect(readFileSync(r.config.config, 'utf8')).toBe('for the new version\n')
    await tidy(r)
  })

  it.each(each('start'))('start, point %i: one server', async nth => {
    const r = await fresh()
    await r.act({ do: 'stop' })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: POINT })
    await r.act({ do: 'activate', release: r.releases.next })
    reached(await crash(r, { do: 'start', release: r.releases.next }, nth), 'start', nth)
    const { now } = await r.act({ do: 'start', release: r.releases.next })
    expect(now.running).toMatchObject({ version: 'v1.1.0' })
    expect(now.data.openedBy).toMatchObject({ version: 'v1.1.0' })
    await tidy(r)
  })

  it.each(each('back').map(nth => [shells[nth % shells.length] ?? 'dash', nth] as const))(
    'back under %s, point %i: the old version serves what the new one wrote',
    async (shellName, nth) => {
      const r = await fresh(shellName)
      await toNew(r)
      writeFileSync(join(r.config.data, 'store', '000007.sst'), 'written by the new version')
      const action: Action = { do: 'back', release: r.releases.old, name: 'r-1.return-point.3' }
      reached(await crash(r, action, nth), 'back', nth)
      const { now } = await r.act(action)
      expect(now.running).toMatchObject({ version: 'v1.0.0' })
      expect(existsSync(join(r.config.data, 'store', '000007.sst'))).toBe(true)
      expect(now.snapshots.filter(s => s.kind === 'return-point')).toMatchObject([
        { of: { version: 'v1.1.0' }, opens: 3, sealed: true },
      ])
      await tidy(r)
    },
  )

  it.each(each('install'))('install, point %i', async nth => {
    const r = await fresh()
    const action: Action = {
      do: 'install',
      release: { ...r.releases.next, version: 'v9' },
      file: r.releases.next.file,
    }
    reached(await crash(r, action, nth), 'install', nth)
    const { now } = await r.act(action)
    expect(now.installed.map(release => release.version).sort()).toEqual(['v1.0.0', 'v1.1.0', 'v9'])
    expect(readdirSync(join(r.config.install, 'releases')).filter(name => name.startsWith('.'))).toEqual([])
  })
})

describe('a data folder made anew in the middle of a swap', () => {
  it('is set aside as well', async () => {
    const r = await fresh()
    await toNew(r)
    await r.act({ do: 'stop' })
    const old = tree(r.config.data)
    await crash(r, { do: 'restore', name: POINT }, beforeSwap)
    renameSync(r.config.data, `${r.config.data}.failed-${POINT}`)
    mkdirSync(r.config.data)
    makeData(r.config.data)
    const { now } = await r.act({ do: 'finish-swap' })
    expect(now.data.setAside).toHaveLength(2)
    expect(tree(`${r.config.data}.failed-${POINT}`)).toEqual(old)
    expect(now.data.from).toBe(POINT)
  })
})

describe('after a crash', () => {
  it('another run takes the lease at once', async () => {
    const r = await fresh()
    await crash(r, { do: 'snapshot', kind: 'rehearsal', name: 'x' }, 1)
    const { now } = await leased(r, 'p-2', { over: 'same-rollout' })
    expect(now.lease).toMatchObject({ process: 'p-2' })
  })
})

/** The last point of `restore` before it renames anything: its journal is written. Its own points follow those of the swap. */
const beforeSwap = points(program('restore')) - 1
const withoutFrom = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !name.endsWith('.rollout/from')))

describe('the switch, killed at a point and started again', () => {
  const count = points(switchProgram('process'))

  it('has points', () => expect(count).toBeGreaterThan(15))

  it.each(Array.from({ length: count }, (_, nth) => [shells[nth % shells.length] ?? 'dash', nth] as const))(
    'under %s, point %i: the old version serves what the new one wrote, or is told why not',
    async (shellName, nth) => {
      const r = await fresh(shellName, await freePort())
      const options = { confirmWithin: 1200 }
      const whole = r.another(options)
      await leased(r, 'p-2', { ttl: 600, over: 'same-rollout', lines: [opened] })
      r.node = r.another(options, '', crashingSwitch(r.shell, nth))
      const { old, next } = r.releases
      await r.act({
        do: 'arm',
        rollout: 'r-1',
        quiet: 100,
        back: old,
        to: next,
        keeps: true,
        safe: 'intake-wal',
      })
      r.node = whole
      await toNew(r)
      writeFileSync(join(r.config.data, 'store', '000007.sst'), 'written by the new version')
      await ended(r)
      // as a timer starts it anew
      const words = [...placeWords(r.places(options)), ...serviceOf('').words]
      await r.shell.run(switchProgram('process'), words, { limit: 60_000 })
      const { now } = await r.node.inspect()
      expect(now).toMatchObject({
        running: { version: 'v1.0.0' },
        active: { version: 'v1.0.0' },
        lease: 'free',
      })
      expect(now.armed).toBeUndefined()
      expect(tree(r.config.data)).toHaveProperty('store/000007.sst')
      expect(now.record.filter(e => e.type === 'fired').at(-1)).toMatchObject({ what: 'home' })
      await tidy(r)
    },
  )
})
