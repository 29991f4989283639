import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { getMessage, list, newThread, post, postMany, threadStatus } from './calls.ts'
import { readyInstance, type Instance } from './instance.ts'
import type { Subject } from './progressdb.contract.ts'

const THREADS = '/frontend/v1/threads'

export function messagesContract(subject: () => Subject): void {
  describe('threads and messages', () => {
    let server: Instance
    beforeAll(async () => {
      server = await readyInstance(subject().binary)
    })
    afterAll(() => server.close())

    test('a thread is seen by its owner, with what was written', async () => {
      const key = await newThread(server, 'ana', 'hello')
      const one = (await server.ask(`${THREADS}/${key}`, { as: 'bk', user: 'ana' })).json.thread!
      expect(one).toMatchObject({ key, title: 'hello', author: 'ana' })
      expect(Math.abs(Number(one['created_ts']) / 1e6 - Date.now())).toBeLessThan(60_000)
      const all = (await server.ask(THREADS, { as: 'bk', user: 'ana' })).json
      expect(all['threads']!.map(thread => thread.key)).toEqual([key])
      expect(all['pagination']).toMatchObject({ count: 1, total: 1, has_before: false, has_after: false })
    })

    test.each([[{}], [{ title: '' }], ['no JSON']])('a thread of %j is refused', async body => {
      expect((await server.ask(THREADS, { method: 'POST', as: 'bk', user: 'u1', body })).status).toBe(400)
    })

    test('an acknowledged message has a provisional key; reading by it waits until the message is stored', async () => {
      const thread = await newThread(server)
      const answer = await post(server, thread, { text: 'barrier' })
      expect(answer.status).toBe(202)
      const key = answer.json.key!
      expect(key).toMatch(new RegExp(`^${thread}:m:\\d+$`))
      const read = await getMessage(server, thread, key)
      expect(read.status).toBe(200)
      expect(read.json.message).toMatchObject({ thread, author: 'u1', body: { text: 'barrier' } })
      expect(read.json.message!.key).toBe(`${key}:000000000`)
      expect((await getMessage(server, thread, `${key}:000000000`)).status).toBe(200)
      expect((await list(server, thread)).json.messages!.map(message => message.key)).toEqual([
        `${key}:000000000`,
      ])
    })

    test('a page is the newest messages, oldest first, and says what lies around it', async () => {
      const thread = await newThread(server)
      const keys = await postMany(server, thread, 25)
      await getMessage(server, thread, keys.at(-1)!)
      const page = async (query: string) => {
        const { messages, pagination } = (await list(server, thread, query)).json
        return { numbers: messages!.map(message => message.body.n), pagination: pagination! }
      }
      const newest = await page('?limit=10')
      expect(newest.numbers).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24])
      expect(newest.pagination).toMatchObject({ count: 10, total: 25, has_before: true, has_after: false })
      const older = await page(`?limit=10&before=${newest.pagination.before_anchor}`)
      expect(older.numbers).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
      expect(older.pagination).toMatchObject({ count: 10, total: 25, has_before: true, has_after: true })
      const oldest = await page(`?limit=10&before=${older.pagination.before_anchor}`)
      expect(oldest.numbers).toEqual([0, 1, 2, 3, 4])
      expect(oldest.pagination).toMatchObject({ has_before: false, has_after: true })
      expect((await page('')).numbers).toHaveLength(25)
    })

    test.each(['?limit=0', '?limit=1001', '?limit=-1', '?before=a&after=b', '?sort_by=size'])(
      'a page of %s is refused',
      async query => {
        const thread = await newThread(server)
        expect((await list(server, thread, query)).status).toBe(400)
      },
    )

    test('a changed message shows its new body, a deleted one is gone', async () => {
      const thread = await newThread(server)
      const [key = ''] = await postMany(server, thread, 1)
      const change = { method: 'PUT', as: 'bk', user: 'u1', body: { body: { text: 'changed' } } }
      expect((await server.ask(`${THREADS}/${thread}/messages/${key}`, change)).status).toBe(202)
      await expect
        .poll(async () => (await getMessage(server, thread, key)).json.message?.body)
        .toEqual({ text: 'changed' })
      const removal = { method: 'DELETE', as: 'bk', user: 'u1' }
      expect((await server.ask(`${THREADS}/${thread}/messages/${key}`, removal)).status).toBe(202)
      await expect.poll(async () => (await getMessage(server, thread, key)).status).toBe(404)
      expect((await list(server, thread)).json).toMatchObject({ pagination: { count: 0, total: 0 } })
    })

    test('a deleted thread is gone for its owner', async () => {
      const thread = await newThread(server)
      expect(
        (await server.ask(`${THREADS}/${thread}`, { method: 'DELETE', as: 'bk', user: 'u1' })).status,
      ).toBe(202)
      await expect.poll(() => threadStatus(server, thread)).toBe(404)
    })

    test('a message for a thread that is not there is acknowledged and dropped', async () => {
      const answer = await post(server, 't:1', { lost: true })
      expect(answer.status).toBe(202)
      expect([403, 404]).toContain((await getMessage(server, 't:1', answer.json.key!)).status)
      expect((await list(server, 't:1')).status).toBe(403)
    })

    test('a body without content and an oversized one are refused', async () => {
      const thread = await newThread(server)
      expect((await post(server, thread, null)).status).toBe(400)
      expect((await post(server, thread, 'x'.repeat(200 * 1024))).status).toBe(400)
    })
  })

  test('writes become visible after the batch, not before', async () => {
    const server = await readyInstance(subject().binary, { batchTimeout: 1000 })
    onTestFinished(server.close)
    const thread = await newThread(server)
    await post(server, thread, { text: 'soon' })
    expect((await list(server, thread)).json.messages).toEqual([])
    await expect
      .poll(async () => (await list(server, thread)).json.messages, { timeout: 3000 })
      .toHaveLength(1)
  })
}
