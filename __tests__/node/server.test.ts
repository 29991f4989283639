import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { crashing } from './crash.ts'
import {
  checkpoint,
  grip,
  leased,
  refusal,
  type Rig,
  rig,
  sha,
  shells,
  sleep,
  started,
  state,
} from './rig.ts'

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))
const fresh = (...args: Parameters<typeof rig>): Rig => {
  const r = rig(...args)
  rigs.push(r)
  return r
}
/** The server as somebody else starts it: not through us. */
async function byHand(r: Rig): Promise<number> {
  const script = new URL('./database.pl', import.meta.url).pathname
  const child = spawn(r.releases.old.file, [script, r.config.data, 'x', ''], {
    stdio: 'ignore',
    detached: true,
    cwd: r.root,
  })
  child.unref()
  await sleep(150)
  return child.pid ?? 0
}
const alive = (pid: number): boolean => existsSync(`/proc/${pid}`)

describe.each(shells)('a server under %s', shellName => {
  it('lives on its own: session, signals, files, environment', async () => {
    const r = fresh(shellName)
    const { facts } = await started(r)
    const proc = `/proc/${facts.pid}`
    const status = readFileSync(`${proc}/status`, 'utf8')
    const [, , , ppid, pgrp, session] = readFileSync(`${proc}/stat`, 'utf8')
      .replace(/\(.*\)/, 'x')
      .split(' ')
      .slice(0, 6)
    expect(session).not.toBe(String(process.pid))
    expect(pgrp).toBe(session)
    expect(ppid).not.toBe(String(process.pid))
    // TERM (15), HUP (1) and PIPE (13) are as a program expects them
    const ignored = BigInt(`0x${/SigIgn:\s+(\w+)/.exec(status)?.[1]}`)
    expect(ignored & ((1n << 14n) | 1n | (1n << 12n))).toBe(0n)
    const open = readdirSync(`${proc}/fd`).map(fd => readlinkSync(`${proc}/fd/${fd}`))
    expect(open.filter(file => file.includes('/state/'))).toEqual([
      state(r, 'server.log'),
      state(r, 'server.log'),
    ])
    expect(readlinkSync(`${proc}/fd/0`)).toBe('/dev/null')
    const env = readFileSync(`${proc}/environ`, 'utf8')
      .split('\0')
      .map(pair => pair.split('=')[0])
    expect(
      env.filter(name => !['PATH', 'GREETING', 'PWD', '_', 'SHLVL', 'OLDPWD', ''].includes(name ?? '')),
    ).toEqual([])
    const cmdline = readFileSync(`${proc}/cmdline`, 'utf8').split('\0')
    expect(cmdline.slice(2, 4)).toEqual([r.config.data, r.config.config])
  })

  it('is adopted as it runs, by its own bytes', async () => {
    const r = fresh(shellName)
    await leased(r)
    expect(await refusal(r.act({ do: 'adopt', version: 'v1.0.0' }))).toMatchObject({
      code: 'NOT_FOUND',
      effect: 'none',
    })
    const pid = await byHand(r)
    expect((await r.node.inspect()).now.running).toBe('unknown')
    expect((await r.node.inspect()).facts).toMatchObject({ stranger: String(pid), adopted: false })
    expect(await refusal(r.act({ do: 'adopt', version: 'v1.0.0', pid: process.pid }))).toMatchObject({
      code: 'NOT_FOUND',
    })
    const { now, facts, answer } = await r.act({ do: 'adopt', version: 'v1.0.0' })
    expect(answer['adopted']).toEqual([r.releases.old.sha256])
    expect(now).toMatchObject({
      running: { version: 'v1.0.0' },
      active: { version: 'v1.0.0' },
      data: { opens: 1 },
    })
    expect(facts).toMatchObject({ pid, adopted: true })
    expect((await r.act({ do: 'adopt', version: 'v1.0.0' })).now.data.opens).toBe(1)
    await r.act({ do: 'stop' })
    expect(alive(pid)).toBe(false)
    const again = await r.act({ do: 'start', release: r.releases.old })
    expect(readlinkSync(`/proc/${again.facts.pid}/cwd`)).toBe(r.root)
    expect(again.now.running).toMatchObject({ version: 'v1.0.0' })
  })

  it('is killed only on a way back, and its data is then unclean', async () => {
    const r = fresh(shellName, 'hangs')
    r.node = r.another({ stopLimit: 400 })
    const { facts } = await started(r)
    expect(await refusal(r.act({ do: 'stop' }))).toMatchObject({
      code: 'STOP_LIMIT',
      kind: 'stop',
      effect: 'unknown',
    })
    expect(alive(Number(facts.pid))).toBe(true)
    const { now } = await r.act({ do: 'stop', force: true })
    expect(now).toMatchObject({ running: 'stopped', lastExit: 'signal 9' })
    const taken = await r.act({ do: 'snapshot', kind: 'return-point', name: 'unclean' })
    expect(taken.now.snapshots).toMatchObject([{ clean: false }])
  })
})

describe('whom we signal', () => {
  it('never a stranger who got the same pid', async () => {
    const r = fresh()
    await leased(r)
    await r.act({ do: 'install', release: r.releases.old, file: r.releases.old.file })
    const stranger = spawn('sleep', ['30'], { stdio: 'ignore' })
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    for (const line of [
      `${stranger.pid} 1 ${boot}`,
      `${stranger.pid} ${startTime(stranger.pid ?? 0)} another-boot`,
      `${stranger.pid}`,
      '',
    ]) {
      writeFileSync(state(r, 'pid'), `${line}\n`)
      const { now } = await r.act({ do: 'stop', force: true })
      expect(now.running).toBe('stopped')
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
    }
    stranger.kill()
  })

  it('nor one who opened the data behind our back', async () => {
    const r = fresh()
    await started(r)
    await r.act({ do: 'stop' })
    const pid = await byHand(r)
    for (const action of [
      { do: 'stop' },
      { do: 'start', release: r.releases.old },
      { do: 'snapshot', kind: 'rollback-point', name: 'a' },
      { do: 'snapshot', kind: 'rehearsal', name: 'b' },
      { do: 'activate', release: r.releases.old },
    ] as const) {
      expect(await refusal(r.act(action))).toMatchObject({ code: 'DATA_IN_USE' })
    }
    expect(alive(pid)).toBe(true)
    process.kill(pid)
  })
})

describe('what may be started', () => {
  it('nothing that did not open the data last, without a checkpoint of this stop', async () => {
    const r = fresh()
    await started(r)
    await r.act({ do: 'snapshot', kind: 'rehearsal', name: 'rehearsal' })
    await r.act({ do: 'stop' })
    expect(await refusal(r.act({ do: 'activate', release: r.releases.next }))).toMatchObject({
      code: 'NO_CHECKPOINT',
      effect: 'none',
    })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'point' })
    await r.act({ do: 'activate', release: r.releases.next })
    expect(await refusal(r.act({ do: 'start', release: r.releases.old }))).toMatchObject({
      code: 'NOT_ACTIVE',
    })
    rmSync(checkpoint(r, 'point'), { recursive: true })
    expect(await refusal(r.act({ do: 'start', release: r.releases.next }))).toMatchObject({
      code: 'NO_CHECKPOINT',
    })
  })

  it('no binary that is not what it was', async () => {
    const r = fresh()
    await started(r)
    await r.act({ do: 'stop' })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'point' })
    const file = join(
      r.config.install,
      'releases',
      `v1.1.0-${r.releases.next.sha256.slice(0, 12)}`,
      'database',
    )
    const bytes = readFileSync(file)
    bytes[bytes.length - 3] = 0
    writeFileSync(file, bytes)
    expect(await refusal(r.act({ do: 'activate', release: r.releases.next }))).toMatchObject({
      code: 'RELEASE_DAMAGED',
      effect: 'none',
    })
    expect(
      await refusal(r.act({ do: 'install', release: r.releases.next, file: r.releases.next.file })),
    ).toMatchObject({ code: 'RELEASE_DAMAGED' })
    expect(sha(file)).not.toBe(r.releases.next.sha256)
  })

  it('nothing on data that nobody knows', async () => {
    const r = fresh()
    await leased(r)
    await r.act({ do: 'install', release: r.releases.old, file: r.releases.old.file })
    expect(await refusal(r.act({ do: 'activate', release: r.releases.old }))).toMatchObject({
      code: 'NOT_ADOPTED',
    })
    expect(await refusal(r.act({ do: 'snapshot', kind: 'rollback-point', name: 'a' }))).toMatchObject({
      code: 'NOT_ADOPTED',
    })
  })

  it('says why a server ended at once', async () => {
    const r = fresh()
    await started(r)
    await r.act({ do: 'stop' })
    await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'point' })
    const file = join(r.root, 'broken')
    writeFileSync(file, '#!/bin/sh\necho told to fail\nexit 7\n')
    const broken = { version: 'v2', sha256: sha(file) }
    await r.act({ do: 'install', release: broken, file })
    await r.act({ do: 'activate', release: broken })
    const failure = await refusal(r.act({ do: 'start', release: broken }))
    expect(failure).toMatchObject({ code: 'SERVER_EXITED', kind: 'ended', effect: 'unknown' })
    expect(failure.because).toMatch(/^the server ended at once \(7 .*told to fail/)
  })

  it('installs only what has the right digest', async () => {
    const r = fresh()
    await leased(r)
    const wrong = { ...r.releases.old, sha256: r.releases.next.sha256 }
    expect(await refusal(r.act({ do: 'install', release: wrong, file: r.releases.old.file }))).toMatchObject({
      code: 'WRONG_DIGEST',
      effect: 'none',
    })
    expect((await r.node.inspect()).now.installed).toEqual([])
  })
})

it('marks the process whose invariants held, and no other', async () => {
  const r = fresh()
  const { facts } = await started(r)
  expect((await r.act({ do: 'mark-checked', process: facts.process })).now.checked).toBe(true)
  await r.act({ do: 'stop' })
  const { now } = await r.act({ do: 'start', release: r.releases.old })
  expect(now.checked).toBe(false)
  expect(await refusal(r.act({ do: 'mark-checked', process: facts.process }))).toMatchObject({
    code: 'NOT_RUNNING',
  })
})

it('a server that died by itself was stopped by nobody cleanly', async () => {
  const r = fresh()
  const { facts } = await started(r)
  process.kill(Number(facts.pid), 'SIGKILL')
  await sleep(100)
  expect((await r.node.inspect()).now.running).toBe('stopped')
  expect((await r.act({ do: 'stop' })).now.lastExit).toBe('137')
  const { now } = await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'a' })
  expect(now.snapshots).toMatchObject([{ clean: false }])
})

describe('drain by commands', () => {
  const commands = (out: string): Parameters<Rig['another']>[0] => ({
    drain: { kind: 'commands', out, in: 'echo "$NODE_NAME $NODE_PORT" >"$TMPDIR/in"', limit: 2000 },
  })
  it('remembers what the data was when it was drained', async () => {
    const r = fresh()
    await started(r)
    r.node = r.another(commands('echo out >>"$TMPDIR/out"'))
    expect((await r.node.inspect()).now.traffic).toBe('in')
    await r.act({ do: 'drain' })
    const { now } = await r.act({ do: 'drain' })
    expect(now).toMatchObject({ traffic: 'drained', drainedAt: 2 })
    expect(readFileSync(join(r.root, 'out'), 'utf8')).toBe('out\n')
    expect((await r.act({ do: 'undrain' })).now.traffic).toBe('in')
    expect(readFileSync(join(r.root, 'in'), 'utf8')).toBe('db-1 18080\n')
  })
  it('is not drained when the command fails or hangs', async () => {
    const r = fresh()
    await started(r)
    r.node = r.another(commands('echo ::error::no balancer; exit 3'))
    const failure = await refusal(r.act({ do: 'drain' }))
    expect(failure).toMatchObject({ code: 'DRAIN_FAILED', effect: 'unknown' })
    expect(failure.because).toBe('exit 3: : :error: :no balancer')
    r.node = r.another(commands('sleep 20'))
    expect(await refusal(r.act({ do: 'drain' }))).toMatchObject({ code: 'DRAIN_FAILED' })
    // what it did before it failed is not known: it has to be let in again
    expect((await r.node.inspect()).now).toMatchObject({ traffic: 'leaving' })
    expect((await r.act({ do: 'undrain' })).now.traffic).toBe('in')
  })
  it('is seen to be out of traffic, perhaps, where its program died behind the command', async () => {
    const r = fresh()
    await started(r)
    r.node = r.another(commands('echo out >>"$TMPDIR/out"'), '', crashing(r.shell, 'drain', 0))
    await r.act({ do: 'drain' }).catch(() => undefined)
    r.node = r.another(commands('echo out >>"$TMPDIR/out"'))
    const { now } = await r.node.inspect()
    expect(now.traffic).toBe('leaving')
    expect(now.drainedAt).toBeUndefined()
    expect((await r.act({ do: 'drain' })).now).toMatchObject({ traffic: 'drained', drainedAt: 2 })
    expect(readFileSync(join(r.root, 'out'), 'utf8')).toBe('out\nout\n')
  })
  it('is seen to be in traffic, perhaps, where the program that puts it back died behind the command', async () => {
    const r = fresh()
    await started(r)
    r.node = r.another(commands('echo out >>"$TMPDIR/out"'))
    await r.act({ do: 'drain' })
    r.node = r.another(commands('true'), '', crashing(r.shell, 'drain', 0))
    await r.act({ do: 'undrain' }).catch(() => undefined)
    expect(readFileSync(join(r.root, 'in'), 'utf8')).toBe('db-1 18080\n')
    r.node = r.another(commands('echo out >>"$TMPDIR/out"'))
    const { now } = await r.node.inspect()
    expect(now.traffic).toBe('leaving')
    expect(now.drainedAt).toBeUndefined()
    expect((await r.act({ do: 'drain' })).now.traffic).toBe('drained')
    expect(readFileSync(join(r.root, 'out'), 'utf8')).toBe('out\nout\n')
  })
  it('does not count as drained any longer where it could not be put back', async () => {
    const r = fresh()
    await started(r)
    r.node = r.another(commands('true'))
    await r.act({ do: 'drain' })
    r.node = r.another({ drain: { kind: 'commands', out: 'true', in: 'exit 1', limit: 2000 } })
    expect(await refusal(r.act({ do: 'undrain' }))).toMatchObject({ code: 'DRAIN_FAILED' })
    expect((await r.node.inspect()).now.traffic).toBe('leaving')
  })
})

it('follows a data folder that is itself a link', async () => {
  const r = fresh()
  const real = join(r.root, 'disk')
  mkdirSync(real)
  rmSync(r.config.data, { recursive: true })
  const { makeData } = await import('./rig.ts')
  makeData(join(real, 'db'))
  symlinkSync(join(real, 'db'), r.config.data)
  await started(r)
  await r.act({ do: 'stop' })
  await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'a' })
  writeFileSync(join(real, 'db', 'store', '000009.sst'), 'later')
  const { now } = await r.node.act({ do: 'restore', name: 'a' }, grip(r.token))
  expect(now.data).toMatchObject({ from: 'a', setAside: [join(real, 'db.failed-a')] })
  expect(readlinkSync(r.config.data)).toBe(join(real, 'db'))
})

const startTime = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/\(.*\)/, 'x')
    .split(' ')[21] ?? ''
