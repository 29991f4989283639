import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Plain HTTP servers that answer with their own name; `/healthz` at once, all else after `takes()` ms. */
export type Named = { name: string; port: number; server: Server }

export function namedServers(names: string[], takes: () => number): Promise<Named[]> {
  return Promise.all(
    names.map(
      name =>
        new Promise<Named>(resolve => {
          const server = createServer((request, response) => {
            setTimeout(() => response.end(name), request.url === '/healthz' ? 0 : takes())
          })
          server.listen(0, '127.0.0.1', () => resolve({ name, server, port: portOf(server.address()) }))
        }),
    ),
  )
}

const portOf = (at: AddressInfo | string | null): number => (typeof at === 'object' && at ? at.port : 0)
