import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { checkpoint, refusal, type Rig, rig, sha, shells, shim, sleep, started, notes, tree } from './rig.ts'

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))
const fresh = async (...args: Parameters<typeof rig>): Promise<Rig> => {
  const r = rig(...args)
  rigs.push(r)
  await started(r)
  return r
}
const stopped = async (...args: Parameters<typeof rig>): Promise<Rig> => {
  const r = await fresh(...args)
  await r.act({ do: 'stop' })
  return r
}
const take = (r: Rig, name = 'a'): ReturnType<Rig['act']> =>
  r.act({ do: 'snapshot', kind: 'rollback-point', name })

describe.each(shells)('a checkpoint under %s', shellName => {
  it('shares immutable files only, and holds the configuration', async () => {
    const r = await stopped(shellName)
    const { facts, now } = await take(r)
    expect(tree(checkpoint(r, 'a/data'))).toEqual(tree(r.config.data))
    for (const name of ['store/CURRENT', 'store/000004.log', 'state/a file with blanks', '.rollout/opened']) {
      expect(statSync(checkpoint(r, `a/data/${name}`)).ino).not.toBe(statSync(join(r.config.data, name)).ino)
    }
    if (facts.checkpoint === 'link') {
      expect(statSync(checkpoint(r, 'a/data/store/000005.sst')).ino).toBe(
        statSync(join(r.config.data, 'store/000005.sst')).ino,
      )
    }
    expect(existsSync(checkpoint(r, 'a/data/store/LOCK'))).toBe(false)
    expect(readFileSync(checkpoint(r, 'a/config'), 'utf8')).toBe(readFileSync(r.config.config, 'utf8'))
    expect(statSync(checkpoint(r, 'a/config')).mode & 0o777).toBe(0o600)
    expect(now.snapshots).toMatchObject([{ sealed: true, proven: [] }])
    // again at the same stop: nothing to do; of another kind: refused
    const seal = sha(checkpoint(r, 'a/META'))
    await take(r)
    expect(sha(checkpoint(r, 'a/META'))).toBe(seal)
    expect(await refusal(r.act({ do: 'snapshot', kind: 'return-point', name: 'a' }))).toMatchObject({
      code: 'CHECKPOINT_EXISTS',
    })
  })

  it('is taken from a paused server, whole, while a table is being written', async () => {
    const r = await fresh(shellName, 'flushes')
    const { now, facts } = await r.act({ do: 'snapshot', kind: 'rehearsal', name: 'paused' })
    expect(now.running).toMatchObject({ version: 'v1.0.0' })
    const copy = checkpoint(r, 'paused/data/store/000009.sst')
    const size = statSync(copy).size
    await sleep(200)
    expect(statSync(copy).size).toBe(size)
    expect(statSync(join(r.config.data, 'store/000009.sst')).size).toBeGreaterThan(size)
    expect(readFileSync(`/proc/${facts.pid}/stat`, 'utf8')).not.toMatch(/\) T/)
    expect(existsSync(notes(r, 'paused'))).toBe(false)
  })

  it('is hashed, proven, and known when it was touched afterwards', async () => {
    const r = await stopped(shellName)
    await take(r)
    expect(await refusal(r.act({ do: 'mark-proven', name: 'a', ran: ['x'] }))).toMatchObject({
      code: 'NOT_HASHED',
    })
    await r.act({ do: 'hash', name: 'a' })
    execFileSync('sha256sum', ['-c', '--quiet', '../SHA256SUMS'], { cwd: checkpoint(r, 'a/data') })
    const { now } = await r.act({ do: 'mark-proven', name: 'a', ran: ['v1-a', 'v2-b', 'v1-a'] })
    expect(now.snapshots).toMatchObject([{ proven: ['v1-a', 'v2-b', 'v1-a'] }])
    await r.act({ do: 'hash', name: 'a' })
    writeFileSync(
      checkpoint(r, 'a/data/store/000004.log'),
      'WAL'.padEnd(statSync(checkpoint(r, 'a/data/store/000004.log')).size),
    )
    expect(await refusal(r.act({ do: 'hash', name: 'a' }))).toMatchObject({
      code: 'CHECKPOINT_DAMAGED',
      kind: 'proof',
      effect: 'none',
    })
    const before = tree(r.config.data)
    expect(await refusal(r.act({ do: 'restore', name: 'a' }))).toMatchObject({ code: 'CHECKPOINT_DAMAGED' })
    expect(tree(r.config.data)).toEqual(before)
  })
})

describe('what is not sealed', () => {
  const damages: [string, (data: string) => void][] = [
    ['a manifest that is missing', data => rmSync(join(data, 'store/MANIFEST-000001'))],
    ['a manifest that is empty', data => truncateSync(join(data, 'index/MANIFEST-000001'))],
    ['a CURRENT that is missing', data => rmSync(join(data, 'store/CURRENT'))],
    ['a CURRENT that names nothing', data => writeFileSync(join(data, 'store/CURRENT'), '')],
  ]
  it.each(damages)('%s', async (_, damage) => {
    const r = await stopped()
    damage(r.config.data)
    expect(await refusal(take(r))).toMatchObject({ code: 'DATABASE_BROKEN' })
    expect((await r.node.inspect()).now.snapshots).toEqual([])
    expect(existsSync(`${checkpoint(r, 'a')}.partial`)).toBe(false)
  })

  const specials: [string, (data: string) => void][] = [
    ['a link', data => symlinkSync('/etc/passwd', join(data, 'store', 'link'))],
    ['a fifo', data => execFileSync('mkfifo', [join(data, 'store', 'fifo')])],
    ['a name with a line break', data => writeFileSync(join(data, 'store', 'two\nlines'), '')],
    ['a name with a backslash', data => writeFileSync(join(data, 'store', 'back\\slash'), '')],
  ]
  it.each(specials)('%s in the data', async (_, make) => {
    const r = await fresh()
    make(r.config.data)
    expect(await refusal(r.act({ do: 'snapshot', kind: 'rehearsal', name: 'a' }))).toMatchObject({
      code: 'DATA_HAS_SPECIALS',
      effect: 'none',
    })
  })

  it('a copy that took longer than the server may be paused', async () => {
    const r = await fresh()
    shim(r, 'cp', 'case $1 in -al) sleep 11 ;; esac; exec {real} "$@"')
    expect(await refusal(r.act({ do: 'snapshot', kind: 'rehearsal', name: 'a' }))).toMatchObject({
      code: 'PAUSE_LIMIT',
    })
    expect((await r.node.inspect()).now).toMatchObject({ snapshots: [], running: { version: 'v1.0.0' } })
  })

  it('a copy that does not fit', async () => {
    const r = await stopped()
    shim(r, 'df', 'echo head; echo x 100 50 50 50% /')
    expect(await refusal(take(r))).toMatchObject({ code: 'DISK_FULL', effect: 'none' })
  })
})

describe('what is not restored', () => {
  const damages: [string, (r: Rig) => void][] = [
    ['a file too many', r => writeFileSync(checkpoint(r, 'a/data/store/000006.sst'), 'extra')],
    ['a file too few', r => rmSync(checkpoint(r, 'a/data/store/000005.sst'))],
    ['a file too short', r => truncateSync(checkpoint(r, 'a/data/store/000004.log'), 1)],
    ['a file too long', r => appendFileSync(checkpoint(r, 'a/data/state/a file with blanks'), 'x')],
    ['no seal', r => rmSync(checkpoint(r, 'a/SEAL'))],
  ]
  it.each(damages)('%s', async (_, damage) => {
    const r = await stopped()
    await take(r)
    const before = tree(r.config.data)
    damage(r)
    writeFileSync(join(r.config.data, 'later'), 'later')
    const failure = await refusal(r.act({ do: 'restore', name: 'a' }))
    expect(['CHECKPOINT_DAMAGED', 'NO_CHECKPOINT']).toContain(failure.code)
    expect(tree(r.config.data)).toEqual({ ...before, later: sha(join(r.config.data, 'later')) })
    expect((await r.node.inspect()).now.data.setAside).toEqual([])
  })
})

it('two histories never share a count of openings', async () => {
  const r = await stopped()
  await take(r, 'point')
  await r.act({ do: 'activate', release: r.releases.next })
  await r.act({ do: 'start', release: r.releases.next })
  await r.act({ do: 'stop' })
  await r.act({ do: 'snapshot', kind: 'return-point', name: 'return' })
  await r.act({ do: 'restore', name: 'point' })
  await r.act({ do: 'activate', release: r.releases.old })
  const { now } = await r.act({ do: 'start', release: r.releases.old })
  expect(now.data).toMatchObject({ opens: 4, from: 'point' })
  expect(now.snapshots.map(s => s.opens)).toEqual([2, 3])
  // restored again, later: a second set-aside folder, and both stay
  await r.act({ do: 'stop' })
  const again = await r.act({ do: 'restore', name: 'point' })
  expect(again.now.data.setAside).toHaveLength(2)
})

describe('a rehearsal', () => {
  it.each(shells)('runs on a real copy, as a guest, and leaves nothing, under %s', async shellName => {
    const r = await fresh(shellName)
    await r.act({ do: 'snapshot', kind: 'rehearsal', name: 'a' })
    const copied = await r.act({ do: 'stage-copy', name: 'a' })
    const { folder } = copied.facts.staging
    expect(Number(copied.answer['stage_bytes']?.[0])).toBeGreaterThan(20)
    expect(statSync(join(folder, 'data/store/000005.sst')).nlink).toBe(1)
    const running = await r.act({ do: 'stage-start', release: r.releases.next, config: 'secret: köy\n' })
    expect(running.now).toMatchObject({ staging: true, running: { version: 'v1.0.0' } })
    const guest = running.facts.staging.process.split(' ')[0] ?? ''
    expect(readFileSync(`/proc/${guest}/oom_score_adj`, 'utf8').trim()).toBe('1000')
    expect(
      readFileSync(`/proc/${guest}/stat`, 'utf8')
        .replace(/\(.*\)/, 'x')
        .split(' ')[18],
    ).toBe('19')
    expect(readFileSync(`/proc/${guest}/cmdline`, 'utf8').split('\0').slice(2, 4)).toEqual([
      join(folder, 'data'),
      join(folder, 'config'),
    ])
    expect(readFileSync(join(folder, 'config'), 'utf8')).toBe('secret: köy\n')
    expect(statSync(join(folder, 'config')).mode & 0o777).toBe(0o600)
    const ended = await r.act({ do: 'stage-stop' })
    // it may be told to end before it listens to that
    expect(['0', '143']).toContain(ended.answer['stage_ended']?.[0])
    expect(ended.facts.staging).toMatchObject({ process: '', exit: '0' })
    expect(existsSync(join(folder, 'config'))).toBe(false)
    const { now } = await r.act({ do: 'clean-staging' })
    expect(now.staging).toBe(false)
    expect(existsSync(folder)).toBe(false)
    expect(tree(checkpoint(r, 'a/data'))).not.toEqual({})
  })

  it('ends by itself on the node when its time is over', async () => {
    const r = await fresh()
    r.node = r.another({ stageLimit: 1000 }, 'hangs')
    await r.act({ do: 'snapshot', kind: 'rehearsal', name: 'a' })
    await r.act({ do: 'stage-copy', name: 'a' })
    await r.act({ do: 'stage-start', release: r.releases.old, config: 'x' })
    await sleep(2500)
    const { facts } = await r.node.inspect()
    expect(facts.staging).toMatchObject({ process: '', exit: '137' })
    expect(existsSync(join(facts.staging.folder, 'config'))).toBe(false)
  })
})
