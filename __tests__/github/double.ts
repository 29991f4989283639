import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type Context, type Document, OpenAPIBackend } from 'openapi-backend'
import { handlers, type Reply, type State } from './handlers.ts'
import type { Given, MadeDeployment, MadeStatus } from './world.ts'

export type { Given, GivenRelease } from './world.ts'

export type SeenRequest = { method: string; path: string; headers: Record<string, string>; body: string }

/** Something that goes wrong `times` times for requests whose `METHOD /path` contains `on`. */
export type Fault = {
  on: string
  times: number
  answer: { status: number; headers?: Record<string, string>; body?: string } | 'reset' | 'half'
}

export type GitHubDouble = {
  /** What GITHUB_API_URL is set to. */
  url: string
  /** Where asset downloads are redirected to: another origin. */
  downloads: string
  requests: SeenRequest[]
  /** Requests that reached the other origin. */
  downloaded: SeenRequest[]
  deployments: (MadeDeployment & { statuses: MadeStatus[] })[]
  /** Requests that break GitHub's description, and answers of ours that do. Empty at the end of every test. */
  violations: string[]
  faults: Fault[]
  close(): Promise<void>
}

/**
 * GitHub's API as its published description says it is, for one repository, on loopback. Requests and our own answers are
 * checked against the description; a request that breaks it gets 422 as from GitHub, an answer of ours that does gets 500.
 */
export const startGitHubDouble = async (given: Given): Promise<GitHubDouble> => {
  const state: State = {
    place: { base: '', ...given },
    given,
    downloads: '',
    deployments: [],
    violations: [],
  }
  const faults: Fault[] = []
  const requests: SeenRequest[] = []
  const downloaded: SeenRequest[] = []
  const api = await backend(state)
  const main = await listening(async (seen, response) => {
    requests.push(seen)
    if (!faulty(faults, seen, response)) send(response, await answer(api, state, seen))
  })
  const files = await listening((seen, response) => {
    downloaded.push(seen)
    if (!faulty(faults, seen, response)) send(response, fileAnswer(given, seen))
  })
  state.place.base = addressOf(main)
  state.downloads = addressOf(files)
  return {
    url: state.place.base,
    downloads: state.downloads,
    requests,
    downloaded,
    deployments: state.deployments,
    violations: state.violations,
    faults,
    close: async () => {
      for (const server of [main, files]) {
        server.closeAllConnections()
        await new Promise(done => server.close(done))
      }
    },
  }
}

const DESCRIPTION = join(import.meta.dirname, 'api.github.com.subset.json')

const FORMATS = {
  uri: (text: string): boolean => URL.canParse(text),
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
  email: /^[^@\s]+@[^@\s]+$/,
  'repo.nwo': /^[^/]+\/[^/]+$/,
  timestamp: true,
} as const

const backend = async (state: State): Promise<OpenAPIBackend> => {
  const definition: Document = JSON.parse(readFileSync(DESCRIPTION, 'utf8'))
  const api = new OpenAPIBackend({
    definition,
    quick: true,
    coerceTypes: true,
    ajvOpts: { strict: false, formats: FORMATS },
    handlers: {
      ...handlers(state),
      notFound: (): Reply => ({ status: 404, body: { message: 'Not Found' } }),
      validationFail: ({ validation, request }: Context): Reply => {
        state.violations.push(`${request.method} ${request.path}: ${JSON.stringify(validation.errors)}`)
        return {
          status: 422,
          body: { message: 'Validation Failed', documentation_url: 'https://docs.github.com/rest' },
        }
      },
    },
  })
  return api.init()
}

const answer = async (api: OpenAPIBackend, state: State, seen: SeenRequest): Promise<Reply> => {
  const hidden = unseen(state.given, seen)
  if (hidden !== undefined) return hidden
  const [path = '', query = ''] = seen.path.split('?')
  const request = {
    method: seen.method,
    path,
    query,
    headers: seen.headers,
    body: seen.body === '' ? undefined : seen.body,
  }
  const reply: Reply = await api.handleRequest(request)
  const operation = api.matchOperation(request)
  const described = operation?.responses?.[String(reply.status)]
  if (
    operation === undefined ||
    described === undefined ||
    Buffer.isBuffer(reply.body) ||
    reply.body === undefined
  )
    return reply
  const checked = api.validateResponse(reply.body, operation, reply.status)
  if (checked.valid) return reply
  state.violations.push(`answer to ${seen.method} ${seen.path}: ${JSON.stringify(checked.errors)}`)
  return { status: 500, body: { message: 'the double broke the description' } }
}

/** GitHub does not tell a stranger that a private repository exists. */
const unseen = ({ token }: Given, { headers }: SeenRequest): Reply | undefined => {
  const given = headers.authorization?.replace(/^(?:token|bearer) /i, '')
  if (token === undefined || given === token) return undefined
  if (given === undefined) return { status: 404, body: { message: 'Not Found' } }
  return { status: 401, body: { message: 'Bad credentials' } }
}

/** The other origin, as a signed address of an object store. */
const fileAnswer = ({ releases }: Given, { path, headers }: SeenRequest): Reply => {
  if (headers.authorization !== undefined)
    return { status: 400, body: { message: 'Only one auth mechanism allowed' } }
  const [, at = '', name = ''] = (path.split('?')[0] ?? '').split('/')
  const content = releases[Number(at)]?.files[decodeURIComponent(name)]
  return content === undefined
    ? { status: 404, body: { message: 'Not Found' } }
    : { status: 200, body: Buffer.from(content) }
}

const faulty = (faults: Fault[], seen: SeenRequest, response: ServerResponse): boolean => {
  const fault = faults.find(({ on, times }) => times > 0 && `${seen.method} ${seen.path}`.includes(on))
  if (fault === undefined) return false
  fault.times -= 1
  if (fault.answer === 'reset') response.socket?.destroy()
  else if (fault.answer === 'half') {
    response.writeHead(200, { 'content-length': '100000' })
    response.write('half of it', () => response.socket?.destroy())
  } else
    response
      .writeHead(fault.answer.status, fault.answer.headers ?? {})
      .end(fault.answer.body ?? '{"message":"fault"}')
  return true
}

const send = (response: ServerResponse, { status, headers, body }: Reply): void => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body))
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json; charset=utf-8'
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers }).end(bytes)
}

type Serve = (seen: SeenRequest, response: ServerResponse) => void | Promise<void>

const listening = async (serve: Serve): Promise<Server> => {
  const server = createServer((request, response) => {
    void seenOf(request)
      .then(seen => serve(seen, response))
      .catch((error: unknown) => send(response, { status: 500, body: { message: String(error) } }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const addressOf = (server: Server): string => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the double does not listen')
  return `http://127.0.0.1:${address.port}`
}

const seenOf = async (request: IncomingMessage): Promise<SeenRequest> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  )
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}
