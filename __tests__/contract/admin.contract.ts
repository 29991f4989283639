import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, getMessage, newThread, postMany } from './calls.ts'
import { readyInstance, type Instance } from './instance.ts'
import type { Subject } from './progressdb.contract.ts'

const MEMSTATS =
  'alloc_bytes buck_hash_sys_bytes gc_sys_bytes heap_alloc_bytes heap_idle_bytes heap_inuse_bytes heap_objects heap_released_bytes heap_sys_bytes last_gc_time_seconds mcache_inuse_bytes mcache_sys_bytes mspan_inuse_bytes mspan_sys_bytes next_gc_bytes other_sys_bytes stack_inuse_bytes stack_sys_bytes sys_bytes'

/** Every family of a 0.2.x exposition, by type. */
const FAMILIES = {
  gauge: [
    ...MEMSTATS.split(' ').map(name => `go_memstats_${name}`),
    ...[
      'gc_cycles_total',
      'gc_pause_total_ns',
      'goroutines',
      'heap_alloc_bytes',
      'heap_sys_bytes',
      'info',
      'threads',
    ].map(name => `go_${name}`),
    ...['max_fds', 'open_fds', 'resident_memory_bytes', 'start_time_seconds', 'virtual_memory_bytes'].map(
      name => `process_${name}`,
    ),
    'process_virtual_memory_max_bytes',
    'promhttp_metric_handler_requests_in_flight',
  ],
  counter: [
    ...['alloc_bytes_total', 'frees_total', 'lookups_total', 'mallocs_total'].map(
      name => `go_memstats_${name}`,
    ),
    'process_cpu_seconds_total',
    'promhttp_metric_handler_requests_total',
  ],
  summary: ['go_gc_duration_seconds'],
}

export function adminContract(subject: () => Subject): void {
  describe('admin', () => {
    let server: Instance
    let thread: string
    beforeAll(async () => {
      server = await readyInstance(subject().binary)
      thread = await newThread(server)
      const keys = await postMany(server, thread, 12)
      await getMessage(server, thread, keys.at(-1)!)
    })
    afterAll(() => server.close())

    test('health and stats', async () => {
      expect((await admin(server, '/health')).json).toEqual({ status: 'ok', service: 'progressdb' })
      expect((await admin(server, '/stats')).json).toEqual({ threads: 1, messages: 12 })
    })

    test('key totals count everything, whatever the page', async () => {
      const total = async (query: string) => (await admin(server, `/keys?${query}`)).json.pagination!.total
      expect(await total('limit=1&prefix=t:')).toBe(13)
      expect(await total('limit=1&store=index')).toBe(6)
      expect(await total('limit=1&prefix=nothing')).toBe(0)
      expect(await total('prefix=t:')).toBe(13)
    })

    test('keys are paged, newest last; no limit gives none', async () => {
      const { keys, pagination } = (await admin(server, '/keys?limit=3&prefix=t:')).json
      expect(keys).toHaveLength(3)
      expect(keys!.at(-1)).toMatch(/:000000011$/)
      expect(pagination).toMatchObject({ count: 3, total: 13, has_before: true, has_after: false })
      expect((await admin(server, '/keys')).json.keys).toEqual([])
      const index = (await admin(server, '/keys?limit=100&store=index')).json.keys
      expect(index).toEqual([
        ...['end', 'lc', 'lu', 'start'].map(what => `idx:${thread}:ms:${what}`),
        `rel:${thread}:u:u1`,
        `rel:u:u1:${thread}`,
      ])
    })

    test('one key is its stored value', async () => {
      expect((await admin(server, `/keys/${thread}?store=main`)).json).toMatchObject({
        key: thread,
        author: 'u1',
      })
      expect((await admin(server, `/keys/idx:${thread}:ms:end?store=index`)).text).toBe('12')
      expect((await admin(server, '/keys/t:1?store=main')).status).toBe(404)
      expect((await admin(server, `/keys/${thread}`)).status).toBe(400)
    })

    test('users and their threads', async () => {
      expect((await admin(server, '/users')).json).toMatchObject({ users: ['u1'], pagination: { total: 1 } })
      expect((await admin(server, '/users/u1/threads')).json).toMatchObject({ threads: [thread] })
    })

    test('the exposition has exactly the known families, and counts no requests of the API', async () => {
      const answer = await admin(server, '/debug/prometheus')
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
      const found: Record<string, string[]> = {}
      for (const [, family = '', type = ''] of answer.text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
        (found[type] ??= []).push(family)
      expect(Object.keys(found).sort()).toEqual(['counter', 'gauge', 'summary'])
      for (const [type, families] of Object.entries(FAMILIES))
        expect(found[type]?.sort()).toEqual(families.sort())
    })

    test('what the exposition says of the process is so', async () => {
      const { text } = await admin(server, '/debug/prometheus')
      const value = (series: string) => Number(new RegExp(`^${series} (\\S+)$`, 'm').exec(text)?.[1])
      expect(Math.abs(value('process_start_time_seconds') - Date.now() / 1000)).toBeLessThan(120)
      expect(value('process_resident_memory_bytes')).toBeGreaterThan(5e6)
      expect(value('process_resident_memory_bytes')).toBeLessThan(1e9)
      expect(value('process_open_fds')).toBeGreaterThan(3)
      expect(value('process_cpu_seconds_total')).toBeGreaterThan(0)
    })
  })
}
