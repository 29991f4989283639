import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { rig, shells, started } from './rig.ts'

describe.each(shells)('a node under %s', shellName => {
  it('goes from one release to the next and back, keeping what was written', async () => {
    const r = rig(shellName)
    try {
      let now = (await r.node.inspect()).now
      expect(now).toMatchObject({ running: 'stopped', active: 'none', lease: 'free', busy: false })
      now = (await started(r)).now
      expect(now.running).toMatchObject({ version: 'v1.0.0' })
      expect(now.data).toMatchObject({ opens: 2, openedBy: { version: 'v1.0.0' }, swap: 'none' })
      now = (await r.act({ do: 'stop' })).now
      expect(now).toMatchObject({ running: 'stopped', lastExit: '0' })
      now = (await r.act({ do: 'snapshot', kind: 'rollback-point', name: 'r-1.rollback-point.2' })).now
      expect(now.snapshots).toMatchObject([
        { kind: 'rollback-point', opens: 2, sealed: true, clean: true, of: { version: 'v1.0.0' } },
      ])
      await r.act({ do: 'activate', release: r.releases.next })
      now = (await r.act({ do: 'start', release: r.releases.next })).now
      expect(now.running).toMatchObject({ version: 'v1.1.0' })
      now = (await r.act({ do: 'back', release: r.releases.old, name: 'r-1.return-point.3' })).now
      expect(now.running).toMatchObject({ version: 'v1.0.0' })
      expect(now.data.opens).toBe(4)
      expect(now.snapshots).toHaveLength(2)
      // it writes this when it gets to it
      const log = (): string => readFileSync(`${r.config.install}/state/server.log`, 'utf8')
      await expect.poll(log, { timeout: 10_000 }).toContain("GREETING=it's a test")
      now = (await r.act({ do: 'release' })).now
      expect(now.lease).toBe('free')
    } finally {
      r.close()
    }
  })
})
