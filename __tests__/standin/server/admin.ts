import type { Stores } from './apply.ts'
import { exposition } from './exposition.ts'
import { failure, reply, type Call, type Reply, type Route } from './http.ts'
import { deletedKey, kindOf, messagesOf } from './keys.ts'
import { adminPage, windowOf } from './pagination.ts'

/** Health, readiness and everything under /admin. */
export function adminRoutes(stores: Stores, version: string): Route[] {
  const get = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, handle })
  let scrapes = 0
  return [
    get('/healthz', () => reply(200, { status: 'ok' })),
    get('/readyz', () => reply(200, { status: 'ok', version: `v${version}` })),
    get('/admin/health', () => reply(200, { status: 'ok', service: 'progressdb' })),
    get('/admin/stats', () => stats(stores)),
    get('/admin/keys', call => listKeys(stores, call)),
    get('/admin/keys/{key}', call => getKey(stores, call)),
    get('/admin/users', () => listUsers(stores)),
    get('/admin/users/{user}/threads', call => listUserThreads(stores, call)),
    get('/admin/users/{user}/threads/{thread}/messages', call => listThreadMessages(stores, call)),
    get('/admin/debug/prometheus', () => ({
      status: 200,
      body: exposition(scrapes++),
      type: 'text/plain; version=0.0.4; charset=utf-8',
    })),
    {
      method: 'POST',
      path: '/admin/jobs/purge',
      handle: () => failure(500, 'retention manager not initialized - call Start() first'),
    },
  ]
}

/** Messages are the sum of the threads' end sequences: deleted ones stay counted, as in the original. */
async function stats({ store, index }: Stores): Promise<Reply> {
  let threads = 0
  let messages = 0
  for await (const key of store.keys('t:')) if (kindOf(key) === 'thread') threads++
  for await (const [key, value] of index.scan('idx:t:')) if (key.endsWith(':end')) messages += Number(value)
  return reply(200, { threads, messages })
}

async function listKeys(stores: Stores, call: Call): Promise<Reply> {
  const database = call.query.get('store') === 'index' ? stores.index : stores.store
  const all: string[] = []
  for await (const key of database.keys(call.query.get('prefix') ?? '')) all.push(key)
  return reply(200, windowOf(all, adminPage(call.query)))
}

async function getKey(stores: Stores, call: Call): Promise<Reply> {
  const name = call.query.get('store') ?? ''
  const value = await (name === 'index' ? stores.index : stores.store).get(call.params['key'] ?? '')
  if (value === undefined) return failure(404, 'pebble: not found')
  if (name === '') return { status: 400, body: `{"error":""}\n${value}`, type: 'application/octet-stream' }
  return { status: 200, body: value, type: 'application/octet-stream' }
}

const plainPage = (count: number) => ({
  pagination: {
    before_anchor: '',
    after_anchor: '',
    has_before: false,
    has_after: false,
    count,
    total: count,
  },
})

async function listUsers({ index }: Stores): Promise<Reply> {
  const users = new Set<string>()
  for await (const key of index.keys('rel:u:')) users.add(key.slice('rel:u:'.length, key.lastIndexOf(':t:')))
  return reply(200, { users: [...users].sort(), ...plainPage(users.size) })
}

async function listUserThreads({ index }: Stores, call: Call): Promise<Reply> {
  const prefix = `rel:u:${call.params['user']}:`
  const threads: string[] = []
  for await (const key of index.keys(prefix, { limit: 100 })) threads.push(key.slice(prefix.length))
  return reply(200, { threads, ...plainPage(threads.length) })
}

async function listThreadMessages({ store, index }: Stores, call: Call): Promise<Reply> {
  const thread = call.params['thread'] ?? ''
  if (kindOf(thread) !== 'thread') return failure(400, `expected thread key, got ${thread}`)
  const page = adminPage(call.query)
  const keys: string[] = []
  for await (const key of store.keys(messagesOf(thread))) {
    if (!(await index.has(deletedKey(key)))) keys.push(key)
  }
  const found = windowOf(keys, { ...page, limit: page.limit || 100 })
  return reply(200, { messages: found.keys, pagination: found.pagination })
}
