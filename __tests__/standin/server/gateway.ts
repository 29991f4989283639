import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Settings } from './settings.ts'

export type Role = 'admin' | 'backend' | 'frontend' | 'none'
export type Admission = { role: Role; author: string } | { status: number; error: string }

export const signatureOf = (user: string, key: string): string =>
  createHmac('sha256', key).update(user).digest('hex')

/** Decides who may do what, in the order of the original: address, public paths, key, rate, scope, signature. */
export function gateway(settings: Settings): (request: IncomingMessage, path: string) => Admission {
  const allow = rateLimiter(settings.rate)
  return (request, path) => {
    if (settings.ipWhitelist.size > 0 && !settings.ipWhitelist.has(request.socket.remoteAddress ?? ''))
      return { status: 403, error: 'forbidden' }
    if (request.method === 'GET' && (path === '/healthz' || path === '/readyz'))
      return { role: 'none', author: '' }
    const key = keyOf(request)
    const role = roleOf(key, settings)
    if (role === 'none') return { status: 401, error: 'unauthorized' }
    if (!allow(key)) return { status: 429, error: 'rate limit exceeded' }
    if (!SCOPES[role].some(prefix => path.startsWith(prefix))) return { status: 403, error: 'forbidden' }
    return role === 'frontend'
      ? signedAuthor(request, settings)
      : { role, author: header(request, 'x-user-id') }
  }
}

const SCOPES = { admin: ['/admin'], backend: ['/backend', '/frontend'], frontend: ['/frontend'] }

function roleOf(key: string, { keys }: Settings): Role {
  if (key === '') return 'none'
  if (keys.admin.has(key)) return 'admin'
  if (keys.backend.has(key)) return 'backend'
  return keys.frontend.has(key) ? 'frontend' : 'none'
}

function signedAuthor(request: IncomingMessage, { keys }: Settings): Admission {
  const signature = header(request, 'x-user-signature')
  const author = header(request, 'x-user-id')
  if (signature === '') return { status: 401, error: 'signature required' }
  if (author === '') return { status: 401, error: 'missing user id' }
  const valid = keys.signing.some(key => same(signatureOf(author, key), signature))
  return valid ? { role: 'frontend', author } : { status: 401, error: 'invalid signature' }
}

const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

function keyOf(request: IncomingMessage): string {
  const bearer = /^Bearer (.+)$/i.exec(header(request, 'authorization'))
  return bearer?.[1]?.trim() ?? header(request, 'x-api-key')
}

export function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return (Array.isArray(value) ? (value[0] ?? '') : (value ?? '')).trim()
}

/** A token bucket per key. A rate of zero lets nothing through, as in the original. */
function rateLimiter({ rps, burst }: Settings['rate']): (key: string) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return key => {
    const now = performance.now()
    const bucket = buckets.get(key) ?? { tokens: burst, at: now }
    buckets.set(key, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * rps)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}
