import { Agent, request } from 'undici'

/** One user of one node, over one connection. Every call rejects when the node does not answer within `limit` ms. */
export type Client = {
  /** The new thread's key; it may not be visible yet. */
  createThread(title: string): Promise<string>
  hasThread(thread: string): Promise<boolean>
  /** The provisional key of an acknowledged message. Rejects on anything but a 202. */
  post(thread: string, body: unknown): Promise<string>
  /** Waits until the message is applied; false when it never was. */
  applied(thread: string, key: string): Promise<boolean>
  /** Bodies of all messages of a thread, oldest first; none when the thread is not there. */
  bodies(thread: string): Promise<unknown[]>
  close(): Promise<void>
}

/** What the calls below may find in an answer. */
type Json = {
  key?: string
  messages?: { body?: unknown }[]
  pagination?: { has_before: boolean; before_anchor: string }
}
type Answer = { status: number; json: Json }

export function clientOf(
  url: string,
  { key, user, limit = 5000 }: { key: string; user: string; limit?: number },
): Client {
  const dispatcher = new Agent({
    connections: 1,
    pipelining: 1,
    headersTimeout: limit,
    bodyTimeout: limit,
    connectTimeout: limit,
  })
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> => {
    const response = await request(`${url}/frontend/v1/threads${path}`, {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${key}`, 'x-user-id': user },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    return { status: response.statusCode, json: text === '' ? {} : JSON.parse(text) }
  }
  const write = async (path: string, body: unknown) => {
    const { status, json } = await call('POST', path, body)
    if (status !== 202 || json.key === undefined) throw new Error(`POST ${path} was answered ${status}`)
    return json.key
  }
  return {
    createThread: title => write('', { title }),
    hasThread: async thread => (await call('GET', `/${thread}`)).status === 200,
    post: (thread, body) => write(`/${thread}/messages`, { body }),
    applied: async (thread, key) => (await call('GET', `/${thread}/messages/${key}`)).status === 200,
    bodies: thread => allBodies(thread, path => call('GET', path)),
    close: () => dispatcher.destroy(),
  }
}

async function allBodies(thread: string, get: (path: string) => Promise<Answer>): Promise<unknown[]> {
  const pages: unknown[][] = []
  let before = ''
  for (;;) {
    const { status, json } = await get(`/${thread}/messages?limit=1000${before}`)
    if (status === 403 || status === 404) return []
    if (status !== 200) throw new Error(`listing ${thread} was answered ${status}`)
    const { messages = [], pagination } = json
    pages.unshift(messages.map(message => message.body))
    if (!pagination?.has_before || messages.length === 0) return pages.flat()
    before = `&before=${encodeURIComponent(pagination.before_anchor)}`
  }
}
