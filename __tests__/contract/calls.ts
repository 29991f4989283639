import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Instance } from './instance.ts'

const THREADS = '/frontend/v1/threads'
const as = (user: string) => ({ as: 'bk', user })

/** A thread that is visible. */
export async function newThread(server: Instance, user = 'u1', title = 'a thread'): Promise<string> {
  const made = await server.ask(THREADS, { method: 'POST', ...as(user), body: { title } })
  expect(made.status).toBe(202)
  const key = made.json.key ?? ''
  for (const until = Date.now() + 5000; (await threadStatus(server, key, user)) !== 200; await sleep(20)) {
    if (Date.now() > until) throw new Error(`${key} did not become visible`)
  }
  return key
}

export const threadStatus = async (server: Instance, thread: string, user = 'u1') =>
  (await server.ask(`${THREADS}/${thread}`, as(user))).status

export const post = (server: Instance, thread: string, body: unknown, user = 'u1') =>
  server.ask(`${THREADS}/${thread}/messages`, { method: 'POST', ...as(user), body: { body } })

/** Posts so many messages and returns the provisional keys, in order. */
export async function postMany(server: Instance, thread: string, count: number): Promise<string[]> {
  const keys: string[] = []
  for (let i = 0; i < count; i++) {
    const answer = await post(server, thread, { n: i })
    expect(answer.status).toBe(202)
    keys.push(answer.json.key ?? '')
    // Keys are times: two of one instant would be one message.
    await sleep(1)
  }
  return keys
}

export const getMessage = (server: Instance, thread: string, key: string, user = 'u1') =>
  server.ask(`${THREADS}/${thread}/messages/${key}`, as(user))

export const list = (server: Instance, thread: string, query = '', user = 'u1') =>
  server.ask(`${THREADS}/${thread}/messages${query}`, as(user))

export const admin = (server: Instance, path: string) => server.ask(`/admin${path}`, { as: 'ak' })
