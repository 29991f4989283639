import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'

export type Seen = { method: string; path: string; headers: Record<string, string> }
export type Proxy = {
  url: string
  requests: Seen[]
  close(): Promise<void>
}

/**
 * Stands in front of a node and writes down every request. `words`: what it says instead of the server's own error texts, and in
 * a label of its metrics; it also quotes the caller's key, as a careless server would.
 */
export async function startProxy(port: number, words = ''): Promise<Proxy> {
  const requests: Seen[] = []
  const agent = new Agent({ keepAlive: false })
  const server = createServer((request, response) => {
    requests.push(seenOf(request))
    const { method, url: path, headers } = request
    const forward = send({ host: '127.0.0.1', port, method, path, headers, agent }, answer => void relay(answer, { request, response, words }))
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
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])),
})

type Exchange = { request: IncomingMessage; response: ServerResponse; words: string }

async function relay(answer: IncomingMessage, { request, response, words }: Exchange): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part)
  const body = spoken(Buffer.concat(parts).toString('utf8'), { request, answer, words })
  const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers
  response.writeHead(answer.statusCode ?? 500, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

function spoken(body: string, { request, answer, words }: { request: IncomingMessage; answer: IncomingMessage; words: string }): string {
  if (words === '' || answer.statusCode === 204) return body
  if ((answer.statusCode ?? 0) >= 400) return JSON.stringify({ error: `${words} your key is ${request.headers.authorization ?? ''}` })
  const label = words.replaceAll('\\', '').replaceAll('"', '').replaceAll('\n', '\\n')
  return request.url?.startsWith('/admin/debug') ? `${body}hostile{says="${label.slice(0, 20_000)}"} 1\n` : body
}
