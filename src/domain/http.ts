import type { Millis } from './node.ts'
import type { Untrusted } from './text.ts'

/** One request to a node. `headers` may hold a key: it is sent, and never shown. */
export type HttpRequest = {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  body?: unknown
  /** Upper bound of the whole exchange. */
  limit?: Millis
  /** Upper bound of the answer's body in bytes; a longer one counts as a failure. */
  maxBytes?: number
}

/**
 * What came of it. `failed`: the server refused, broke off, or did not answer in time.
 * `error`: we could not ask (no socket, no address), which says nothing about the server. `stopped`: we were told to stop.
 * `why` is a closed set of our own words; never the server's, and never a header.
 */
export type HttpReply =
  | { is: 'answer'; status: number; server: string; body: Untrusted; ms: Millis }
  | { is: 'failed'; why: string; ms: Millis }
  | { is: 'error'; why: string; ms: Millis }
  | { is: 'stopped' }

/** Asks the server at `url` (no trailing slash). Never throws, never retries, follows no redirect, uses no proxy. */
export type Ask = (url: string, request: HttpRequest, stop?: AbortSignal) => Promise<HttpReply>
