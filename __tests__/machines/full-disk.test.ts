import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Observed } from '../../src/domain/node.ts'
import { sequence } from '../fleet/moments.ts'
import { data, DEEDS, halfDone, lasting, named, nodeFor, shape } from '../node/deeds.ts'
import { type Rig, shells } from '../node/rig.ts'
import { sh } from './machine.ts'

/*
 * A program of a node finds its disk full at its first, second, third write, and so on. It refuses, and nothing that was there is lost:
 * with room again the next runner says the same, and the node is as if nothing had happened. `KILLS=1` meets one of these moments, always the same.
 */
const MOST = 24
const home = mkdtempSync(join(tmpdir(), 'full-disk-'))
const disk = join(home, 'disk')
const before = process.env['TMPDIR']

beforeAll(() => {
  mkdirSync(disk)
  sh('mount', '-t', 'tmpfs', '-o', 'size=256m,mode=777', 'full-disk', disk)
  process.env['TMPDIR'] = disk
})
afterAll(() => {
  process.env['TMPDIR'] = before
  sh('umount', '-l', disk)
  rmSync(home, { recursive: true, force: true })
})

/** How a server ended on a full disk may stand nowhere: what was left by it then counts as unclean. */
const whole = (now: Observed): Observed => ({
  ...now,
  snapshots: now.snapshots.map(s => ({ ...s, clean: true })),
})

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))

/** Leaves so many blocks free while `work` goes on; true where it was refused. */
async function cramped(blocks: number, work: () => Promise<unknown>): Promise<boolean> {
  const fill = join(disk, 'fill')
  fillUp(fill, blocks)
  try {
    return await work().then(
      () => false,
      () => true,
    )
  } finally {
    rmSync(fill)
  }
}

/** A server that runs takes some of what is free meanwhile. */
function fillUp(file: string, blocks: number, tries = 5): void {
  const { bavail, bsize } = statfsSync(disk)
  try {
    sh('fallocate', '-l', String(Math.max(1, bavail - blocks) * bsize), file)
  } catch (problem) {
    if (tries === 0) throw problem
    rmSync(file, { force: true })
    fillUp(file, blocks, tries - 1)
  }
}

describe.each(DEEDS)('$name', one => {
  test('on a full disk it is refused and loses nothing', async () => {
    const reference = await nodeFor(one, 'dash')
    rigs.push(reference)
    await one.work(reference)
    const opens = one.opens === true
    const expected = shape(whole((await reference.node.inspect()).now), opens)
    const kept = data(reference)
    const random = sequence(`full ${one.name}`)
    const few = [Math.floor(random() * 8)]
    const all = process.env['KILLS'] === '1' ? few : Array.from({ length: MOST }, (_, n) => n)
    let refused = 0
    for (const blocks of all) {
      const shellName = shells[blocks % shells.length] ?? 'dash'
      const r = await nodeFor(one, shellName)
      rigs.push(r)
      if (await cramped(blocks, () => one.work(r))) refused += 1
      const where = `${one.name} under ${shellName}, ${blocks} blocks left`
      await (one.again ?? one.work)(r)
      const { now } = await r.node.inspect()
      expect(named(shape(whole(now), opens), r), where).toEqual(named(expected, reference))
      expect(lasting(data(r)), where).toEqual(lasting(kept))
      expect(halfDone(r), where).toEqual([])
      r.close()
    }
    console.log(`${one.name}: refused ${refused} times of ${all.length}`)
  })
})
