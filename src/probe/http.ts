import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { Ask, HttpReply, HttpRequest } from '../domain/http.ts'
import { Untrusted } from '../domain/text.ts'

const LIMIT = 2_000
const MAX_BYTES = 256 * 1024
/** More requests than this at once to one node wait in line: a probe must never become a load. */
const CONNECTIONS = 16

export type HttpClient = { ask: Ask; close: () => Promise<void> }

/** Where a server's address leads to from here, where that is another place; asked at every new connection. Rejects where there is no way. */
export type Reach = (origin: string) => Promise<{ host: string; port: number }> | undefined
export type HttpOptions = { reach?: Reach; ca?: string }

/** One keep-alive agent per server address. `close` ends all connections. */
export const httpClient = (options: HttpOptions = {}): HttpClient => {
  const agents = new Map<string, Agent>()
  const agentOf = (url: string): Agent => {
    const { origin } = new URL(url)
    const agent = agents.get(origin) ?? newAgent(origin, options)
    agents.set(origin, agent)
    return agent
  }
  return {
    ask: (url, request, stop) => exchange(agentOf(url), url, { request, stop }),
    close: async () => {
      const all = [...agents.values()]
      agents.clear()
      await Promise.all(all.map(a => a.destroy()))
    },
  }
}

/** TLS is spoken with the server's own name (`host`), wherever the bytes go. */
const connector = (origin: string, { reach, ca }: HttpOptions): buildConnector.connector => {
  const straight = buildConnector({ timeout: 5_000, ...(ca === undefined ? {} : { ca }) })
  const led = async (
    way: Promise<{ host: string; port: number }>,
    ...[options, callback]: Parameters<buildConnector.connector>
  ): Promise<void> => {
    const at = await way.catch(() => undefined)
    if (at === undefined) return callback(Object.assign(new Error('no way'), { code: 'EHOSTUNREACH' }), null)
    straight({ ...options, hostname: at.host, port: String(at.port) }, callback)
  }
  return (options, callback) => {
    const way = reach?.(origin)
    return way === undefined ? straight(options, callback) : void led(way, options, callback)
  }
}

const newAgent = (origin: string, options: HttpOptions): Agent =>
  new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    connect: connector(origin, options),
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
    // shorter than any server's own idle limit, so that a reused connection is not one that is just being closed
    keepAliveTimeout: 1_000,
    keepAliveMaxTimeout: 2_000,
  })

type Exchange = { request: HttpRequest; stop: AbortSignal | undefined }

const exchange = async (agent: Agent, url: string, { request, stop }: Exchange): Promise<HttpReply> => {
  if (stop?.aborted) return { is: 'stopped' }
  const limit = request.limit ?? LIMIT
  const late = AbortSignal.timeout(limit)
  const began = performance.now()
  const took = (): number => performance.now() - began
  try {
    const reply = await agent.request(toDispatch(url, request, stop ? AbortSignal.any([stop, late]) : late))
    const body = await bounded(reply.body, request.maxBytes ?? MAX_BYTES)
    if (body === undefined) return { is: 'failed', why: 'the answer is too long', ms: took() }
    return {
      is: 'answer',
      status: reply.statusCode,
      server: serverOf(reply),
      body: new Untrusted(body),
      ms: took(),
    }
  } catch (error) {
    if (stop?.aborted) return { is: 'stopped' }
    // a timer that fires this late means that this machine was busy, not that the server was slow
    if (late.aborted && took() > limit * 2 + 250)
      return { is: 'error', why: 'this machine was too busy to measure', ms: took() }
    if (late.aborted) return { is: 'failed', why: `no answer within ${limit} ms`, ms: took() }
    return { ...classify(error), ms: took() }
  }
}

const toDispatch = (url: string, request: HttpRequest, signal: AbortSignal): Dispatcher.RequestOptions => {
  const base = new URL(url)
  return {
    origin: base.origin,
    path: `${base.pathname.replace(/\/$/, '')}${request.path}`,
    method: request.method,
    headers: {
      ...request.headers,
      'user-agent': 'progressdb-rollout',
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
    },
    body: request.body === undefined ? null : JSON.stringify(request.body),
    signal,
  }
}

const serverOf = (reply: Dispatcher.ResponseData): string => {
  const server = reply.headers['server']
  return typeof server === 'string' ? server : ''
}

/** The body as text, or undefined when it is longer than allowed; nothing beyond the bound is kept. */
const bounded = async (body: Dispatcher.ResponseData['body'], max: number): Promise<string | undefined> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length
    if (size > max) {
      body.destroy()
      return undefined
    }
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Our own words for each code: a library's message may quote a header. */
const SERVER: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stalled',
  UND_ERR_SOCKET: 'connection closed before the answer was whole',
  UND_ERR_HEADERS_OVERFLOW: 'the answer is too long',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than it says',
}
const UNTRUSTED =
  'its certificate is signed by nobody who is trusted here: name the file with the authority as `ca` under `ssh`'
const OURS: Record<string, string> = {
  ENOTFOUND: 'the name of the host cannot be resolved',
  EAI_AGAIN: 'the name of the host cannot be resolved',
  ENETUNREACH: 'no route to the network of the host',
  EADDRNOTAVAIL: 'no local address is free',
  EMFILE: 'too many open files here',
  ENFILE: 'too many open files here',
  ENOBUFS: 'no network buffers here',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name than the one in the fleet file',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: compare the clocks',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there: is it http?',
  UND_ERR_INVALID_ARG: 'the request cannot be sent; look for line breaks in the key',
}

const classify = (error: unknown): { is: 'failed' | 'error'; why: string } => {
  const code = codeOf(error)
  const server = SERVER[code] ?? (code.startsWith('HPE_') ? 'the answer is not HTTP' : undefined)
  if (server) return { is: 'failed', why: server }
  return {
    is: 'error',
    why: OURS[code] ?? `the request could not be sent${/^\w{1,40}$/.test(code) ? ` (${code})` : ''}`,
  }
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error.name === 'HTTPParserError') return 'HPE_'
  return error.cause === undefined ? '' : codeOf(error.cause)
}
