import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { program } from '../../src/node/programs.ts'
import { script } from '../../src/shell/script.ts'
import {
  checkpoint,
  claim,
  grip,
  leased,
  refusal,
  type Rig,
  rig,
  shells,
  shim,
  sleep,
  started,
  notes,
  state,
  unshim,
} from './rig.ts'

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))
const fresh = (...args: Parameters<typeof rig>): Rig => {
  const r = rig(...args)
  rigs.push(r)
  return r
}

describe.each(shells)('the lease under %s', shellName => {
  it('goes to exactly one of six who ask at once', async () => {
    const r = fresh(shellName)
    const asked = Array.from({ length: 6 }, (_, n) =>
      r.another().lease(claim(`p-${n}`, { rollout: `r-${n}` })),
    )
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.filter(o => o.status === 'fulfilled')).toHaveLength(1)
    const { now } = await r.node.inspect()
    expect(now.lease).toMatchObject({ token: 1 })
  })

  it('refuses others by name, and follows the rules of taking over', async () => {
    const r = fresh(shellName)
    await leased(r, 'p-1', { holder: "ana's run ✓", doing: 'watching the canary' })
    const failure = await refusal(r.node.lease(claim('p-2', { rollout: 'r-2', over: 'parked' })))
    expect(failure).toMatchObject({
      code: 'LEASE_HELD',
      kind: 'lease',
      effect: 'none',
      held: { rollout: 'r-1', holder: "ana's run ✓" },
    })
    expect(failure.because).toContain('watching the canary')
    expect(await refusal(r.node.lease(claim('p-2')))).toMatchObject({ code: 'LEASE_HELD' })
    await leased(r, 'p-2', { over: 'same-rollout' })
    expect(r.token).toBe(2)
    // its own process again: nothing changes hands
    await leased(r, 'p-2')
    expect(r.token).toBe(2)
    await r.act({ do: 'park', within: 60_000 })
    expect(await refusal(r.node.lease(claim('p-3', { rollout: 'r-3', over: 'same-rollout' })))).toMatchObject(
      { held: { parked: true } },
    )
    await leased(r, 'p-3', { rollout: 'r-3', over: 'parked' })
    expect(r.token).toBe(3)
    const [seen, page] = [r.token, 'https://github.com/o/r/actions/runs/7/attempts/2']
    expect(await refusal(r.node.lease(claim('p-4', { rollout: 'r-4', over: seen - 1 })))).toMatchObject({
      code: 'LEASE_HELD',
    })
    const taken = await leased(r, 'p-4', { rollout: 'r-4', over: seen, run: page })
    expect(taken.now.lease).toMatchObject({
      run: { server: 'https://github.com', repository: 'o/r', run: 7, attempt: 2 },
    })
    expect(taken.now.lease).toHaveProperty(
      'age',
      expect.toSatisfy(ms => ms >= 0 && ms < 5000),
    )
    expect(r.token).toBe(4)
  })

  it('ends with its time on the node, which the holder alone prolongs', async () => {
    const r = fresh(shellName)
    await leased(r, 'p-1', { ttl: 400 })
    expect(await r.node.refresh(1, 900)).toBe('held')
    expect(await r.node.refresh(7, 60_000)).toBe('lost')
    await sleep(450)
    expect(await refusal(r.node.lease(claim('p-2', { rollout: 'r-2' })))).toMatchObject({
      code: 'LEASE_HELD',
    })
    await sleep(550)
    await leased(r, 'p-2', { rollout: 'r-2' })
    expect(r.token).toBe(2)
    expect(await r.node.refresh(1, 60_000)).toBe('lost')
  })

  it('fences every program of an older token, and lets go only once', async () => {
    const r = fresh(shellName)
    await started(r)
    const old = r.token
    await leased(r, 'p-2', { over: 'same-rollout' })
    for (const action of [
      { do: 'stop' },
      { do: 'snapshot', kind: 'rehearsal', name: 'a' },
      { do: 'release' },
    ] as const) {
      expect(await refusal(r.node.act(action, grip(old)))).toMatchObject({
        code: 'LEASE_LOST',
        effect: 'none',
        kind: 'lease',
      })
    }
    await r.act({ do: 'release' })
    expect((await r.act({ do: 'release' })).now.lease).toBe('free')
    expect(await refusal(r.act({ do: 'stop' }))).toMatchObject({ code: 'LEASE_LOST' })
    const { now } = await r.node.inspect()
    expect(now).toMatchObject({ lease: 'free', running: { version: 'v1.0.0' } })
  })
})

it('begins a window anew after a reboot, since the node cannot know how long it was off', async () => {
  const r = fresh()
  await leased(r)
  // a machine in a container was started later than the clock that it sees
  const first = Number(readFileSync('/proc/1/stat', 'utf8').split(') ')[1]?.split(' ')[19]) * 10
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000 - first
  writeFileSync(state(r, 'lease-time.1'), `00000000-another-boot 5 ${Math.round(uptime + 30_000)}\n`)
  const { now } = await r.node.inspect()
  expect(now.lease).toMatchObject({ rollout: 'r-1' })
  const left = now.lease === 'free' ? 0 : now.lease.left
  expect(left).toBeGreaterThan(20_000)
  expect(left).toBeLessThanOrEqual(30_000)
})

it('writes decision lines before the lease is visible, once', async () => {
  const r = fresh()
  const line = {
    schema: 1,
    seq: 1,
    at: 5,
    type: 'decided',
    what: 'going-back',
    code: 'not-ready',
    why: 'ü at 100 %',
    cause: 'fault',
  } as const
  await leased(r, 'p-1', { lines: [line] })
  await r.act({ do: 'record', lines: [line, { ...line, seq: 2 }] })
  const { now } = await r.act({ do: 'record', lines: [{ ...line, seq: 2 }] })
  expect(now.record).toEqual([line, { ...line, seq: 2 }])
  expect(
    await refusal(r.node.lease(claim('p-2', { rollout: 'r-2', lines: [{ ...line, seq: 3 }] }))),
  ).toMatchObject({ code: 'LEASE_HELD' })
  expect((await r.node.inspect()).now.record).toHaveLength(2)
})

describe.each(shells)('a program that its engine has left, under %s', shellName => {
  it('is told to end when the lease changes hands, and undoes what it began', async () => {
    const r = fresh(shellName)
    await started(r)
    shim(r, 'cp', 'case $1 in -al) echo began >"$TMPDIR/began"; sleep 60 ;; esac; exec {real} "$@"')
    const lost = refusal(r.act({ do: 'snapshot', kind: 'rehearsal', name: 'slow' }))
    await until(() => existsSync(`${r.root}/began`))
    expect((await r.node.inspect()).now.busy).toBe(true)
    const begun = performance.now()
    const { now, facts } = await leased(r, 'p-2', { over: 'same-rollout' })
    expect(performance.now() - begun).toBeLessThan(8000)
    expect(await lost).toMatchObject({ code: 'INTERRUPTED' })
    expect(now.lease).toMatchObject({ process: 'p-2' })
    expect(existsSync(`${checkpoint(r, 'slow')}.partial`)).toBe(false)
    expect(readFileSync(`/proc/${facts.pid}/stat`, 'utf8')).not.toMatch(/\) T/)
  })

  it('keeps the lock through its children when it is killed, until they end or are ended', async () => {
    const r = fresh(shellName)
    await started(r)
    await r.act({ do: 'stop' })
    shim(r, 'cp', 'case $1 in -al) echo began >"$TMPDIR/began"; exec sleep 60 ;; esac; exec {real} "$@"')
    const lost = refusal(r.act({ do: 'snapshot', kind: 'rollback-point', name: 'slow' }))
    await until(() => existsSync(`${r.root}/began`))
    process.kill(Number(readFileSync(notes(r, 'owner'), 'utf8').split(' ')[0]), 'SIGKILL')
    expect(await lost).toMatchObject({ code: 'NO_ANSWER', effect: 'unknown' })
    expect((await r.node.inspect()).now.busy).toBe(true)
    unshim(r, 'cp')
    await leased(r, 'p-2', { over: 'same-rollout' })
    const { now } = await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'again' })
    expect(now).toMatchObject({ busy: false, snapshots: [{ name: 'again' }] })
  })

  it('finishes a stop although nobody reads what it says any more, and is waited for', async () => {
    const r = fresh(shellName, 'dies')
    await started(r)
    shim(r, 'sync', 'sleep 0.3; exec {real} "$@"')
    const orphan = orphaned(r, script(program('stop'), words(r)))
    await sleep(300)
    orphan.stdout?.destroy()
    orphan.stderr?.destroy()
    const { now } = await leased(r, 'p-2', { over: 'same-rollout' })
    expect(now).toMatchObject({ running: 'stopped', busy: false, lastExit: '143' })
  })
})

it('ends what it runs when the engine is told to stop', async () => {
  const r = fresh()
  await started(r)
  shim(r, 'cp', 'case $1 in -al) echo began >"$TMPDIR/began"; sleep 60 ;; esac; exec {real} "$@"')
  const stop = new AbortController()
  const lost = refusal(
    r.node.act({ do: 'snapshot', kind: 'rehearsal', name: 'slow' }, grip(r.token, stop.signal)),
  )
  await until(() => existsSync(`${r.root}/began`))
  stop.abort()
  expect(await lost).toMatchObject({ code: 'INTERRUPTED' })
  expect(await refusal(r.node.act({ do: 'stop' }, grip(r.token, stop.signal)))).toMatchObject({
    code: 'INTERRUPTED',
    effect: 'none',
  })
  expect((await r.node.inspect()).now).toMatchObject({ busy: false, running: { version: 'v1.0.0' } })
})

const words = (r: Rig): string[] => [
  `install=${r.config.install}`,
  `data=${r.config.data}`,
  `config=${r.config.config}`,
  'binary=database',
  'immutable=*.sst',
  'wait=10',
  `token=${r.token}`,
  'limit=5',
]

function orphaned(r: Rig, input: string): ChildProcess {
  const child = spawn('sh', ['-s'], { env: { PATH: r.path, TMPDIR: r.root }, stdio: 'pipe' })
  child.stdin.end(input)
  return child
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await sleep(10)
  expect(holds()).toBe(true)
}
