import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { sequence } from '../fleet/moments.ts'
import { data, DEEDS, type Deed, halfDone, lasting, named, nodeFor, shape } from './deeds.ts'
import { type Rig, shells, shim } from './rig.ts'

/*
 * A program of a node is killed, with all of its shells, before each call that changes something, and behind it. The next runner says
 * the same once more, and the node is as if nothing had happened. `KILLS=1` meets one call of ten, always the same.
 */
const EVERY = process.env['KILLS'] === '1' ? 10 : 1
const CHANGES = [
  'mv',
  'rm',
  'mkdir',
  'chmod',
  'cp',
  'ln',
  'sync',
  'rmdir',
  'touch',
  'cat',
  'tar',
  'find',
  'grep',
] as const

const rigs: Rig[] = []
afterEach(() => rigs.splice(0).forEach(r => r.close()))

/** The programs that change something count themselves, and the one whose turn it is kills whoever called it. */
function countCalls(r: Rig): void {
  const at = (name: string): string => `'${join(r.root, name).replaceAll("'", `'\\''`)}'`
  for (const tool of CHANGES)
    shim(
      r,
      tool,
      `chain='' p=$PPID
if [ -f ${at('kill-at')} ]; then
  while [ "$p" -gt 1 ] && [ "$p" != ${process.pid} ]; do
    read -r stat <"/proc/$p/stat" || break
    chain="$p $chain"
    rest=\${stat##*) } rest=\${rest#? }
    p=\${rest%% *}
  done
fi
# what outlives the program is not the program
[ "$p" = ${process.pid} ] || exec {real} "$@"
read -r turn how <${at('kill-at')}
n=0
[ ! -f ${at('calls')} ] || read -r n <${at('calls')}
n=$((n + 1))
echo "$n" >${at('calls')}
[ "$n" = "$turn" ] || exec {real} "$@"
[ "$how" = before ] || {real} "$@"
kill -9 $chain`,
    )
}

/** Calls `work` so that it dies at its call of this turn; false where it has not so many. */
async function killed(r: Rig, turn: number, work: () => Promise<unknown>): Promise<boolean> {
  writeFileSync(join(r.root, 'kill-at'), `${Math.ceil(turn / 2)} ${turn % 2 === 1 ? 'before' : 'behind'}\n`)
  await work().catch(() => undefined)
  rmSync(join(r.root, 'kill-at'))
  const calls = existsSync(join(r.root, 'calls')) ? Number(readFileSync(join(r.root, 'calls'), 'utf8')) : 0
  rmSync(join(r.root, 'calls'), { force: true })
  return calls >= Math.ceil(turn / 2)
}

async function fresh(one: Deed, shellName: (typeof shells)[number]): Promise<Rig> {
  const r = await nodeFor(one, shellName)
  rigs.push(r)
  countCalls(r)
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
