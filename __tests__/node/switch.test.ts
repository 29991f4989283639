import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Observed, SwitchSetting } from '../../src/domain/node.ts'
import type { Action } from '../../src/node/port.ts'
import type { NodeOptions } from '../../src/node/server.ts'
import type { Shell } from '../../src/shell/port.ts'
import {
  arming,
  freePort,
  leased,
  opened,
  refusal,
  type Rig,
  rig,
  type ShellName,
  shells,
  shim,
  sleep,
  started,
  state,
  tree,
} from './rig.ts'

/*
 * The switch of a server that we start ourselves, for real: an armed node, nobody who speaks for its rollout, and a program on the
 * node that brings it home or holds. Windows are seconds here.
 */

const POINT = 'r-1.rollback-point.2'
const WINDOW = 2500
const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))

type Given = { behaviour?: string; options?: Partial<NodeOptions>; shell?: ShellName }

async function node({ behaviour = '', options = {}, shell = 'dash' }: Given = {}): Promise<Rig> {
  const r = rig(shell, behaviour, await freePort())
  rigs.push(r)
  r.node = r.another({ confirmWithin: WINDOW, startLimit: 3000, ...options }, behaviour)
  await started(r)
  // the life sign of this engine process is short, so that nobody is there soon
  await leased(r, 'p-2', { ttl: 1000, over: 'same-rollout', lines: [opened] })
  return r
}

/** As the engine does it, up to the running new version: it goes on speaking meanwhile. */
async function upgraded(r: Rig, more: Partial<SwitchSetting> = {}): Promise<void> {
  const steps: Action[] = [
    arming(r, more),
    { do: 'stop' },
    { do: 'snapshot', kind: 'rollback-point', name: POINT },
    { do: 'activate', release: r.releases.next },
    { do: 'start', release: r.releases.next },
  ]
  for (const step of steps) {
    await r.node.refresh(r.token, 1000)
    await r.act(step)
  }
}

/** Waits until the node is not armed any more. */
async function over(r: Rig): Promise<Observed> {
  for (let tries = 0; tries < 100; tries++) {
    const { now } = await r.node.inspect()
    if (!now.armed) return now
    await sleep(100)
  }
  throw new Error(`still armed:\n${readFileSync(state(r, 'switch.log'), 'utf8')}`)
}

const said = (now: Observed): string[] =>
  now.record.flatMap(e => (e.type === 'fired' ? [`${e.rollout} ${e.what} ${e.why}`] : []))

describe.each(shells)('under %s, where nobody speaks for the rollout', shell => {
  it('goes back by itself with what was written, and fences off whoever comes late', async () => {
    const r = await node({ shell })
    await upgraded(r)
    writeFileSync(join(r.config.data, 'store', '000077.sst'), 'acknowledged')
    expect((await r.node.inspect()).now.armed).toMatchObject({
      rollout: 'r-1',
      phase: 'armed',
      keeps: true,
      watched: true,
    })
    const now = await over(r)
    expect(now).toMatchObject({
      running: { version: 'v1.0.0' },
      active: { version: 'v1.0.0' },
      lease: 'free',
    })
    expect(said(now)).toEqual(['r-1 fired unconfirmed', 'r-1 home unconfirmed'])
    expect(tree(r.config.data)).toHaveProperty('store/000077.sst')
    expect(now.snapshots.map(s => s.kind)).toEqual(['rollback-point', 'return-point'])
    expect(await refusal(r.act({ do: 'stop' }))).toMatchObject({ code: 'SWITCH_FIRED', kind: 'fired' })
    expect(await refusal(r.act({ do: 'disarm' }))).toMatchObject({ code: 'SWITCH_FIRED' })
    expect((await r.node.inspect()).now.running).toMatchObject({ version: 'v1.0.0' })
    await leased(r, 'p-9')
    expect(r.token).toBe(4)
  })

  it('before it is activated, starts what was there', async () => {
    const r = await node({ shell })
    await r.act(arming(r))
    await r.act({ do: 'stop' })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: POINT })
    const now = await over(r)
    expect(now.running).toMatchObject({ version: 'v1.0.0' })
    expect(said(now)).toEqual(['r-1 fired server-ended', 'r-1 home server-ended'])
  })

  it('holds where going back would lose writes', async () => {
    const r = await node({ shell })
    await upgraded(r, { keeps: false })
    const now = await over(r)
    expect(now).toMatchObject({ running: { version: 'v1.1.0' }, lease: 'free' })
    expect(said(now)).toEqual(['r-1 fired unconfirmed', 'r-1 held would-lose-writes'])
  })
})

describe('the switch', () => {
  it('waits as long as somebody speaks, and not a moment longer than until it is disarmed', async () => {
    const r = await node()
    await upgraded(r)
    for (let i = 0; i < 8; i++) {
      expect(await r.node.refresh(r.token, 1000)).toBe('held')
      await sleep(500)
    }
    expect((await r.node.inspect()).now).toMatchObject({
      running: { version: 'v1.1.0' },
      armed: { phase: 'armed' },
    })
    const done = await r.act({ do: 'disarm' })
    expect(done.answer['disarmed']).toEqual(['1'])
    await sleep(WINDOW + 2000)
    const { now } = await r.node.inspect()
    expect(now).toMatchObject({ running: { version: 'v1.1.0' } })
    expect(said(now)).toEqual([])
    expect(now.armed).toBeUndefined()
  })

  it('does not wait out its window after a failure that is known', async () => {
    const r = await node({ options: { confirmWithin: 120_000 } })
    await upgraded(r)
    const { facts } = await r.node.inspect()
    process.kill(Number(facts.pid), 'SIGKILL')
    const now = await over(r)
    expect(now.running).toMatchObject({ version: 'v1.0.0' })
    expect(said(now)).toEqual(['r-1 fired server-ended', 'r-1 home server-ended'])
  })

  it('starts the new version again where it had ended and going back would lose writes', async () => {
    const r = await node({ options: { confirmWithin: 120_000 } })
    await upgraded(r, { keeps: false })
    const { facts } = await r.node.inspect()
    process.kill(Number(facts.pid), 'SIGKILL')
    const now = await over(r)
    expect(now).toMatchObject({ running: { version: 'v1.1.0' }, lease: 'free' })
    expect(said(now)).toEqual(['r-1 fired server-ended', 'r-1 held would-lose-writes'])
  })

  it('does not take a server that was found to be well for one that is late, and one that was not for well', async () => {
    const late = await node({ options: { confirmWithin: 120_000, startLimit: -28_000 } })
    await upgraded(late)
    expect(said(await over(late))).toEqual(['r-1 fired not-ready', 'r-1 home not-ready'])
    const well = await node({ options: { confirmWithin: 120_000, startLimit: -28_000 } })
    await upgraded(well)
    const { facts } = await well.node.inspect()
    await well.act({ do: 'mark-checked', process: facts.process })
    await sleep(5000)
    expect((await well.node.inspect()).now).toMatchObject({
      armed: { phase: 'armed' },
      running: { version: 'v1.1.0' },
    })
  })

  it('puts the rollback point back where the node was never undrained, whatever the class', async () => {
    const mark = '"$NODE_NAME.drained"'
    const r = await node({
      options: { drain: { kind: 'commands', out: `cd /tmp && : ${mark}`, in: ':', limit: 5000 } },
    })
    await r.act(arming(r, { keeps: false, safe: 'drain' }))
    await r.act({ do: 'drain' })
    await r.act({ do: 'stop' })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: POINT })
    await r.act({ do: 'activate', release: r.releases.next })
    await r.act({ do: 'start', release: r.releases.next })
    const now = await over(r)
    expect(now).toMatchObject({
      running: { version: 'v1.0.0' },
      traffic: 'in',
      data: { from: POINT, opens: 3 },
    })
    expect(now.data.setAside).toHaveLength(1)
    expect(said(now).at(-1)).toBe('r-1 home unconfirmed')
  })

  it('drains by its own command before it stops what serves, and undrains when the old version listens', async () => {
    const file = join('/tmp', `switch-drain-${process.pid}`)
    rmSync(file, { force: true })
    const commands = {
      out: `echo "out $NODE_NAME" >>${file}`,
      in: `echo "in $NODE_PORT" >>${file}\n: and more`,
      limit: 5000,
    }
    const r = await node({ options: { drain: { kind: 'commands', ...commands } } })
    await upgraded(r, { safe: 'drain' })
    const now = await over(r)
    expect(now).toMatchObject({ running: { version: 'v1.0.0' }, traffic: 'in' })
    expect(readFileSync(file, 'utf8')).toBe(`out db-1\nin ${new URL(r.config.url).port}\n`)
    rmSync(file)
  })

  it('stops without a drain what keeps what it has accepted, and nothing else', async () => {
    const drain = { kind: 'commands' as const, out: 'exit 7', in: 'true', limit: 2000 }
    const kept = await node({ options: { drain } })
    await upgraded(kept, { safe: 'drain+intake-wal' })
    expect(said(await over(kept))).toEqual(['r-1 fired unconfirmed', 'r-1 home unconfirmed'])
    expect((await kept.node.inspect()).now).toMatchObject({ running: { version: 'v1.0.0' }, traffic: 'in' })
    const loses = await node({ options: { drain } })
    await upgraded(loses, { safe: 'drain' })
    expect(said(await over(loses))).toEqual(['r-1 fired unconfirmed', 'r-1 held drain-failed'])
    expect((await loses.node.inspect()).now).toMatchObject({
      running: { version: 'v1.1.0' },
      traffic: 'leaving',
    })
  })

  it('starts the new version on its own data again where the old one does not run on it', async () => {
    const r = await node({ behaviour: 'refuses' })
    await upgraded(r)
    const now = await over(r)
    expect(now).toMatchObject({ running: { version: 'v1.1.0' }, active: { version: 'v1.1.0' } })
    expect(said(now)).toEqual(['r-1 fired unconfirmed', 'r-1 held old-version-refuses-data'])
    expect(tree(r.config.data)).toHaveProperty('store/000010.sst')
  })

  it.each<[string, (r: Rig) => void, Partial<SwitchSetting>]>([
    [
      'release-damaged',
      r => writeFileSync(join(r.config.install, 'releases', idOf(r), 'database'), 'other'),
      {},
    ],
    ['no-room', r => shim(r, 'df', 'echo; echo "x 100 90 10 90% /"'), {}],
    ['unsafe-stop', () => undefined, { safe: 'accepted-loss' }],
    [
      'unknown-data',
      r => writeFileSync(join(r.config.data, '.rollout', 'opened'), `9 v9.9.9 ${'9'.repeat(64)}\n`),
      {},
    ],
  ])('holds, and says so: %s', async (why, spoil, more) => {
    const r = await node()
    await upgraded(r, more)
    rmSync(join(r.config.install, 'releases', idOf(r), 'database'), { force: true, recursive: false })
    writeFileSync(
      join(r.config.install, 'releases', idOf(r), 'database'),
      readFileSync(r.releases.old.file),
      { mode: 0o755 },
    )
    spoil(r)
    const now = await over(r)
    expect(said(now).at(-1)).toBe(`r-1 held ${why}`)
    expect(now.running).not.toBe('stopped')
  })

  it('tells whoever is to know, for a bounded time', async () => {
    const file = join('/tmp', `switch-told-${process.pid}`)
    rmSync(file, { force: true })
    const command = `echo "$SWITCH_EVENT $SWITCH_REASON $ROLLOUT $NODE_NAME" >>${file}; sleep 60`
    const r = await node({ options: { onFire: { command, limit: 1000 } } })
    await upgraded(r)
    await over(r)
    await sleep(1500)
    expect(readFileSync(file, 'utf8')).toBe('fired unconfirmed r-1 db-1\nhome unconfirmed r-1 db-1\n')
    rmSync(file)
  })

  it('and a confirmation at the last moment: exactly one of them wins', async () => {
    const wins = { disarmed: 0, fired: 0 }
    for (let i = 0; i < 6; i++) {
      const r = await node({ options: { confirmWithin: 1500 } })
      await r.node.refresh(r.token, 1000)
      const began = Date.now()
      await upgraded(r)
      await r.node.refresh(r.token, 1000)
      await sleep(1300 + i * 150)
      const told = await r.act({ do: 'disarm' }).then(
        () => 'disarmed' as const,
        async (error: unknown) => {
          expect(await refusal(Promise.reject(error))).toMatchObject({ code: 'SWITCH_FIRED' })
          return 'fired' as const
        },
      )
      wins[told] += 1
      const now = await over(r)
      await sleep(300)
      expect(said(now).length > 0, `after ${Date.now() - began} ms`).toBe(told === 'fired')
      expect((await r.node.inspect()).now.running).toMatchObject({
        version: told === 'fired' ? 'v1.0.0' : 'v1.1.0',
      })
    }
    expect(wins.disarmed + wins.fired).toBe(6)
  })

  it('is disarmed on the node by one line, without any of this', async () => {
    const r = await node()
    await upgraded(r)
    const { disarmLine } = await import('../../src/domain/switch.ts')
    const { execFileSync } = await import('node:child_process')
    execFileSync('sh', ['-c', disarmLine(r.config.install)])
    await sleep(WINDOW + 1500)
    const { now } = await r.node.inspect()
    expect(now.running).toMatchObject({ version: 'v1.1.0' })
    expect(said(now)).toEqual([])
  })

  it('of another rollout does nothing once that one holds the node', async () => {
    const r = await node()
    await upgraded(r)
    await sleep(1100)
    const { now: taken } = await leased(r, 'p-7', { rollout: 'r-2', over: 'expired' })
    expect(taken.armed).toMatchObject({ rollout: 'r-1' })
    await sleep(WINDOW + 1500)
    const { now } = await r.node.inspect()
    expect(now).toMatchObject({ running: { version: 'v1.1.0' }, lease: { rollout: 'r-2' } })
    expect((await r.act({ do: 'disarm' })).now.armed).toBeUndefined()
  })

  it('whose watcher is gone is seen to be so, and set anew', async () => {
    const r = await node({ options: { confirmWithin: 60_000 } })
    await r.act(arming(r))
    const [pid = ''] = readFileSync(state(r, 'switch-pid'), 'utf8').split(' ')
    process.kill(Number(pid), 'SIGKILL')
    await sleep(200)
    expect((await r.node.inspect()).now.armed).toMatchObject({ watched: false })
    expect((await r.act(arming(r))).now.armed).toMatchObject({ watched: true })
  })
})

describe('after a reboot', () => {
  it('the window begins anew, once and not twice', async () => {
    const r = await node({ options: { confirmWithin: 8000 } })
    const boot = join(r.root, 'boot')
    const first = join(r.root, 'first')
    writeFileSync(boot, 'boot-1\n')
    await r.act(arming(r))
    // the same machine, started again: another boot id, and a first process that was born a second ago
    const booted = (name: string, ago: number): Shell => ({
      ...r.shell,
      run: (program, args, o) => {
        writeFileSync(boot, `${name}\n`)
        const now = Math.round(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100)
        writeFileSync(first, `1 (init) ${['S', ...Array(18).fill(0), now - ago * 100, 0].join(' ')}\n`)
        const text = program.text
          .replaceAll('/proc/sys/kernel/random/boot_id', `'${boot.replaceAll("'", String.raw`'\''`)}'`)
          .replaceAll('/proc/1/stat', `'${first.replaceAll("'", String.raw`'\''`)}'`)
        return r.shell.run({ ...program, text }, args, o)
      },
    })
    const left = async (name: string, ago: number): Promise<number> =>
      (await r.another({ confirmWithin: 8000 }, '', booted(name, ago)).inspect()).now.armed?.left ?? -1
    expect(await left('boot-2', 1)).toBeCloseTo(7000, -3)
    // what the first look after that reboot leaves behind
    const [spoke = ''] = readFileSync(state(r, `lease-time.${r.token}`), 'utf8').split(' ')
    writeFileSync(state(r, 'switch-boot'), `${spoke} boot-2\n`)
    expect(await left('boot-2', 3)).toBeCloseTo(5000, -3)
    expect(await left('boot-3', 1)).toBe(0)
  })
})

const idOf = (r: Rig): string => `v1.0.0-${r.releases.old.sha256.slice(0, 12)}`
