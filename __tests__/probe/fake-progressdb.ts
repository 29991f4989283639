import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isObject } from '../../src/probe/call.ts'

/** Ways in which the fake server lies or fails. */
export type Lies = {
  version?: string
  notReady?: boolean
  /** Writes are readable this many ms after they were accepted. */
  applyMs?: number
  /** Every n-th data request answers 500 with this body. */
  failEvery?: number
  failBody?: string
  /** Health is fine, everything under /frontend answers 500. */
  sickFrontend?: boolean
  /** Accepts messages and forgets them. */
  forgets?: boolean
  otherBody?: boolean
  emptyLists?: boolean
  hidesData?: boolean
  limited?: boolean
  hangs?: boolean
  redirects?: string
  endless?: boolean
  notHttp?: boolean
  old?: boolean
}

export const KEYS = { backend: 'backend-key-1', admin: 'admin-key-1' }

type Row = { key: string; final: string; body: unknown; at: number; deleted: boolean }
type Threads = Map<string, { title: string; user: string; at: number; deleted: boolean; rows: Row[] }>
export type Request = { method: string; path: string; authorization: string }

/** An HTTP server on loopback that behaves like ProgressDB 0.2.x as far as the probe can see, lies apart. */
export const fakeProgressDb = async (lies: Lies = {}) => {
  const threads: Threads = new Map()
  const requests: Request[] = []
  const world = { threads, lies, requests, next: 1, dataRequests: 0 }
  const server = createServer((req, res) => void answer(world, req, res))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  return {
    url: `http://127.0.0.1:${port}`,
    target: { id: 'db-1', url: `http://127.0.0.1:${port}` },
    requests,
    threads,
    lies,
    close: () =>
      new Promise<void>(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

type World = { threads: Threads; lies: Lies; requests: Request[]; next: number; dataRequests: number }

const answer = async (world: World, req: IncomingMessage, res: ServerResponse): Promise<void> => {
  const { lies } = world
  const url = new URL(req.url ?? '/', 'http://x')
  const text = await bodyOf(req)
  const authorization = req.headers.authorization ?? ''
  world.requests.push({
    method: req.method ?? '',
    path: req.url ?? '',
    authorization,
  })
  const say = (status: number, json: unknown) => {
    if (!lies.old) res.setHeader('server', 'fasthttp')
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }
  if (lies.hangs) return
  if (lies.notHttp) return void req.socket.end('SMTP ready\r\n')
  if (lies.endless) {
    res.writeHead(200)
    const pour = () => {
      while (!res.destroyed && res.write('x'.repeat(65_536)));
    }
    res.on('drain', pour)
    return pour()
  }
  if (lies.redirects) return void res.writeHead(302, { location: lies.redirects }).end()
  if (url.pathname === '/healthz') return say(200, { status: 'ok' })
  if (url.pathname === '/readyz' && !lies.old)
    return lies.notReady
      ? say(503, { error: 'not ready' })
      : say(200, { status: 'ok', version: lies.version ?? 'v0.2.1' })
  if (url.pathname.startsWith('/admin/'))
    return authorization === `Bearer ${KEYS.admin}`
      ? admin(world, url, say)
      : say(401, { error: 'unauthorized' })
  if (authorization !== `Bearer ${KEYS.backend}`) return say(401, { error: `unauthorized: ${authorization}` })
  world.dataRequests++
  if (lies.limited) return say(429, { error: 'rate limit exceeded' })
  if (lies.failEvery && world.dataRequests % lies.failEvery === 0)
    return say(500, { error: lies.failBody ?? 'broken' })
  if (url.pathname === '/backend/v1/sign') return say(200, sign(text))
  if (lies.sickFrontend) return say(500, { error: 'partition unavailable' })
  frontend(world, { method: req.method ?? '', url, text, user: String(req.headers['x-user-id'] ?? '') }, say)
}

const sign = (text: string) => {
  const userId = String(field(text, 'userId'))
  return { userId, signature: createHmac('sha256', 'signing').update(userId).digest('hex') }
}

const field = (text: string, name: string): unknown => {
  const json: unknown = JSON.parse(text)
  return isObject(json) ? json[name] : undefined
}

/** The port a server listens on. */
export const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const bodyOf = async (req: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const part of req) text += String(part)
  return text
}

type Say = (status: number, json: unknown) => void

const admin = ({ threads, lies }: World, url: URL, say: Say): void => {
  const messages = [...threads.values()].reduce((n, t) => n + t.rows.length, 0)
  const shown = lies.hidesData ? 0 : 1
  if (url.pathname === '/admin/stats')
    return say(200, { threads: threads.size * shown, messages: messages * shown })
  const total = url.searchParams.get('store') === 'index' ? threads.size * 4 : threads.size + messages
  say(200, { keys: [], pagination: { total: total * shown } })
}

type Asked = { method: string; url: URL; text: string; user: string }

const frontend = (world: World, { method, url, text, user }: Asked, say: Say): void => {
  const { threads, lies } = world
  const seen = (at: number): boolean => Date.now() - at >= (lies.applyMs ?? 0)
  const [, , , , key, , messageKey] = url.pathname.split('/')
  if (key === undefined) {
    if (method === 'GET')
      return say(200, {
        threads: [...threads]
          .filter(([, t]) => t.user === user && !t.deleted && seen(t.at))
          .map(([k, t]) => ({ key: k, title: t.title })),
      })
    const made = `t:${world.next++}`
    threads.set(made, {
      title: String(field(text, 'title')),
      user,
      at: Date.now(),
      deleted: false,
      rows: [],
    })
    return say(202, { key: made })
  }
  const thread = threads.get(key)
  if (!thread || thread.user !== user || !seen(thread.at)) return say(403, { error: 'no access' })
  if (!url.pathname.includes('/messages')) {
    if (method === 'DELETE') thread.deleted = true
    return method === 'DELETE' ? say(202, { key }) : say(200, { thread: { key, title: thread.title } })
  }
  messages(world, { thread, key, messageKey, method, text }, say)
}

type AskedMessage = {
  thread: { rows: Row[] }
  key: string
  messageKey: string | undefined
  method: string
  text: string
}

const messages = (world: World, { thread, key, messageKey, method, text }: AskedMessage, say: Say): void => {
  const { lies } = world
  const show = (row: Row) => ({
    key: row.final,
    thread: key,
    body: lies.otherBody ? { text: 'other' } : row.body,
  })
  if (messageKey !== undefined) {
    const row = thread.rows.find(r => r.key === messageKey || r.final === messageKey)
    if (!row || row.deleted) return say(404, { error: 'not found' })
    if (method === 'DELETE') {
      row.deleted = true
      return say(202, { key: row.final })
    }
    const wait = Math.max(0, row.at + (lies.applyMs ?? 0) - Date.now())
    setTimeout(() => say(200, { message: show(row) }), wait)
    return
  }
  if (method === 'POST') {
    const provisional = `${key}:m:${world.next++}`
    const body = field(text, 'body')
    const final = `${provisional}:${String(thread.rows.length + 1).padStart(9, '0')}`
    if (!lies.forgets) thread.rows.push({ key: provisional, final, body, at: Date.now(), deleted: false })
    return say(202, { key: provisional })
  }
  const visible = lies.emptyLists
    ? []
    : thread.rows.filter(r => !r.deleted && Date.now() - r.at >= (lies.applyMs ?? 0))
  say(200, { thread: key, messages: visible.slice(-20).map(show), pagination: { count: visible.length } })
}
