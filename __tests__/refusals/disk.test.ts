import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { engine, errorsIn, type Ran } from './engine.ts'
import { refused, wellSaid } from './expect.ts'
import { footprint } from './footprint.ts'
import { openRig, type Rig } from './rig.ts'

// A busy machine takes ten times as long as an idle one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** A disk without room for the snapshot: seen in the plan, or only when it is taken. Mounting a small disk needs root. */

const MB = 1_000_000
const root = process.getuid?.() === 0

describe.runIf(root)('a small disk', () => {
  const home = mkdtempSync(join(tmpdir(), 'refusals-disk-'))
  const disk = join(home, 'fleet')
  const ballast = join(disk, 'ballast')
  let rig: Rig

  beforeAll(async () => {
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=420m', 'tmpfs', disk])
    rig = await openRig({ nodes: 1, messages: 6000, home })
  })
  afterEach(() => rmSync(ballast, { force: true }))
  afterAll(async () => {
    await rig.fleet.close()
    execFileSync('umount', ['-l', disk])
    rmSync(home, { recursive: true, force: true })
  })

  /** Leaves this many bytes free. */
  const fill = (left: number): void => {
    rmSync(ballast, { force: true })
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)))
  }

  /** All but the ballast, records, and the release that may have been installed beside the one that runs. */
  const lasting = (): string[] =>
    footprint(rig.fleet).filter(
      line => !/^ballast|install\/state|\.data-notes\/owner|install\/releases\/v0\.2\.2/.test(line),
    )

  test('is full when the plan is made', async () => {
    fill(10 * MB)
    const [told] = await refused(rig, () => rig.release(), ['DISK_FULL'])
    expect(told?.what).toMatch(/\d+ MB free/)
    expect(told?.next).toContain('disk-reserve')
  })

  test.each([
    ['to the last byte', 0],
    ['but for what a lease needs', 300_000],
  ])(
    'fills up %s between the plan and the snapshot: nothing is left half done, and the server never noticed',
    async (_, left) => {
      const before = lasting()
      const { code, text } = await steps(rig, step => {
        if (step === 'snapshot') fill(left)
        if (step === 'report') rmSync(ballast)
      })
      wellSaid(errorsIn(text.split('\n')))
      expect(code, text).toBe(3)
      expect(text).toMatch(/^= Unchanged .*data untouched$/m)
      expect(text).toMatch(/^Next: .*free (some )?space/m)
      expect(lasting()).toEqual(before)
      expect(readdirSync(join(disk, 'db-1'))).not.toContain('.data-staging')
      const after = await rig.release({ mode: 'plan' })
      expect(after.code, `${text}\nand then\n${after.text}`).toBe(0)
    },
  )
})

test('a reserve that is not there is told before anything is begun', async () => {
  const rig = await openRig({ nodes: 1 })
  try {
    await refused(rig, () => rig.release({ fleet: { 'disk-reserve': '100 %' } }), ['DISK_FULL'])
  } finally {
    await rig.close()
  }
})

/** The steps of the composite one by one, so that something can happen between them. */
async function steps(rig: Rig, between: (step: string) => void): Promise<Ran> {
  const dir = mkdtempSync(join(rig.dir, 'use-'))
  const env = {
    INPUT_MODE: 'release',
    INPUT_TAG: 'v0.2.2',
    INPUT_CONFIG: rig.file().slice(rig.dir.length + 1),
    INPUT_KEYS: `backend=${rig.fleet.keys.probe}\nadmin=${rig.fleet.keys.admin}\n`,
  }
  let last: Ran = { code: null, text: '', errors: [], dir }
  let text = ''
  for (const step of ['plan', 'snapshot', 'settle', 'report']) {
    between(step)
    last = await engine({ action: rig.action, scratch: rig.dir, args: ['step', step], dir, env })
    text += last.text
  }
  return { ...last, text }
}
