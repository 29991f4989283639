import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'

export type Seen = { method: string; path: string; headers: Record<string, string> }
export type Proxy = {
  url: string
  requests: Seen[]
  close(): Promise<void>
}

/**
 * `words`: what is said instead of the server's own error texts, and in a label of its metrics; the caller's key is quoted, as a
 * careless server would. `failing`: from its first answer on, this version fails three of five requests of users while this holds.
 */
export type Manners = { words: string; failing: { version: string; when: () => boolean } }

/** Stands in front of a node and writes down every request. */
export async function startProxy(port: number, manners: Manners): Promise<Proxy> {
  const requests: Seen[] = []
  const fails = failures(manners)
  const agent = new Agent({ keepAlive: false })
  const server = createServer((request, response) => {
    requests.push(seenOf(request))
    const { method, url: path, headers } = request
    const forward = send(
      { host: '127.0.0.1', port, method, path, headers, agent },
      answer => void relay(answer, { request, response, words: manners.words, fails }),
    )
    forward.once('error', () => response.destroy())
    request.pipe(forward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: async () => {
      server.closeAllConnections()
      agent.destroy()
      await new Promise(done => server.close(done))
    },
  }
}

const seenOf = ({ method = '', url = '', headers }: IncomingMessage): Seen => ({
  method,
  path: url,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  ),
})

type Fails = (path: string, body: string) => boolean

/** Knows from what passes by which version serves. */
function failures({ failing }: Manners): Fails {
  let bad = false
  let turn = 0
  return (path, body) => {
    if (path === '/readyz') bad = body.includes(failing.version)
    return bad && path.startsWith('/frontend/') && failing.when() && (turn += 1) % 5 < 3
  }
}

type Exchange = { request: IncomingMessage; response: ServerResponse; words: string; fails: Fails }

async function relay(answer: IncomingMessage, { request, response, words, fails }: Exchange): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part)
  const own = Buffer.concat(parts).toString('utf8')
  const failed = fails(request.url ?? '', own)
  const status = failed ? 500 : (answer.statusCode ?? 500)
  const body = spoken(failed ? '{"error":"internal error"}' : own, { request, status, words })
  const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

function spoken(
  body: string,
  { request, status, words }: { request: IncomingMessage; status: number; words: string },
): string {
  if (words === '' || status === 204) return body
  if (status >= 400)
    return JSON.stringify({ error: `${words} your key is ${request.headers.authorization ?? ''}` })
  const label = words.replaceAll('\\', '').replaceAll('"', '').replaceAll('\n', '\\n')
  return request.url?.startsWith('/admin/debug')
    ? `${body}hostile{says="${label.slice(0, 20_000)}"} 1\n`
    : body
}
