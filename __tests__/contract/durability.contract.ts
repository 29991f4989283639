import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { getMessage, list, newThread, post, postMany } from './calls.ts'
import { readyInstance, type Instance, type InstanceOptions } from './instance.ts'
import type { Subject } from './progressdb.contract.ts'

export function durabilityContract(subject: () => Subject): void {
  const server = async (options: InstanceOptions = {}) => {
    const instance = await readyInstance(subject().binary, options)
    onTestFinished(instance.close)
    return instance
  }

  describe('durability', () => {
    test('with intake WAL and recovery on, SIGKILL loses no acknowledged message', async () => {
      const instance = await server({ batchTimeout: 3000 })
      const thread = await newThread(instance)
      const keys = await postMany(instance, thread, 60)
      await instance.kill()
      await instance.start()
      // Ready comes before the replayed writes are visible: they wait for a batch like any other.
      await expect.poll(() => total(instance, thread), { timeout: 8000 }).toBe(60)
      for (const key of keys) expect((await getMessage(instance, thread, key)).status).toBe(200)
    })

    test('with the intake WAL off, SIGKILL loses what no batch had taken yet, and nothing older', async () => {
      const instance = await server({ walOn: false, batchTimeout: 1500 })
      const thread = await newThread(instance)
      const [kept = ''] = await postMany(instance, thread, 1)
      expect((await getMessage(instance, thread, kept)).status).toBe(200)
      const lost = await postMany(instance, thread, 20)
      await instance.kill()
      await instance.start()
      expect((await getMessage(instance, thread, kept)).status).toBe(200)
      for (const key of lost) expect((await getMessage(instance, thread, key)).status).toBe(404)
    })

    test('with the intake WAL off, a stop after a quiet while loses nothing', async () => {
      const instance = await server({ walOn: false })
      const thread = await newThread(instance)
      const keys = await postMany(instance, thread, 30)
      await getMessage(instance, thread, keys.at(-1)!)
      await sleep(200)
      expect(await instance.stop()).toBe(0)
      await instance.start()
      expect((await list(instance, thread)).json.pagination!.total).toBe(30)
    })
  })

  describe('files', () => {
    test('store, index and wal are databases; the rest are folders of its own', async () => {
      const instance = await server()
      expect(await readdir(instance.data)).toEqual(
        expect.arrayContaining(['index', 'kms', 'state', 'store', 'wal']),
      )
      for (const folder of ['store', 'index', 'wal']) {
        const files = await readdir(join(instance.data, folder))
        expect(files).toEqual(expect.arrayContaining(['CURRENT', 'LOCK']))
        const current = (await readFile(join(instance.data, folder, 'CURRENT'), 'utf8')).trim()
        expect(current).toMatch(/^MANIFEST-\d+$/)
        expect((await stat(join(instance.data, folder, current))).size).toBeGreaterThan(0)
      }
      expect((await stat(instance.data)).mode & 0o777).toBe(0o700)
      expect(await readdir(join(instance.data, 'kms'))).toEqual([])
      expect(await readdir(join(instance.data, 'state'))).not.toContain('crash')
    })

    test('with the intake WAL off, its folder stays empty', async () => {
      expect(await readdir(join((await server({ walOn: false })).data, 'wal'))).toEqual([])
    })

    test('a table that was written once never changes', async () => {
      const instance = await server()
      const thread = await newThread(instance)
      await fill(instance, thread)
      await instance.stop()
      await instance.start()
      const before = await tables(instance, subject().tables)
      expect(before.size).toBeGreaterThan(0)
      await fill(instance, thread)
      await instance.stop()
      await instance.start()
      const after = await tables(instance, subject().tables)
      for (const [file, hash] of before)
        if (after.has(file)) expect([file, after.get(file)]).toEqual([file, hash])
      expect(after.size).toBeGreaterThan(0)
    })
  })
}

const total = async (server: Instance, thread: string) => (await list(server, thread)).json.pagination?.total

/** Enough, and random enough, that the database makes a table of it at the next start. */
async function fill(server: Instance, thread: string): Promise<void> {
  const noise = () => createHash('sha512').update(String(Math.random())).digest('hex')
  for (let i = 0; i < 12; i++) {
    const text = Array.from({ length: 700 }, noise).join('')
    expect((await post(server, thread, { text })).status).toBe(202)
  }
  const last = (await post(server, thread, { last: true })).json.key!
  expect((await getMessage(server, thread, last)).status).toBe(200)
}

async function tables(server: Instance, extension: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const folder of ['store', 'index', 'wal']) {
    for (const name of await readdir(join(server.data, folder))) {
      if (!name.endsWith(extension)) continue
      const bytes = await readFile(join(server.data, folder, name))
      found.set(`${folder}/${name}`, createHash('sha256').update(bytes).digest('hex'))
    }
  }
  return found
}
