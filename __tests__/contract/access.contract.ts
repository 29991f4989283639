import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newThread } from './calls.ts'
import { readyInstance, type Ask, type Instance } from './instance.ts'
import type { Subject } from './progressdb.contract.ts'

const signed = (user: string) => createHmac('sha256', 'sk').update(user).digest('hex')
const THREADS = '/frontend/v1/threads'

const MATRIX: [what: string, path: string, ask: Ask, status: number][] = [
  ['healthz needs no key', '/healthz', {}, 200],
  ['readyz needs no key', '/readyz', {}, 200],
  ['healthz is only for GET', '/healthz', { method: 'HEAD' }, 401],
  ['any OPTIONS', '/frontend/v1/threads', { method: 'OPTIONS' }, 204],
  ['no key', THREADS, {}, 401],
  ['unknown key', THREADS, { as: 'nobody' }, 401],
  ['unknown path without key', '/nothing', {}, 401],
  ['unknown path with a key of its scope', '/frontend/v1/nothing', { as: 'bk', user: 'u1' }, 404],
  ['unknown path outside the scope', '/nothing', { as: 'bk' }, 403],
  ['backend key on frontend', THREADS, { as: 'bk', user: 'u1' }, 200],
  ['backend key as bearer token', THREADS, { headers: { authorization: 'Bearer bk' }, user: 'u1' }, 200],
  ['backend key without a user', THREADS, { as: 'bk' }, 400],
  ['backend key on admin', '/admin/stats', { as: 'bk' }, 403],
  ['admin key on admin', '/admin/stats', { as: 'ak' }, 200],
  ['admin key on frontend', THREADS, { as: 'ak', user: 'u1' }, 403],
  ['admin key on sign', '/backend/v1/sign', { method: 'POST', as: 'ak', body: { userId: 'u1' } }, 403],
  ['frontend key on admin', '/admin/stats', { as: 'fk' }, 403],
  ['frontend key on sign', '/backend/v1/sign', { method: 'POST', as: 'fk', body: { userId: 'u1' } }, 403],
  ['frontend key unsigned', THREADS, { as: 'fk', user: 'u1' }, 401],
  [
    'frontend key signed',
    THREADS,
    { as: 'fk', user: 'u1', headers: { 'x-user-signature': signed('u1') } },
    200,
  ],
  [
    'signature of another user',
    THREADS,
    { as: 'fk', user: 'u2', headers: { 'x-user-signature': signed('u1') } },
    401,
  ],
  ['metrics without key', '/admin/debug/prometheus', {}, 401],
  ['metrics with the backend key', '/admin/debug/prometheus', { as: 'bk' }, 403],
  ['metrics with the admin key', '/admin/debug/prometheus', { as: 'ak' }, 200],
  ['/metrics exists for nobody', '/metrics', { as: 'ak' }, 403],
]

export function accessContract(subject: () => Subject): void {
  describe('access', () => {
    let server: Instance
    beforeAll(async () => {
      server = await readyInstance(subject().binary)
    })
    afterAll(() => server.close())

    test.each(MATRIX)('%s', async (_, path, ask, status) => {
      expect((await server.ask(path, ask)).status).toBe(status)
    })

    test('errors are JSON', async () => {
      expect((await server.ask(THREADS)).json).toEqual({ error: 'unauthorized' })
      expect((await server.ask('/admin/stats', { as: 'bk' })).json).toEqual({ error: 'forbidden' })
    })

    test('signs a user as HMAC-SHA256 with a signing key, in lower-case hex', async () => {
      const answer = await server.ask('/backend/v1/sign', {
        method: 'POST',
        as: 'bk',
        body: { userId: 'ana' },
      })
      expect([answer.status, answer.json]).toEqual([200, { userId: 'ana', signature: signed('ana') }])
    })

    test.each([
      ['no name', { userId: '' }],
      ['a long name', { userId: 'u'.repeat(37) }],
      ['no JSON', 'x'],
    ])('does not sign %s', async (_, body) => {
      expect((await server.ask('/backend/v1/sign', { method: 'POST', as: 'bk', body })).status).toBe(400)
    })

    test('others do not see a thread', async () => {
      const thread = await newThread(server, 'u1')
      expect((await server.ask(`${THREADS}/${thread}`, { as: 'bk', user: 'u2' })).status).toBe(403)
      expect((await server.ask(`${THREADS}/${thread}/messages`, { as: 'bk', user: 'u2' })).status).toBe(403)
    })
  })

  describe('rate limit', () => {
    test('is counted per key, spares health and readiness, and denies with 429', async () => {
      const server = await readyInstance(subject().binary, { rate: { rps: 1, burst: 3 } })
      onTestFinished(server.close)
      const statuses = async (as: string, path: string) => {
        const answers = await Promise.all(
          Array.from({ length: 6 }, () => server.ask(path, { as, user: 'u1' })),
        )
        return answers.map(answer => answer.status).sort((a, b) => a - b)
      }
      expect(await statuses('bk', THREADS)).toEqual([200, 200, 200, 429, 429, 429])
      expect(await statuses('ak', '/admin/health')).toEqual([200, 200, 200, 429, 429, 429])
      expect(await statuses('bk', '/readyz')).toEqual([200, 200, 200, 200, 200, 200])
    })
  })
}
