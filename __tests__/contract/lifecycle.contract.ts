import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serverYaml } from '../local-fleet/server-config.ts'
import { getMessage, list, newThread, post, postMany } from './calls.ts'
import { endOf, KEYS, readyInstance, type InstanceOptions } from './instance.ts'
import type { Subject } from './progressdb.contract.ts'

/** A failed start of the original takes ten seconds to exit. */
const FAILED_START = 20_000

export function lifecycleContract(subject: () => Subject): void {
  const server = async (options: InstanceOptions = {}) => {
    const instance = await readyInstance(subject().binary, options)
    onTestFinished(instance.close)
    return instance
  }

  describe('start', () => {
    test('says it is healthy, ready, and which version it is', async () => {
      const instance = await server()
      const health = await instance.ask('/healthz')
      expect([health.status, health.json]).toEqual([200, { status: 'ok' }])
      expect(health.headers.get('server')).toBe('fasthttp')
      const readiness = await instance.ask('/readyz')
      expect([readiness.status, readiness.json]).toEqual([200, { status: 'ok', version: subject().version }])
    })

    test('a start that fails exits 2', { timeout: FAILED_START }, async () => {
      const running = await server()
      const yaml = serverYaml({ port: 1, data: join(running.dir, 'other'), keys: KEYS, walOn: true })
      const sameData = yaml.replace(join(running.dir, 'other'), running.data)
      const samePort = yaml.replace('port: 1', `port: ${new URL(running.url).port}`)
      const ends = await Promise.all([
        endOf(subject().binary, undefined),
        endOf(subject().binary, yaml.replace(/signing:\n *- sk/, 'signing: []')),
        endOf(subject().binary, sameData),
        endOf(subject().binary, samePort),
      ])
      expect(ends.map(end => end.exit)).toEqual([2, 2, 2, 2])
      for (const end of ends) expect(end.log).toContain('CRASH ERROR')
      expect((await running.ask('/readyz')).status).toBe(200)
    })

    test('a quiet stop and start keeps everything', async () => {
      const instance = await server()
      const thread = await newThread(instance)
      const keys = await postMany(instance, thread, 20)
      expect((await getMessage(instance, thread, keys.at(-1)!)).status).toBe(200)
      const before = await list(instance, thread)
      expect(await instance.stop()).toBe(0)
      await instance.start()
      expect((await list(instance, thread)).json).toEqual(before.json)
    })
  })

  describe('stop', () => {
    test('SIGTERM closes the port, says shutdown: complete and exits 0', async () => {
      const instance = await server()
      expect(await instance.stop()).toBe(0)
      expect(await instance.log()).toContain('shutdown: complete')
      await expect(instance.ask('/healthz')).rejects.toThrow()
    })

    test('with the intake WAL on, SIGTERM under load loses no acknowledged message', async () => {
      const instance = await server({ batchCount: 10 })
      const thread = await newThread(instance)
      const load = burst(key => post(instance, thread, { key }))
      await expect.poll(() => load.acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(200)
      expect(await instance.stop()).toBe(0)
      const acknowledged = await load.ended()
      await instance.start()
      const total = async () => (await list(instance, thread)).json.pagination!.total
      await expect.poll(total, { timeout: 5000 }).toBeGreaterThanOrEqual(acknowledged.length)
      for (const key of acknowledged.slice(-40))
        expect((await getMessage(instance, thread, key)).status).toBe(200)
    })
  })

  describe('configuration', () => {
    test('another file in another folder is all a copy needs', async () => {
      const instance = await server()
      const thread = await newThread(instance)
      expect(await instance.stop()).toBe(0)
      const yaml = serverYaml({
        port: Number(new URL(instance.url).port),
        data: join(instance.dir, 'fresh'),
        keys: KEYS,
        walOn: true,
      })
      await writeFile(instance.config, yaml)
      await instance.start()
      expect((await list(instance, thread)).status).toBe(403)
    })
  })
}

/** Requests as fast as they are answered, eight at a time, until one fails. */
function burst(request: (n: number) => Promise<{ status: number; json: { key?: string } }>) {
  const acknowledged: string[] = []
  let sent = 0
  const lane = async () => {
    for (;;) {
      const answer = await request(sent++)
      if (answer.status !== 202) return
      acknowledged.push(answer.json.key ?? '')
    }
  }
  const lanes = Array.from({ length: 8 }, () => lane().catch(() => {}))
  return {
    acknowledged,
    ended: async () => {
      await Promise.all(lanes)
      return acknowledged
    },
  }
}
