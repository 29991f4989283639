import { failure, reply, type Call, type Reply, type Route } from './http.ts'
import {
  deletedKey,
  kindOf,
  messagesOf,
  nowNs,
  ownsKey,
  participatesKey,
  provisionalKey,
  threadKey,
} from './keys.ts'
import { frontendPage, windowOf } from './pagination.ts'
import type { Stores } from './apply.ts'
import type { Intake } from './intake.ts'
import type { Message, Operation, Thread } from './operation.ts'
import { signatureOf } from './gateway.ts'

/** The calls under /backend and /frontend. Writes are queued and answered 202. */
export function frontendRoutes(stores: Stores, intake: Intake, signing: string[]): Route[] {
  const at = (method: string, path: string, handle: (call: Call) => Promise<Reply>): Route => ({
    method,
    path: `/frontend/v1/threads${path}`,
    handle: call => authorProblem(call.author) ?? handle(call),
  })
  return [
    { method: 'POST', path: '/backend/v1/sign', handle: call => sign(call, signing) },
    at('POST', '', call => createThread(intake, call)),
    at('GET', '', call => listThreads(stores, call)),
    at('GET', '/{thread}', call => getThread(stores, call)),
    at('PUT', '/{thread}', call => changeThread(stores, intake, call, 'update-thread')),
    at('DELETE', '/{thread}', call => changeThread(stores, intake, call, 'delete-thread')),
    at('POST', '/{thread}/messages', call => createMessage(stores, intake, call)),
    at('GET', '/{thread}/messages', call => listMessages(stores, call)),
    at('GET', '/{thread}/messages/{id}', call => getMessage(stores, intake, call)),
    at('PUT', '/{thread}/messages/{id}', call => changeMessage(stores, intake, call, 'update-message')),
    at('DELETE', '/{thread}/messages/{id}', call => changeMessage(stores, intake, call, 'delete-message')),
  ]
}

function sign(call: Call, signing: string[]): Reply {
  const payload = json(call.body)
  if (payload === undefined) return failure(400, 'invalid JSON payload')
  const user = typeof payload['userId'] === 'string' ? payload['userId'] : ''
  const problem = userProblem(user)
  if (problem !== '') return failure(400, `invalid user ID: ${problem}`)
  const key = signing[Math.floor(Math.random() * signing.length)] ?? ''
  return reply(200, { userId: user, signature: signatureOf(user, key) })
}

async function createThread(intake: Intake, call: Call): Promise<Reply> {
  const payload = json(call.body)
  if (payload === undefined) return failure(400, 'invalid thread payload')
  const title = payload['title']
  if (typeof title !== 'string' || title === '')
    return failure(400, 'validation errors: title: cannot be empty')
  const ns = nowNs()
  return enqueue(intake, {
    do: 'create-thread',
    key: threadKey(ns),
    author: call.author,
    ns: String(ns),
    title,
  })
}

async function changeThread(
  stores: Stores,
  intake: Intake,
  call: Call,
  what: 'update-thread' | 'delete-thread',
): Promise<Reply> {
  const key = call.params['thread'] ?? ''
  if (kindOf(key) !== 'thread') return failure(400, `invalid thread key format: ${key}`)
  if (await stores.index.has(deletedKey(key))) return failure(404, 'thread not found')
  if (what === 'update-thread') {
    const payload = json(call.body)
    if (payload === undefined) return failure(400, 'invalid thread update payload')
    if (!payload['title']) return failure(400, 'validation errors: title: cannot be empty')
  }
  return enqueue(intake, { do: what, key, author: call.author, ns: String(nowNs()) })
}

async function createMessage(stores: Stores, intake: Intake, call: Call): Promise<Reply> {
  const thread = call.params['thread'] ?? ''
  if (kindOf(thread) !== 'thread') return failure(400, `invalid thread key format: ${thread}`)
  if (await stores.index.has(deletedKey(thread))) return failure(404, 'thread not found')
  const payload = json(call.body)
  if (payload === undefined) return failure(400, 'invalid message payload')
  const body = payload['body']
  if (body === undefined || body === null) return failure(400, 'validation errors: body: cannot be empty')
  const ns = nowNs()
  const key = provisionalKey(thread, ns)
  return enqueue(intake, { do: 'create-message', key, thread, author: call.author, ns: String(ns), body })
}

async function changeMessage(
  stores: Stores,
  intake: Intake,
  call: Call,
  what: 'update-message' | 'delete-message',
): Promise<Reply> {
  const thread = call.params['thread'] ?? ''
  const key = await intake.resolve(call.params['id'] ?? '')
  if (key === undefined) return failure(404, 'message not found')
  if (kindOf(thread) !== 'thread') return failure(400, `invalid thread key format: ${thread}`)
  if (kindOf(key) !== 'message') return failure(400, `invalid message key format: ${key}`)
  if (await stores.index.has(deletedKey(thread))) return failure(404, 'thread not found')
  if (await stores.index.has(deletedKey(key))) return failure(404, 'message not found')
  const change = { key, thread, author: call.author, ns: String(nowNs()) }
  if (what === 'delete-message') return enqueue(intake, { do: what, ...change })
  const body = json(call.body)?.['body']
  if (body === undefined || body === null) return failure(400, 'validation errors: body: cannot be empty')
  return enqueue(intake, { do: what, ...change, body })
}

async function enqueue(intake: Intake, operation: Operation): Promise<Reply> {
  const taken = await intake.take(operation)
  if (taken === 'full') return failure(429, 'server busy; try again')
  if (taken === 'closed') return failure(503, 'server shutting down')
  return reply(202, { key: operation.key })
}

async function listThreads({ store, index }: Stores, call: Call): Promise<Reply> {
  const page = frontendPage(call.query)
  if ('status' in page) return page
  const own: string[] = []
  const prefix = ownsKey(call.author, '')
  for await (const key of index.keys(prefix)) {
    const thread = key.slice(prefix.length)
    if (!(await index.has(deletedKey(thread)))) own.push(thread)
  }
  const { keys, pagination } = windowOf(own, page)
  const threads = await values(store, keys.reverse())
  return reply(200, { threads, pagination })
}

async function getThread(stores: Stores, call: Call): Promise<Reply> {
  const key = call.params['thread'] ?? ''
  const refused = await refusal(stores, key, call.author)
  if (refused) return refused
  const thread: Thread = JSON.parse((await stores.store.get(key)) ?? '{}')
  if (thread.author !== call.author) return failure(403, 'author does not match')
  return reply(200, { thread })
}

async function listMessages(stores: Stores, call: Call): Promise<Reply> {
  const thread = call.params['thread'] ?? ''
  const refused = await refusal(stores, thread, call.author)
  if (refused) return refused
  const page = frontendPage(call.query)
  if ('status' in page) return page
  const deleted = new Set<string>()
  for await (const key of stores.index.keys(deletedKey(messagesOf(thread))))
    deleted.add(key.slice('del:'.length))
  const present: string[] = []
  for await (const key of stores.store.keys(messagesOf(thread))) if (!deleted.has(key)) present.push(key)
  const { keys, pagination } = windowOf(present, page)
  const messages = await values(stores.store, keys)
  return reply(200, { thread, messages, pagination })
}

async function getMessage(stores: Stores, intake: Intake, call: Call): Promise<Reply> {
  const thread = call.params['thread'] ?? ''
  const key = await intake.resolve(call.params['id'] ?? '')
  if (key === undefined) return failure(404, 'message not found')
  const refused = await refusal(stores, thread, call.author)
  if (refused) return refused
  const stored = (await stores.index.has(deletedKey(key))) ? undefined : await stores.store.get(key)
  if (stored === undefined) return failure(404, 'message not found')
  const message: Message = JSON.parse(stored)
  return message.thread === thread ? reply(200, { message }) : failure(404, 'message not found in thread')
}

/** Why this user may not see this thread; a thread that is not applied yet is not seen by anyone. */
async function refusal({ store, index }: Stores, thread: string, author: string): Promise<Reply | undefined> {
  const access =
    (await index.has(ownsKey(author, thread))) || (await index.has(participatesKey(thread, author)))
  if (!access) return failure(403, 'access denied: not thread owner or participant')
  const gone = (await index.has(deletedKey(thread))) || !(await store.has(thread))
  return gone ? failure(404, 'thread not found') : undefined
}

async function values(store: Stores['store'], keys: string[]): Promise<unknown[]> {
  const stored = await Promise.all(keys.map(key => store.get(key)))
  return stored.filter(value => value !== undefined).map(value => JSON.parse(value))
}

function authorProblem(author: string): Reply | undefined {
  if (author === '') return failure(400, 'author required for backend requests')
  return author.length > 128 ? failure(400, 'author too long') : undefined
}

function userProblem(user: string): string {
  if (user === '') return 'user ID cannot be empty'
  if (Buffer.byteLength(user) > 36) return 'user ID too long (maximum 36 characters)'
  return /\p{Cc}/u.test(user) ? 'user ID contains invalid control characters' : ''
}

function json(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
