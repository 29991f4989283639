import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type HttpClient, httpClient } from '../../src/probe/http.ts'
import { createProbe, type Probe } from '../../src/probe/probe.ts'
import { fakeProgressDb, KEYS, type Lies } from './fake-progressdb.ts'

type Fake = Awaited<ReturnType<typeof fakeProgressDb>>

let client: HttpClient
const open: Fake[] = []
beforeEach(() => {
  client = httpClient()
})
afterEach(async () => {
  await client.close()
  await Promise.all(open.splice(0).map(s => s.close()))
})

const server = async (lies: Lies = {}): Promise<Fake> => {
  const fake = await fakeProgressDb(lies)
  open.push(fake)
  return fake
}

const probe = (more: Partial<Parameters<typeof createProbe>[2]> = {}): Probe =>
  createProbe(client.ask, systemClock, {
    profile: 'progressdb',
    rollout: 'r-1',
    user: 'rollout-probe',
    keys: KEYS,
    patience: 1_000,
    ...more,
  })

const span = (ms: number, rate: number, stop = new AbortController().signal) => {
  const from = systemClock.now()
  return { from, to: from + ms, rate, stop }
}

describe('readiness', () => {
  test.each<[string, Lies, { ready: boolean; version: string; why: RegExp }]>([
    ['a ready 0.2 server', {}, { ready: true, version: 'v0.2.1', why: /^$/ }],
    ['not ready', { notReady: true }, { ready: false, version: 'unknown', why: /readyz answers 503/ }],
    [
      'a 0.1 server, which has no readiness path',
      { old: true },
      { ready: true, version: 'unknown', why: /^$/ },
    ],
    [
      'a version that is no version',
      { version: '::error::x' },
      { ready: true, version: 'unknown', why: /^$/ },
    ],
    [
      'a redirect is not followed',
      { redirects: 'http://127.0.0.1:1/' },
      { ready: false, version: 'unknown', why: /302/ },
    ],
    ['an endless answer', { endless: true }, { ready: false, version: 'unknown', why: /too long/ }],
    ['not HTTP', { notHttp: true }, { ready: false, version: 'unknown', why: /not HTTP/ }],
    ['no answer', { hangs: true }, { ready: false, version: 'unknown', why: /no answer within 2000 ms/ }],
  ])('%s', async (_, lies, { ready, version, why }) => {
    const seen = await probe().ready((await server(lies)).target)
    expect(seen).toMatchObject({ ready, version })
    expect(seen.why).toMatch(why)
  })

  test('a closed port is a refused connection, and no error of ours', async () => {
    const fake = await server()
    await fake.close()
    open.length = 0
    expect(await probe().ready(fake.target)).toEqual({
      ready: false,
      version: 'unknown',
      why: 'connection refused',
    })
  })

  test('waits until the server is ready with the version that was asked for', async () => {
    const fake = await server({ notReady: true })
    setTimeout(() => (fake.lies.notReady = false), 80)
    setTimeout(() => (fake.lies.version = 'v0.2.2'), 160)
    const seen = await probe().waitReady(fake.target, { limit: 3_000, version: '0.2.2' })
    expect(seen).toMatchObject({ ready: true, version: 'v0.2.2' })
    expect(seen.took).toBeGreaterThanOrEqual(140)
  })

  test('gives up at the limit and says what it last saw', async () => {
    const seen = await probe().waitReady((await server()).target, { limit: 200, version: 'v0.2.2' })
    expect(seen.ready).toBe(false)
    expect(seen.why).toBe('not ready within 0.2 s: it reports v0.2.1, not v0.2.2')
  })

  test('stops waiting at once', async () => {
    const stop = new AbortController()
    const began = performance.now()
    setTimeout(() => stop.abort(), 50)
    const seen = await probe().waitReady((await server({ hangs: true })).target, {
      limit: 10_000,
      stop: stop.signal,
    })
    expect(seen.ready).toBe(false)
    expect(performance.now() - began).toBeLessThan(500)
  })

  test('sends no key to public paths', async () => {
    const fake = await server()
    await probe().ready(fake.target)
    expect(fake.requests.map(r => r.authorization)).toEqual([''])
  })
})

describe('counts', () => {
  test('are key totals, with statistics while the store is small', async () => {
    const fake = await server()
    const p = probe()
    await p.barrier(fake.target)
    expect(await p.counts(fake.target)).toEqual({ keys: 2, index: 4, threads: 1, messages: 1 })
    expect(p.acknowledged(fake.target)).toEqual({ keys: 2, threads: 1, messages: 1 })
  })

  test('a refused key is named, and not shown', async () => {
    const fake = await server()
    const wrong = probe({ keys: { backend: KEYS.backend, admin: 'wrong-secret' } })
    const error = await wrong.counts(fake.target).then(
      () => undefined,
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ problems: [{ code: 'KEY_REFUSED', where: 'db-1' }] })
    expect(JSON.stringify(error)).not.toContain('wrong-secret')
  })

  test('keys go only where they are needed', async () => {
    const fake = await server()
    const p = probe()
    await p.journey(fake.target)
    await p.counts(fake.target)
    for (const { path, authorization } of fake.requests)
      expect(authorization).toBe(`Bearer ${path.startsWith('/admin') ? KEYS.admin : KEYS.backend}`)
  })
})

describe('journey', () => {
  test('signs, writes, reads, lists and cleans up, also when writes are applied late', async () => {
    const fake = await server({ applyMs: 60 })
    const done = await probe().journey(fake.target)
    expect(done.why).toBe('')
    expect(done.steps.map(s => s.step)).toEqual([
      'sign',
      'create thread',
      'wait for thread',
      'post message',
      'read message',
      'list messages',
      'delete message',
      'delete thread',
    ])
    expect([...fake.threads.values()].every(t => t.deleted && t.rows.every(r => r.deleted))).toBe(true)
  })

  test.each<[string, Lies, RegExp]>([
    ['healthy outside, sick inside', { sickFrontend: true }, /^create thread: 500 partition unavailable$/],
    ['accepts and forgets', { forgets: true }, /^read message: 404/],
    [
      'answers with another body',
      { otherBody: true },
      /^read message: the message reads back with another body/,
    ],
    [
      'lists nothing',
      { emptyLists: true },
      /^list messages: in the list, the message just read is not visible/,
    ],
    [
      'applies nothing in time',
      { applyMs: 60_000 },
      /^wait for thread: the thread is not visible within 300 ms/,
    ],
    ['limits our rate', { limited: true }, /^sign: 429 rate limit exceeded/],
  ])('%s', async (_, lies, why) => {
    const fake = await server(lies)
    const done = await probe({ patience: 300 }).journey(fake.target)
    expect(done.ok).toBe(false)
    expect(done.why).toMatch(why)
    expect((await probe().ready(fake.target)).ready).toBe(true)
  })

  test('hostile error bodies come out as one harmless line without our keys', async () => {
    const fake = await server({ failEvery: 1, failBody: `::error::x\n\u001b[31m${KEYS.backend} </details>` })
    const { why } = await probe().journey(fake.target)
    expect(why).not.toContain(KEYS.backend)
    for (const evil of ['::', '\n', '\u001b']) expect(why).not.toContain(evil)
  })
})

describe('sentinel and barrier', () => {
  test('are written into one thread per rollout, which is found again by another process', async () => {
    const fake = await server({ applyMs: 30 })
    const sentinel = await probe().writeSentinel(fake.target)
    const again = probe()
    expect(await again.barrier(fake.target)).toMatchObject({ ok: true, why: '' })
    expect(fake.threads.size).toBe(1)
    expect(sentinel && (await again.readSentinel(fake.target, sentinel))).toEqual({ is: 'same' })
  })

  test.each<[string, (f: Fake) => void, string]>([
    ['lost', f => f.threads.forEach(t => t.rows.splice(0)), 'missing'],
    ['the whole thread gone', f => f.threads.clear(), 'missing'],
    ['changed', f => (f.lies.otherBody = true), 'different'],
    ['limited, so nothing is known', f => (f.lies.limited = true), 'error'],
  ])('a sentinel that is %s', async (_, harm, is) => {
    const fake = await server()
    const p = probe()
    const sentinel = await p.writeSentinel(fake.target)
    harm(fake)
    expect(sentinel && (await p.readSentinel(fake.target, sentinel)).is).toBe(is)
  })

  test('a sweep deletes what a dead rollout left, and our own only at the end', async () => {
    const fake = await server()
    await probe({ rollout: 'r-dead' }).barrier(fake.target)
    await probe().barrier(fake.target)
    expect(await probe().sweep(fake.target, false)).toEqual({ deleted: 1, left: 0, why: '' })
    expect([...fake.threads.values()].map(t => t.deleted)).toEqual([true, false])
    expect((await probe().sweep(fake.target, true)).deleted).toBe(1)
  })
})

describe('a block', () => {
  test('starts its requests at the set rate and counts every one', async () => {
    const fake = await server({ applyMs: 20 })
    const block = await probe().block(fake.target, span(1_500, 40))
    const asked = block.probes.reduce((n, p) => n + p.of, 0)
    expect(block.probes.flatMap(p => p.firstFailure ?? [])).toEqual([])
    expect(asked).toBeGreaterThanOrEqual(50)
    expect(asked).toBeLessThanOrEqual(60)
    expect(block.health).toEqual({ of: 2, failed: 0, errors: 0 })
    expect(block.version).toBe('v0.2.1')
    expect(block.probes.map(p => p.step)).toContain('create thread')
    expect(Object.values(block.latency).reduce((a, b) => a + b, 0)).toBeGreaterThan(30)
  })

  test('keeps asking a server that hangs, and counts what never came as failed', async () => {
    const fake = await server()
    const p = probe({ patience: 300 })
    await p.block(fake.target, span(250, 20))
    fake.lies.hangs = true
    const began = performance.now()
    const block = await p.block(fake.target, span(600, 20))
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(block.probes.reduce((n, x) => n + x.failed, 0)).toBeGreaterThanOrEqual(3)
    expect(block.probes.every(x => x.failed === x.of)).toBe(true)
    expect(block.health).toEqual({ of: 1, failed: 1, errors: 0 })
    expect(block.latency).toEqual({})
  })

  test('names failures and their step, and 429 apart', async () => {
    const sick = await probe().block((await server({ sickFrontend: true })).target, span(600, 20))
    expect(sick.probes.find(p => p.step === 'sign')).toMatchObject({ failed: 0 })
    const post = sick.probes.find(p => p.step === 'post message')
    expect(post?.firstFailure?.text).toBe('500 partition unavailable')
    expect(post?.failed).toBe(post?.of)
    const limited = await probe().block((await server({ limited: true })).target, span(300, 20))
    expect(limited.probes.find(p => p.step === 'sign')).toMatchObject({ failed: 1, limited: 1 })
  })

  test('goes on where the block before ended, and leaves little behind', async () => {
    const fake = await server()
    const p = probe()
    for (let i = 0; i < 4; i++) await p.block(fake.target, span(300, 40))
    expect([...fake.threads.values()].filter(t => !t.deleted).length).toBeLessThanOrEqual(2)
    expect(
      [...fake.threads.values()].flatMap(t => t.rows).filter(r => !r.deleted).length,
    ).toBeLessThanOrEqual(2)
  })

  test('stops at once', async () => {
    const fake = await server({ hangs: true })
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 100)
    const began = performance.now()
    const block = await probe().block(fake.target, span(10_000, 20, stop.signal))
    expect(performance.now() - began).toBeLessThan(400)
    expect(block.probes).toEqual([])
    expect(block.health).toEqual({ of: 0, failed: 0, errors: 0 })
  })

  test('profile http measures its paths and claims nothing of the data', async () => {
    const fake = await server()
    const http = { health: '/healthz', ready: '/readyz', version: { path: '/readyz', field: 'version' } }
    const p = probe({ profile: 'http', http, keys: {} })
    const block = await p.block(fake.target, span(300, 20))
    expect(block.probes.map(x => x.step)).toEqual(['/readyz'])
    expect(block.version).toBe('v0.2.1')
    expect(await p.counts(fake.target)).toEqual({})
    expect(await p.writeSentinel(fake.target)).toBeUndefined()
  })
})

test("a key with a line break is our error, not the server's, and is not shown", async () => {
  const fake = await server()
  const done = await probe({ keys: { backend: 'abc\ndef' } }).journey(fake.target)
  expect(done.why).toMatch(/^sign: the request cannot be sent; look for line breaks in the key$/)
})
