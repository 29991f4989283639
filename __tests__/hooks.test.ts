import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Hook } from '../src/config/config.ts'
import { endMessage, ended, endingsOf, type Message, pointMessage } from '../src/domain/ended.ts'
import type { Hooked } from '../src/domain/event.ts'
import type { ReportInput } from '../src/domain/report/input.ts'
import { redactor } from '../src/github/redactor.ts'
import { tellAll } from '../src/reporting/hooks.ts'
import { promoted } from './domain/report/fixtures.ts'

const SECRET = 'xoxb-hunter2-hunter2'
const OTHER = 'not-granted-to-anybody'
let dir = ''
const servers: Server[] = []
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'hooks-'))))
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(dir, { recursive: true, force: true })
})

const input = (more: Partial<ReportInput> = {}): ReportInput => ({ ...promoted, ...more })
const end = (more: Partial<ReportInput> = {}): Message =>
  endMessage(ended(input(more), { headline: 'Promoted <v2> & all is well', repository: 'acme/db' }))

describe('what an end counts as', () => {
  it.each([
    [{ outcome: 'promoted' }, ['promoted']],
    [{ outcome: 'rolled-back' }, ['rolled-back']],
    [{ outcome: 'rolled-back', code: 'confirmation-lost' }, ['rolled-back', 'fired']],
    [{ outcome: 'needs-operator', code: 'confirmation-lost', mode: 'status' }, ['needs-operator', 'fired']],
    [{ outcome: 'stopped', code: 'awaiting-approval' }, ['stopped']],
    [{ outcome: 'stopped', code: 'planned', mode: 'plan' }, []],
    [{ outcome: 'stopped', code: 'nothing-owed', mode: 'status' }, []],
    [{ outcome: 'unchanged', code: 'already-there' }, []],
  ] as const)('%o', (more, found) => {
    expect(endingsOf(input(more))).toEqual(found)
  })
})

type Got = { method: string; headers: IncomingMessage['headers']; body: string }

/** A receiver on loopback, and what it got. */
function receiver(
  answer: (response: ServerResponse) => void = r => r.end('ok'),
): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', text => (body += String(text)))
    request.on('end', () => {
      got.push({ method: request.method ?? '', headers: request.headers, body })
      answer(response)
    })
  })
  servers.push(server)
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () =>
      resolve({ url: `http://127.0.0.1:${portOf(server.address())}/in`, got }),
    )
  })
}
const portOf = (at: AddressInfo | string | null): number => (typeof at === 'object' && at ? at.port : 0)

type Way = Hook extends infer H ? (H extends Hook ? Omit<H, 'at' | 'fails'> : never) : never
const atEnd = (way: Way): Hook => ({ at: 'end', fails: false, ...way })

const tell = async (
  way: Way,
  keys: Record<string, string> = {},
  message: Message = end(),
): Promise<Hooked & { ms: number }> => {
  const began = performance.now()
  const [told] = await tellAll(
    {
      hooks: [atEnd(way)],
      keys: { slack: SECRET, other: OTHER, ...keys },
      env: { PATH: process.env['PATH'], HOME: dir, GITHUB_TOKEN: 'ghs_not_for_hooks' },
      cwd: dir,
      redact: redactor([SECRET, OTHER]),
    },
    message,
  )
  if (!told) throw new Error('nobody was told')
  return { ...told, ms: performance.now() - began }
}
const all: Hook['on'] = ['promoted']

describe('post', () => {
  it('sends the facts as JSON, with its key and no other', async () => {
    const { url, got } = await receiver()
    expect(await tell({ kind: 'post', url, key: 'slack', on: all, limit: 2000 })).toMatchObject({
      why: '',
      hook: expect.stringMatching(/^post 127\.0\.0\.1:\d+$/),
    })
    expect(got[0]).toMatchObject({ method: 'POST', headers: { authorization: `Bearer ${SECRET}` } })
    expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({
      schema: 1,
      outcome: 'promoted',
      repository: 'acme/db',
      headline: 'Promoted <v2> & all is well',
      nodes: [{ name: 'db-1' }, { name: 'db-2' }, { name: 'db-3' }],
    })
    expect(JSON.stringify(got)).not.toContain(OTHER)
  })

  it.each([
    [
      'refuses',
      (r: ServerResponse) => void r.writeHead(500).end('::error::no'),
      /^answered 500: : :error: :no$/,
    ],
    [
      'sends elsewhere',
      (r: ServerResponse) => void r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /^answered 302$/,
    ],
    ['hangs', () => undefined, /^no answer within 1 s$/],
    ['accepts and never ends', (r: ServerResponse) => void r.write('.'), /^$/],
  ])('one that %s is told of in time', async (_, answer, why) => {
    const { url, got } = await receiver(answer)
    const told = await tell({ kind: 'post', url, on: all, limit: 1000 })
    expect(told.why).toMatch(why)
    expect(told.ms).toBeLessThan(4000)
    expect(got).toHaveLength(1)
  })

  it('one that answers without end, or is not there, costs nothing', async () => {
    const { url } = await receiver(r => {
      const more = (): void =>
        void (r.write('x'.repeat(1_000_000)) ? setImmediate(more) : r.once('drain', more))
      r.writeHead(400)
      more()
    })
    const flood = await tell({ kind: 'post', url, on: all, limit: 5000 })
    expect(flood.why).not.toBe('')
    expect(flood.why.length).toBeLessThan(300)
    const dead = await tell({ kind: 'post', url: 'http://127.0.0.1:1/in', on: all, limit: 1000 })
    expect(dead.why).toMatch(/ECONNREFUSED|ECONNRESET|bad port/)
  })
})

describe('slack', () => {
  it('gets one message in its own words, at the address that only the key knows', async () => {
    const { url, got } = await receiver()
    const told = await tell({ kind: 'slack', key: 'slack', api: '', on: all, limit: 2000 }, { slack: url })
    expect(told).toMatchObject({ hook: 'slack slack', why: '' })
    const { text } = JSON.parse(got[0]?.body ?? '')
    expect(text).toMatch(/^\*Promoted &lt;v2&gt; &amp; all is well\*\n/)
    expect(await tell({ kind: 'slack', key: 'slack', api: '', on: all, limit: 2000 })).toMatchObject({
      why: 'its key holds no address that begins with https://',
    })
  })

  it('says what is owed, and where', () => {
    const { text } = end({
      owed: [{ what: 'Settle what is left', line: 'progressdb-rollout recover' }],
      links: [{ label: 'run', url: 'https://github.com/a/b' }],
    })
    expect(text).toContain('• Settle what is left\n`progressdb-rollout recover`')
    expect(text).toContain('<https://github.com/a/b|this run>')
  })
})

/** As much of Slack's Web API as a bot needs, with one channel. */
type Posted = { ts: string; text: string; thread_ts?: string; metadata?: unknown }
async function fakeSlack(): Promise<{
  url: string
  messages: Posted[]
  calls: string[]
  says: { error: string }
}> {
  const messages: Posted[] = [{ ts: '1', text: 'of somebody else', metadata: { event_type: 'other' } }]
  const calls: string[] = []
  const says = { error: '' }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', text => (body += String(text)))
    request.on('end', () => {
      const method = request.url?.split('/').at(-1) ?? ''
      calls.push(method)
      const asked = JSON.parse(body)
      const answer = (more: object): void => void response.end(JSON.stringify({ ok: true, ...more }))
      if (says.error !== '') response.end(JSON.stringify({ ok: false, error: says.error }))
      else if (request.headers.authorization !== `Bearer ${SECRET}` || asked.channel !== 'C0123456')
        response.end(JSON.stringify({ ok: false, error: 'not_authed' }))
      else if (method === 'conversations.history')
        answer({ messages: messages.filter(m => !m.thread_ts).toReversed() })
      else if (method === 'chat.update') {
        Object.assign(messages.find(m => m.ts === asked.ts) ?? {}, asked)
        answer({ ts: asked.ts })
      } else {
        messages.push({ ...asked, ts: String(messages.length + 1) })
        answer({ ts: messages.at(-1)?.ts })
      }
    })
  })
  servers.push(server)
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${portOf(server.address())}/api`, messages, calls, says }
}

describe('a bot of slack', () => {
  const point = (at: 'before-canary' | 'after-node', node = ''): Message =>
    pointMessage({
      schema: 1,
      rollout: promoted.rollout,
      at,
      node,
      result: '',
      mode: 'release',
      from: 'v0.2.1',
      to: 'v0.2.2',
      who: '@ana',
      repository: 'acme/db',
      run: '',
    })

  it('keeps one message for a rollout, answers beneath it, and brings it up to date at the end', async () => {
    const slack = await fakeSlack()
    const way: Way = {
      kind: 'slack',
      key: 'slack',
      channel: 'C0123456',
      api: slack.url,
      on: all,
      limit: 3000,
    }
    for (const message of [point('before-canary'), point('after-node', 'db-1'), end()])
      expect(await tell(way, {}, message)).toMatchObject({ why: '' })
    const [, root, ...beneath] = slack.messages
    expect(root).toMatchObject({
      text: expect.stringMatching(/^\*Promoted &lt;v2&gt; &amp; all is well\*/),
      metadata: { event_type: 'progressdb_rollout', event_payload: { rollout: promoted.rollout } },
    })
    expect(root).not.toHaveProperty('thread_ts')
    expect(beneath.map(m => [m.thread_ts, m.text.split('\n')[0]])).toEqual([
      ['2', '*before-canary*'],
      ['2', '*after-node* db-1'],
      ['2', '*Promoted &lt;v2&gt; &amp; all is well*'],
    ])
    // a job of the day after knows it again; another rollout has another one
    await tell(way, {}, end({ outcome: 'rolled-back' }))
    expect(slack.messages.filter(m => !m.thread_ts)).toHaveLength(2)
    await tell(way, {}, end({ rollout: 'r-other' }))
    expect(slack.messages.filter(m => !m.thread_ts)).toHaveLength(3)
  })

  it('says what Slack says', async () => {
    const slack = await fakeSlack()
    const way: Way = {
      kind: 'slack',
      key: 'slack',
      channel: 'C0123456',
      api: slack.url,
      on: all,
      limit: 3000,
    }
    slack.says.error = 'missing_scope ::error::'
    expect((await tell(way)).why).toBe('conversations.history: missing_scope : :error: :')
    slack.says.error = ''
    expect((await tell(way, { slack: 'xoxb-another' })).why).toBe('conversations.history: not_authed')
    expect(slack.messages).toHaveLength(1)
  })
})

describe('run', () => {
  const run = (command: string, more: { keys?: string[]; limit?: number } = {}) =>
    tell({ kind: 'run', command, keys: more.keys ?? [], on: all, limit: more.limit ?? 5000 })

  it('runs where the checkout is, with what happened and only the keys it was granted', async () => {
    writeFileSync(join(dir, 'tell.sh'), 'env >seen; echo "$ROLLOUT_OUTCOME $ROLLOUT_HEADLINE"')
    const told = await run('sh ./tell.sh', { keys: ['slack'] })
    expect(told).toMatchObject({ why: '', output: 'promoted Promoted <v2> & all is well\n' })
    const seen = readFileSync(join(dir, 'seen'), 'utf8')
    expect(seen).toContain(`ROLLOUT_KEY_SLACK=${SECRET}\n`)
    expect(seen).toContain('ROLLOUT_REPOSITORY=acme/db\n')
    expect(seen).not.toMatch(/ghs_|not-granted/)
    for (const command of ['sh ./tell.sh', 'true']) expect((await run(command)).why).toBe('')
    expect(readFileSync(join(dir, 'seen'), 'utf8')).not.toContain(SECRET)
  })

  it('keeps a value with quotes and newlines as it is', async () => {
    const odd = `a'b"c\\d $HOME \`id\``
    const [told] = await tellAll(
      {
        hooks: [
          atEnd({
            kind: 'run',
            command: 'printf %s "$ROLLOUT_KEY_ODD"',
            keys: ['odd'],
            on: all,
            limit: 5000,
          }),
        ],
        keys: { odd },
        env: { PATH: process.env['PATH'], HOME: dir },
        cwd: dir,
        redact: text => text,
      },
      end(),
    )
    expect(told?.output).toBe(odd)
  })

  it('is ended in time, and what it prints is bounded', async () => {
    const hung = await run('trap "" TERM; while :; do sleep 1; done', { limit: 1000 })
    expect(hung.why).toBe('ran longer than 1 s')
    expect(hung.ms).toBeLessThan(15_000)
    const loud = await run('yes 0123456789 | head -c 100000000; exit 3', { limit: 20_000 })
    expect(loud.why).toBe('ended with 3')
    expect(loud.output.length).toBeLessThanOrEqual(20_000)
    expect((await run('exit 5')).why).toBe('ended with 5')
    expect((await run('nothing-of-this-name')).why).toBe('ended with 127')
  }, 60_000)
})
