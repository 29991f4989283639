import { setTimeout as sleep } from 'node:timers/promises'
import { GitHub } from '@actions/github/lib/utils'
import { EnvHttpProxyAgent, fetch, type RequestInfo, type RequestInit } from 'undici'
import { askedWait, backoff, type Patience } from '../domain/backoff.ts'

/** `apiUrl` as in GITHUB_API_URL; `token` '' for anonymous; `proxy` for https only, as in HTTPS_PROXY and NO_PROXY. */
export type GitHubOptions = {
  apiUrl: string
  token: string
  proxy: { https: string; except: string }
  patience?: Patience
}

export type GitHubApi = InstanceType<typeof GitHub>
export type GitHubClient = {
  api: GitHubApi
  apiUrl: string
  token: string
  files: EnvHttpProxyAgent
  close(): Promise<void>
}

/** An answer of the API is metadata; the largest we ask for, a hundred releases with notes, stays far below this. */
const ANSWER_BYTES = 32 * 1024 ** 2
const ANSWER_WITHIN = 30_000

/** The API and the dispatcher for downloads. Reading is tried again when the failure may pass; writing only when GitHub says it did nothing. */
export const githubClient = (options: GitHubOptions): GitHubClient => {
  const apiUrl = options.apiUrl.replace(/\/+$/, '')
  const proxy = { httpProxy: '', httpsProxy: options.proxy.https, noProxy: options.proxy.except }
  const answers = new EnvHttpProxyAgent({ ...proxy, maxResponseSize: ANSWER_BYTES })
  const files = new EnvHttpProxyAgent(proxy)
  const api = new GitHub({
    baseUrl: apiUrl,
    userAgent: 'progressdb-rollout',
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    ...(options.token === '' ? {} : { auth: `token ${options.token}` }),
    request: {
      fetch: (url: RequestInfo, init: RequestInit) =>
        fetch(url, {
          ...init,
          dispatcher: answers,
          signal: AbortSignal.timeout(ANSWER_WITHIN),
        }),
    },
  })
  api.hook.wrap('request', (send, request) =>
    again(async () => send(request), request.method === 'GET', options.patience),
  )
  return {
    api,
    apiUrl,
    token: options.token,
    files,
    close: async () => void (await Promise.all([answers.close(), files.close()])),
  }
}

const quiet = (): void => undefined

const again = async <T>(send: () => Promise<T>, harmless: boolean, patience?: Patience): Promise<T> => {
  for (let failed = 1; ; failed += 1) {
    try {
      return await send()
    } catch (error) {
      const passing = maySucceedLater(error)
      if (passing === 'no' || (!harmless && !passing.untouched)) throw error
      const wait = backoff(failed, Math.random(), {
        ...(passing.asked === undefined ? {} : { asked: passing.asked }),
        ...(patience === undefined ? {} : { patience }),
      })
      if (wait === 'give-up') throw error
      await sleep(wait)
    }
  }
}

type Answered = { status: number; response?: { headers: Record<string, string | number | undefined> } }
const isAnswered = (error: unknown): error is Error & Answered =>
  error instanceof Error && 'status' in error && typeof error.status === 'number'

/** `untouched`: the server refused before it did anything, so that even writing may be repeated. */
const maySucceedLater = (error: unknown): { untouched: boolean; asked?: number } | 'no' => {
  if (!isAnswered(error)) return 'no'
  // Octokit gives status 500 and no response when there was no answer at all.
  if (error.response === undefined) return { untouched: false }
  const headers = error.response.headers
  const asked = askedWait(name => headers[name]?.toString(), Date.now())
  const limited = error.status === 429 || (error.status === 403 && asked !== undefined)
  if (!limited && error.status < 500) return 'no'
  return { untouched: limited, ...(asked === undefined ? {} : { asked }) }
}
