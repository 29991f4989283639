import type { Ask, HttpReply, HttpRequest } from '../domain/http.ts'
import type { Millis } from '../domain/node.ts'
import { printable, Untrusted } from '../domain/text.ts'

/** Where a node answers. A staging copy is a target too, at another port. `url` has no trailing slash. */
export type Target = { id: string; url: string }

/**
 * What came of one call. `failed`: the server refused or answered wrongly (`limited`: its rate limit). `error`: we could
 * not ask. `why` is one printable line without secrets.
 */
export type Outcome<T> =
  | { is: 'ok'; value: T; ms: Millis }
  | { is: 'failed'; why: string; ms: Millis; status?: number; limited?: true }
  | { is: 'error'; why: string; ms: Millis }
  | { is: 'stopped' }

/** Reads an answer's JSON; undefined means that the server answered something else than it should. */
export type Read<T> = (json: Json) => T | undefined
export type Json = { [field: string]: unknown }

export type Call<T> = HttpRequest & { expect: number[]; read: Read<T> }
/** Asks one target. */
export type Caller = <T>(call: Call<T>, stop?: AbortSignal) => Promise<Outcome<T>>

/** `secrets` are the keys that a careless server might quote back at us. */
export const caller =
  (ask: Ask, target: Target, secrets: string[]): Caller =>
  async (call, stop) => {
    const reply = await ask(target.url, call, stop)
    return reply.is === 'answer' ? understand(reply, call, secrets) : reply
  }

type Answer = Extract<HttpReply, { is: 'answer' }>

const understand = <T>(reply: Answer, call: Call<T>, secrets: string[]): Outcome<T> => {
  const raw = Untrusted.raw(reply.body)
  const { status, ms } = reply
  if (!call.expect.includes(status)) {
    const why = `${status} ${errorText(raw, secrets)}`.trim()
    return status === 429
      ? { is: 'failed', why, ms, status, limited: true }
      : { is: 'failed', why, ms, status }
  }
  const value = call.read(parse(raw))
  return value === undefined
    ? { is: 'failed', why: `${status} with an answer that is not the expected one`, ms, status }
    : { is: 'ok', value, ms }
}

/** The server's own words, bounded, without our keys. */
const errorText = (raw: string, secrets: string[]): string => {
  const { error } = parse(raw)
  const text = typeof error === 'string' ? error : raw
  const clean = secrets
    .filter(s => s !== '')
    .reduce((t, secret) => t.replaceAll(secret, '***'), text.slice(0, 2_000))
  return printable(new Untrusted(clean), 120)
}

const parse = (raw: string): Json => {
  try {
    const json: unknown = JSON.parse(raw)
    return isObject(json) ? json : {}
  } catch {
    return {}
  }
}

/** A JSON object, as opposed to a list, null or a plain value. */
export const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x)
