import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gateway, type Role } from './gateway.ts'
import type { RequestFaults } from './faults.ts'
import type { Settings } from './settings.ts'

/** A request that passed the gateway. `params` are the `{name}` parts of the route, decoded. */
export type Call = {
  role: Role
  author: string
  params: Record<string, string>
  query: URLSearchParams
  body: Buffer
}
/** A string is sent as it is; anything else as JSON. */
export type Reply = { status: number; body: unknown; type?: string }
export type Route = { method: string; path: string; handle: (call: Call) => Promise<Reply> | Reply }

export const reply = (status: number, body: unknown): Reply => ({ status, body })
export const failure = (status: number, error: string): Reply => reply(status, { error })

/** The HTTP side: gateway, faults, routes. Says `Server: fasthttp`, as the original does. */
export function httpServer(settings: Settings, routes: Route[], faults: RequestFaults): Server {
  const admit = gateway(settings)
  const table = routes.map(route => ({ ...route, parts: route.path.split('/') }))
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    if (request.method === 'OPTIONS') return reply(204, '')
    const url = new URL(request.url ?? '/', 'http://server')
    const admission = admit(request, url.pathname)
    if ('status' in admission) return failure(admission.status, admission.error)
    const body = await readBody(request, settings.maxPayload)
    if (body === undefined)
      return { status: 400, body: 'Error when parsing request', type: 'text/plain; charset=utf-8' }
    if (admission.role === 'backend' || admission.role === 'frontend') {
      const fault = faults.next()
      if (fault.wait > 0) await sleep(fault.wait)
      if (fault.fail) return failure(500, 'internal error')
    }
    const author =
      admission.role === 'backend'
        ? admission.author || (url.searchParams.get('author') ?? '')
        : admission.author
    for (const { method, parts, handle } of table) {
      const params = method === request.method ? match(parts, url.pathname.split('/')) : undefined
      if (params) return handle({ role: admission.role, author, params, query: url.searchParams, body })
    }
    return failure(404, 'not found')
  }
  const server = createServer((request, response) => {
    answer(request)
      .catch(error => failure(500, error instanceof Error ? error.message : String(error)))
      .then(result => {
        // A connection in use when the server stops ends with its answer.
        if (!server.listening) response.setHeader('connection', 'close')
        return send(request, response, result)
      })
      .catch(() => response.destroy())
  })
  return server
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, type }: Reply): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    server: 'fasthttp',
    'content-type': type ?? (typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'),
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
  })
  response.end(request.method === 'HEAD' || status === 204 ? undefined : text)
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
  }
  return size > limit ? undefined : Buffer.concat(chunks)
}

function match(parts: string[], actual: string[]): Record<string, string> | undefined {
  if (parts.length !== actual.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, part] of parts.entries()) {
    const value = actual[i] ?? ''
    if (part.startsWith('{')) params[part.slice(1, -1)] = decode(value)
    else if (part !== value) return undefined
  }
  return params
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
