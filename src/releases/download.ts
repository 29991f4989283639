import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, request } from 'undici'
import { askedWait, backoff, type Patience } from '../domain/backoff.ts'
import { Bug, type Problem, UserError } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { diskFull } from './archive.ts'

/**
 * One file to get. `name` is what people call it. `token` goes to the origin of `url` and nowhere else.
 * `limit` bytes at most; `bytes` expected, for progress.
 */
export type Download = {
  url: string
  name: string
  token: string
  limit: number
  bytes: number
  dispatcher: Dispatcher
  patience?: Patience
  stop?: AbortSignal
  progress?: (done: number, of: number) => void
}

const HEADERS_WITHIN = 30_000
const SILENT_FOR = 60_000
/** One attempt as a whole: a server that sends a byte a minute is not waited for. */
const DONE_WITHIN = 15 * 60_000

/** Streams it to `file`, which appears whole or not at all, and answers the sha256 of what arrived. Throws `UserError`. */
export const downloadTo = (file: string, download: Download): Promise<string> =>
  persistently(download, async body => {
    const temporary = `${file}.part`
    const hash = createHash('sha256')
    try {
      const counted = counting(body, download, chunk => hash.update(chunk))
      await pipeline(counted, createWriteStream(temporary, { mode: 0o600, flush: true }))
      await rename(temporary, file)
      return hash.digest('hex')
    } finally {
      await rm(temporary, { force: true })
    }
  })

/** A small file, whole. Throws `UserError`. */
export const downloadBytes = (download: Download): Promise<Buffer> =>
  persistently(download, async body => {
    const chunks: Uint8Array[] = []
    for await (const chunk of counting(body, download, () => undefined)) chunks.push(chunk)
    return Buffer.concat(chunks)
  })

async function* counting(
  body: Readable,
  download: Download,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    done += chunk.length
    if (done > download.limit)
      throw refused(download, 'DOWNLOAD_TOO_BIG', `it has more than ${download.limit} bytes`)
    see(chunk)
    download.progress?.(done, download.bytes)
    yield chunk
  }
}

/** A failure that may pass: asked again after a while. `asked` is what the server wants us to wait, in ms. */
class Passing extends Error {
  readonly asked: number | undefined
  constructor(why: string, asked?: number) {
    super(why)
    this.name = 'Passing'
    this.asked = asked
  }
}

const persistently = async <T>(download: Download, consume: (body: Readable) => Promise<T>): Promise<T> => {
  for (let failed = 1; ; failed += 1) {
    try {
      return await consume(await openBody(download))
    } catch (error) {
      const passing = classified(error, download)
      const wait = backoff(failed, Math.random(), {
        ...(passing.asked === undefined ? {} : { asked: passing.asked }),
        ...(download.patience === undefined ? {} : { patience: download.patience }),
      })
      if (wait === 'give-up') throw gaveUp(download, passing.message, failed)
      await sleep(wait, undefined, download.stop === undefined ? {} : { signal: download.stop })
    }
  }
}

/** What may pass is answered, everything else is thrown on. */
const classified = (error: unknown, download: Download): Passing => {
  download.stop?.throwIfAborted()
  if (error instanceof Passing) return error
  if (error instanceof UserError || error instanceof Bug || !(error instanceof Error)) throw error
  if (error.name === 'TimeoutError') return new Passing('it took too long')
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'ENOSPC') throw diskFull(download.name)
  if (['EACCES', 'EISDIR', 'ENOENT', 'EROFS', 'EDQUOT', 'EPERM'].includes(code)) throw error
  // Sockets and the HTTP client name their failures; an error without a name is ours.
  if (code === '') throw error
  return new Passing(printable(new Untrusted(code), 60))
}

/** Asset downloads are redirected once, those of a renamed repository twice. */
const REDIRECTS = 3

/** Redirects are followed by hand: another origin never sees the token. */
const openBody = async (download: Download): Promise<Readable> => {
  const home = new URL(download.url)
  let url = home
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const response = await ask(url, download, url.origin === home.origin ? download.token : '')
    if (!isRedirect(response.statusCode)) return answered(response, download)
    await response.body.dump({ limit: 64 * 1024 })
    url = redirected(url, response.headers.location, download)
  }
  throw refused(download, 'DOWNLOAD_REDIRECT', `it was redirected more than ${REDIRECTS} times`)
}

const redirected = (from: URL, location: string | string[] | undefined, download: Download): URL => {
  const target =
    typeof location === 'string' && URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (target !== undefined && isAtLeastAsSafe(from, target)) return target
  throw refused(download, 'DOWNLOAD_REDIRECT', 'it was redirected to an address that is not https')
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

const isAtLeastAsSafe = (from: URL, to: URL): boolean =>
  to.username === '' && (to.protocol === 'https:' || (from.protocol === 'http:' && to.protocol === 'http:'))

const ask = (url: URL, download: Download, token: string): Promise<Dispatcher.ResponseData> =>
  request(url, {
    dispatcher: download.dispatcher,
    headersTimeout: HEADERS_WITHIN,
    bodyTimeout: SILENT_FOR,
    signal: AbortSignal.any([
      AbortSignal.timeout(DONE_WITHIN),
      ...(download.stop === undefined ? [] : [download.stop]),
    ]),
    headers: {
      accept: 'application/octet-stream',
      'user-agent': 'progressdb-rollout',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
  })

const answered = async (response: Dispatcher.ResponseData, download: Download): Promise<Readable> => {
  const status = response.statusCode
  if (status === 200) return response.body
  await response.body.dump({ limit: 64 * 1024 })
  const asked = askedWait(name => [response.headers[name]].flat()[0], Date.now())
  if (status >= 500 || status === 429 || (status === 403 && asked !== undefined))
    throw new Passing(`status ${status}`, asked)
  throw refused(download, 'DOWNLOAD_REFUSED', `the answer was status ${status}`)
}

const NEXT: Record<string, string> = {
  DOWNLOAD_TOO_BIG: 'publish an archive with the program and its licence only',
  DOWNLOAD_REDIRECT: 'check the address of the API (`GITHUB_API_URL`) and the proxy between here and there',
  DOWNLOAD_REFUSED:
    'check that the asset still exists and that the token may read it (permission `contents: read`)',
}

const problem = (download: Download, code: string, because: string): Problem => ({
  code,
  what: `${printable(download.name, 120)} could not be downloaded`,
  because,
  next: NEXT[code] ?? 'run again; if it stays so, check the connection and https://www.githubstatus.com',
})

const refused = (download: Download, code: string, because: string): UserError =>
  new UserError(problem(download, code, because))

const gaveUp = (download: Download, why: string, attempts: number): UserError =>
  new UserError(problem(download, 'DOWNLOAD_FAILED', `${attempts} attempts failed, the last one with ${why}`))
