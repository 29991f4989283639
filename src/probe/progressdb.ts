import type { Millis } from '../domain/node.ts'
import { type Call, type Caller, isObject, type Json, type Outcome } from './call.ts'

/** Keys by role; each is sent only to the paths that need it. */
export type ProbeKeys = { backend?: string; frontend?: string; admin?: string }
export type Message = { key: string; text: string }
export type Thread = { key: string; title: string }

/**
 * ProgressDB 0.2.x as the probe's one user sees it. Writes answer 202 with a provisional key and are applied later;
 * reading a message by its provisional key waits until it is applied. `read` and `thread` answer 'absent' where there is
 * nothing, or nothing yet.
 */
export interface ProgressDb {
  sign(stop?: AbortSignal): Promise<Outcome<string>>
  createThread(title: string, stop?: AbortSignal): Promise<Outcome<string>>
  thread(key: string, stop?: AbortSignal): Promise<Outcome<Thread | 'absent'>>
  threads(stop?: AbortSignal): Promise<Outcome<Thread[]>>
  deleteThread(key: string, stop?: AbortSignal): Promise<Outcome<true>>
  post(thread: string, text: string, stop?: AbortSignal): Promise<Outcome<string>>
  read(message: { thread: string; key: string }, stop?: AbortSignal): Promise<Outcome<Message | 'absent'>>
  list(thread: string, stop?: AbortSignal): Promise<Outcome<Message[]>>
  deleteMessage(message: { thread: string; key: string }, stop?: AbortSignal): Promise<Outcome<true>>
  keyTotal(of: 'keys' | 'index', stop?: AbortSignal): Promise<Outcome<number>>
  stats(stop?: AbortSignal): Promise<Outcome<{ threads: number; messages: number }>>
}

/** `patience`: how long reading an applied write may take. */
export type Identity = { user: string; keys: ProbeKeys; patience: Millis }

export const progressDb = (call: Caller, { user, keys, patience }: Identity): ProgressDb => {
  const backend = bearer(keys.backend)
  const admin = bearer(keys.admin)
  let signature = ''
  // with a frontend key the probe goes the way the users go; a backend key may act for a user without a signature
  const asUser = (): Record<string, string> =>
    keys.frontend !== undefined && signature !== ''
      ? { ...bearer(keys.frontend), 'x-user-id': user, 'x-user-signature': signature }
      : { ...backend, 'x-user-id': user }
  const get = (path: string) => ({ method: 'GET' as const, path, headers: asUser(), expect: [200] })
  const remove = (path: string): Call<true> => ({
    method: 'DELETE',
    path,
    headers: asUser(),
    expect: [202, 204],
    read: () => true,
  })
  const post = (path: string, body: Json): Call<string> => ({
    method: 'POST',
    path,
    headers: asUser(),
    body,
    expect: [200, 201, 202],
    read: json => keyOf(json),
  })
  return {
    sign: async stop => {
      const signed = await call(signCall(user, backend), stop)
      if (signed.is === 'ok') signature = signed.value
      return signed
    },
    createThread: (title, stop) => call(post(THREADS, { title }), stop),
    thread: async (key, stop) =>
      orAbsent(
        await call({ ...get(`${THREADS}/${key}`), read: json => threadOf(json['thread']) }, stop),
        [403, 404],
      ),
    threads: stop =>
      call({ ...get(`${THREADS}?limit=100`), read: json => listOf(json['threads'], threadOf) }, stop),
    deleteThread: (key, stop) => call(remove(`${THREADS}/${key}`), stop),
    post: (thread, text, stop) => call(post(`${THREADS}/${thread}/messages`, { body: { text } }), stop),
    read: async ({ thread, key }, stop) => {
      const request = { ...get(`${THREADS}/${thread}/messages/${key}`), limit: patience }
      return orAbsent(await call({ ...request, read: json => messageOf(json['message']) }, stop), [404])
    },
    list: (thread, stop) =>
      call(
        {
          ...get(`${THREADS}/${thread}/messages?limit=20`),
          read: json => listOf(json['messages'], messageOf),
        },
        stop,
      ),
    deleteMessage: ({ thread, key }, stop) => call(remove(`${THREADS}/${thread}/messages/${key}`), stop),
    keyTotal: (of, stop) => call(totalCall(of, admin), stop),
    stats: stop => call(statsCall(admin), stop),
  }
}

const THREADS = '/frontend/v1/threads'
/** Counting goes over every key of the store. */
const COUNT_LIMIT = 30_000

const bearer = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` }

const signCall = (userId: string, headers: Record<string, string>): Call<string> => ({
  method: 'POST',
  path: '/backend/v1/sign',
  headers,
  body: { userId },
  expect: [200],
  read: ({ userId: signed, signature }) =>
    signed === userId && typeof signature === 'string' && /^[0-9a-f]{64}$/.test(signature)
      ? signature
      : undefined,
})

const totalCall = (of: 'keys' | 'index', headers: Record<string, string>): Call<number> => ({
  method: 'GET',
  path: `/admin/keys?limit=1&${of === 'keys' ? 'prefix=t:' : 'store=index'}`,
  headers,
  limit: COUNT_LIMIT,
  expect: [200],
  read: ({ pagination }) => (isObject(pagination) ? natural(pagination['total']) : undefined),
})

const statsCall = (headers: Record<string, string>): Call<{ threads: number; messages: number }> => ({
  method: 'GET',
  path: '/admin/stats',
  headers,
  limit: COUNT_LIMIT,
  expect: [200],
  read: json => {
    const threads = natural(json['threads'])
    const messages = natural(json['messages'])
    return threads === undefined || messages === undefined ? undefined : { threads, messages }
  },
})

const natural = (x: unknown): number | undefined =>
  typeof x === 'number' && Number.isSafeInteger(x) && x >= 0 ? x : undefined

/** A key becomes part of a path, so it must look like one. */
const keyOf = ({ key }: Json): string | undefined =>
  typeof key === 'string' && /^[\w:-]{1,200}$/.test(key) ? key : undefined

const threadOf = (x: unknown): Thread | undefined => {
  if (!isObject(x)) return undefined
  const key = keyOf(x)
  return key === undefined ? undefined : { key, title: typeof x['title'] === 'string' ? x['title'] : '' }
}

const messageOf = (x: unknown): Message | undefined => {
  if (!isObject(x)) return undefined
  const key = keyOf(x)
  const { body } = x
  const text = isObject(body) && typeof body['text'] === 'string' ? body['text'] : ''
  return key === undefined ? undefined : { key, text }
}

const listOf = <T>(x: unknown, item: (x: unknown) => T | undefined): T[] | undefined => {
  // an empty list may come as null
  if (x === null) return []
  if (!Array.isArray(x)) return undefined
  const items = x.map(item)
  return items.every(i => i !== undefined) ? items : undefined
}

const orAbsent = <T>(outcome: Outcome<T>, statuses: number[]): Outcome<T | 'absent'> =>
  outcome.is === 'failed' && outcome.status !== undefined && statuses.includes(outcome.status)
    ? { is: 'ok', value: 'absent', ms: outcome.ms }
    : outcome
