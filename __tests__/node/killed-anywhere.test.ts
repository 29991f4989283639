import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { quote } from '../../src/domain/quote.ts'
import { sequence } from '../fleet/moments.ts'
import { data, DEEDS, type Deed, halfDone, lasting, named, nodeFor, shape } from './deeds.ts'
import { callOf, CHANGING, type Count, countedTool, turnText } from './counted-tool.ts'
import { program, type Rig, shells } from './rig.ts'

/*
 * A program of a node is killed, with all of its shells, before each call that changes something, and behind it. The next runner says
 * the same once more, and the node is as if nothing had happened. `KILLS=1` meets one call of ten, always the same.
 */
const EVERY = process.env['KILLS'] === '1' ? 10 : 1

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))

const countIn = (r: Rig): Count => ({ at: join(r.root, 'kill-at'), calls: join(r.root, 'calls') })

/** Calls `work` so that it dies at its call of this turn; false where it has not so many. */
async function killed(r: Rig, turn: number, work: () => Promise<unknown>): Promise<boolean> {
  const { at, calls } = countIn(r)
  writeFileSync(calls, '0\n')
  writeFileSync(at, turnText(turn))
  await work().catch(() => undefined)
  rmSync(at)
  return Number(readFileSync(calls, 'utf8')) >= callOf(turn)
}

async function fresh(one: Deed, shellName: (typeof shells)[number]): Promise<Rig> {
  const r = await nodeFor(one, shellName)
  rigs.push(r)
  const { at, calls } = countIn(r)
  for (const tool of CHANGING)
    program(
      r,
      tool,
      countedTool(`/usr/bin/${tool}`, { at: quote(at), calls: quote(calls) }, `${process.pid}/*`),
    )
  return r
}

describe.each(DEEDS)('$name', one => {
  test('killed anywhere and said once more, it is as if nothing had happened', async () => {
    const reference = await fresh(one, 'dash')
    await one.work(reference)
    const opens = one.opens === true
    const expected = shape((await reference.node.inspect()).now, opens)
    const kept = data(reference)
    const random = sequence(one.name)
    let met = 0
    for (let turn = 1 + Math.floor(random() * EVERY); ; turn += EVERY) {
      const shellName = shells[turn % shells.length] ?? 'dash'
      const r = await fresh(one, shellName)
      const died = await killed(r, turn, () => one.work(r))
      const where = `${one.name} under ${shellName}, turn ${turn}`
      await (one.again ?? one.work)(r)
      const { now } = await r.node.inspect()
      expect(named(shape(now, opens), r), where).toEqual(named(expected, reference))
      expect(lasting(data(r)), where).toEqual(lasting(kept))
      expect(halfDone(r), where).toEqual([])
      expect(now.busy, where).toBe(false)
      r.close()
      if (!died) break
      met += 1
    }
    console.log(`${one.name}: killed at ${met} points`)
  })
})
