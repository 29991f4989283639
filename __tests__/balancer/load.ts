import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Acknowledged, Writer } from '../local-fleet/writer.ts'

/** A request that a client saw fail: it was answered with a 5xx, or not at all. */
export type FailedRequest = { at: number; what: string; server: string }

export type Load = Writer & {
  /** Every request that was sent, and those that failed. */
  requests: () => number
  failures: FailedRequest[]
}

/** `rate`: writes per second of each client. */
export type LoadOptions = { url: string; key: string; clients: number; rate: number; file: string }

/**
 * Clients of a balancer that keep their connection and their cookie, and write all the time; the first of them wants db-1 and no other.
 * Half of them have no cookie and read. None tries anything again: what fails, fails.
 */
export function startLoad(options: LoadOptions): Load {
  const stop = new AbortController()
  const acknowledged: Acknowledged[] = []
  const failures: FailedRequest[] = []
  let requests = 0
  const course: Course = {
    stop: stop.signal,
    sent: () => requests++,
    failed: failure => failures.push(failure),
    record: write => {
      acknowledged.push(write)
      appendFileSync(options.file, `${JSON.stringify(write)}\n`)
    },
  }
  const loops = Array.from({ length: options.clients }, (_, i) =>
    i % 2 === 0 ? writes({ ...options, loyal: i === 0 }, course) : reads(options, course),
  )
  return {
    acknowledged,
    failures,
    requests: () => requests,
    failed: () => failures.length,
    stop: async () => {
      stop.abort()
      await Promise.all(loops)
    },
  }
}

type Course = {
  stop: AbortSignal
  sent: () => void
  failed: (failure: FailedRequest) => void
  record: (write: Acknowledged) => void
}
type Answer = { status: number; server: string; json: { key?: string } }

/** Writes, until another visitor comes who has no cookie. */
const VISIT = 25

/** A thread of its own on the server that it is sent to; where that changed, a new one. */
async function writes(options: LoadOptions & { loyal: boolean }, course: Course): Promise<void> {
  const client = browser(options, course, {
    sticky: true,
    ...(options.loyal ? { cookie: 'SERVER=db-1' } : {}),
  })
  let thread = { key: '', server: '' }
  let visit = 0
  while (!course.stop.aborted) {
    await sleep(1000 / options.rate)
    if (!options.loyal && ++visit % VISIT === 0) {
      client.forget()
      thread = { key: '', server: '' }
    }
    if (thread.key === '') thread = await newThread(client)
    if (thread.key === '') continue
    const id = randomUUID()
    const answer = await client.call('POST', `/${thread.key}/messages`, { body: { id } })
    // another server takes a message for a thread that it does not have, and drops it
    if (answer?.server !== thread.server) thread = { key: '', server: '' }
    else if (answer.status === 202 && answer.json.key !== undefined)
      course.record({ node: thread.server, thread: thread.key, key: answer.json.key, id, at: Date.now() })
  }
  await client.close()
}

async function newThread(client: ReturnType<typeof browser>): Promise<{ key: string; server: string }> {
  const none = { key: '', server: '' }
  const created = await client.call('POST', '', { title: 'load' })
  const { key } = created?.json ?? {}
  if (!created || key === undefined) return none
  for (let tries = 0; tries < 100; tries++) {
    const seen = await client.call('GET', `/${key}`)
    if (seen?.server !== created.server) return none
    if (seen.status === 200) return { key, server: created.server }
    await sleep(20)
  }
  return none
}

async function reads(options: LoadOptions, course: Course): Promise<void> {
  const client = browser(options, course, { sticky: false })
  while (!course.stop.aborted) {
    await sleep(1000 / options.rate)
    await client.call('GET', '?limit=1')
  }
  await client.close()
}

/** One connection, kept. Answers `undefined` where a request failed. */
function browser(
  options: LoadOptions,
  course: Course,
  { sticky, cookie: loyalTo }: { sticky: boolean; cookie?: string },
) {
  const dispatcher = new Agent({ connections: 1, pipelining: 1, headersTimeout: 20_000 })
  let cookie = loyalTo ?? ''
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer | undefined> => {
    course.sent()
    const fail = (what: string, server = ''): undefined => {
      course.failed({ at: Date.now(), what: `${method} ${path}: ${what}`, server: server || cookie })
    }
    try {
      const response = await request(`${options.url}/frontend/v1/threads${path}`, {
        method,
        dispatcher,
        headers: {
          authorization: `Bearer ${options.key}`,
          'x-user-id': 'writer',
          ...(cookie === '' ? {} : { cookie }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.body.text()
      const server = String(response.headers['x-server'] ?? '')
      const [given = ''] = [response.headers['set-cookie'] ?? ''].flat()
      if (sticky && loyalTo === undefined && given !== '') cookie = given.split(';')[0] ?? ''
      if (response.statusCode >= 500) return fail(`answered ${response.statusCode}`, server)
      return { status: response.statusCode, server, json: text === '' ? {} : JSON.parse(text) }
    } catch (error) {
      return fail(error instanceof Error ? error.message : String(error))
    }
  }
  return {
    call,
    forget: () => void (cookie = ''),
    close: () => dispatcher.destroy(),
  }
}
