import type { Clock } from '../domain/clock.ts'
import { unreachable } from '../domain/errors.ts'
import type { Ask, HttpReply } from '../domain/http.ts'
import type { Millis } from '../domain/node.ts'
import { Untrusted } from '../domain/text.ts'
import { isObject, type Target } from './call.ts'

/**
 * `version` as the server reports it, 'unknown' where it does not. `why` says what is missing, '' when ready.
 * `ours`: it could not be asked, so nothing is known of the server.
 */
export type Readiness = { ready: boolean; version: string; why: string; ours?: true }

/** Paths that tell how a server is; `version`: a path that answers JSON, and the field in it. */
export type HealthPaths = { health: string; ready: string; version?: { path: string; field: string } }

/** ProgressDB 0.2.x; a 0.1.x server has no readiness path and is known by that. */
export const PROGRESSDB: HealthPaths = {
  health: '/healthz',
  ready: '/readyz',
  version: { path: '/readyz', field: 'version' },
}

/** Asks whether the server is ready, and for its version. */
export const readiness = async (
  ask: Ask,
  paths: HealthPaths,
  at: { target: Target; stop?: AbortSignal | undefined },
): Promise<Readiness> => {
  const get = (path: string): Promise<HttpReply> => ask(at.target.url, { method: 'GET', path }, at.stop)
  const ready = await get(paths.ready)
  if (paths === PROGRESSDB && isOld(ready)) return plain(await get(paths.health), paths.health)
  const asked = plain(ready, paths.ready)
  if (!asked.ready || !paths.version) return asked
  const told = paths.version.path === paths.ready ? ready : await get(paths.version.path)
  return { ...asked, version: versionIn(told, paths.version.field) }
}

/** 0.1.x answers an unknown path with 401 without a key, and does not call itself fasthttp. */
const isOld = (reply: HttpReply): boolean =>
  reply.is === 'answer' && (reply.status === 401 || reply.status === 404) && reply.server !== 'fasthttp'

const plain = (reply: HttpReply, path: string): Readiness => {
  const no = { ready: false, version: 'unknown' }
  switch (reply.is) {
    case 'stopped':
      return { ...no, why: 'stopped', ours: true }
    case 'error':
      return { ...no, why: reply.why, ours: true }
    case 'failed':
      return { ...no, why: reply.why }
    case 'answer':
      return reply.status >= 200 && reply.status < 300
        ? { ready: true, version: 'unknown', why: '' }
        : { ...no, why: `${path} answers ${reply.status}` }
    default:
      return unreachable(reply)
  }
}

const versionIn = (reply: HttpReply, field: string): string => {
  if (reply.is !== 'answer') return 'unknown'
  try {
    const json: unknown = JSON.parse(Untrusted.raw(reply.body))
    const version = isObject(json) ? json[field] : undefined
    return typeof version === 'string' && /^[\w.+-]{1,64}$/.test(version) ? version : 'unknown'
  } catch {
    return 'unknown'
  }
}

export type Wait = { limit: Millis; version?: string | undefined; stop?: AbortSignal | undefined }

/**
 * Asks until the server is ready, with the expected version where it reports one, or the limit has passed. A leading `v`
 * does not matter. The last answer says why not.
 */
export const waitReady = async (
  ask: () => Promise<Readiness>,
  clock: Clock,
  { limit, version, stop }: Wait,
): Promise<Readiness & { took: Millis }> => {
  const began = clock.now()
  for (let pause = 20; ; pause = Math.min(pause * 1.5, 500)) {
    const seen = expected(await ask(), version)
    const took = clock.now() - began
    if (seen.ready || stop?.aborted) return { ...seen, took }
    if (took + pause >= limit)
      return { ...seen, why: `not ready within ${limit / 1000} s: ${seen.why}`, took }
    await clock.sleep(pause, stop)
  }
}

const expected = (seen: Readiness, version: string | undefined): Readiness =>
  !seen.ready || version === undefined || seen.version === 'unknown' || bare(seen.version) === bare(version)
    ? seen
    : { ...seen, ready: false, why: `it reports ${seen.version}, not ${version}` }

const bare = (v: string): string => v.replace(/^v/, '')
