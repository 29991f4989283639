import { array, boolean, looseObject, optional, string, unknown } from 'zod/mini'
import { type Message, openingText } from '../domain/ended.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { posted } from './posted.ts'

/** A bot in a channel of Slack. `api` is the address of the Web API. */
export type Bot = { api: string; token: string; channel: string; limit: number }

const Said = looseObject({ ok: boolean(), error: optional(string()), ts: optional(string()) })
const History = looseObject({
  messages: optional(
    array(
      looseObject({
        ts: string(),
        metadata: optional(
          looseObject({
            event_type: optional(string()),
            event_payload: optional(looseObject({ rollout: optional(unknown()) })),
          }),
        ),
      }),
    ),
  ),
})

const EVENT = 'progressdb_rollout'

/**
 * One message stands for each rollout, whichever job speaks of it: it is known by its metadata, brought up to date at an end, and answered
 * beneath at each point. A bot needs `chat:write`, and `channels:history` (or `groups:history`) to find it again.
 */
export async function inChannel(bot: Bot, m: Message): Promise<{ why: string }> {
  const found = await find(bot, m.rollout)
  if (found.why !== '') return found
  const ends = 'outcome' in m.body
  const text = ends ? m.text : openingText(m)
  const root = found.ts === undefined ? await first(bot, { rollout: m.rollout, text }) : found
  if (root.why !== '' || root.ts === undefined) return { why: root.why || 'Slack named no message' }
  if (ends && found.ts === undefined) return root
  const updated = ends
    ? await call(bot, 'chat.update', { ts: root.ts, text, metadata: metadata(m.rollout) })
    : root
  if (updated.why !== '') return updated
  return call(bot, 'chat.postMessage', { thread_ts: root.ts, text: m.text })
}

const metadata = (rollout: string): object => ({ event_type: EVENT, event_payload: { rollout } })

const first = (bot: Bot, { rollout, text }: { rollout: string; text: string }): Promise<Answer> =>
  call(bot, 'chat.postMessage', { text, metadata: metadata(rollout) })

/** Among the last messages of the channel. */
async function find(bot: Bot, rollout: string): Promise<Answer> {
  const said = await call(bot, 'conversations.history', { limit: 200, include_all_metadata: true })
  if (said.why !== '') return said
  const parsed = History.safeParse(said.json)
  const own = parsed.data?.messages?.find(
    ({ metadata: about }) => about?.event_type === EVENT && about.event_payload?.rollout === rollout,
  )
  return { why: '', ...(own ? { ts: own.ts } : {}) }
}

type Answer = { why: string; ts?: string; json?: unknown }

/** Slack says in its answer whether it did it. */
async function call({ api, token, channel, limit }: Bot, method: string, more: object): Promise<Answer> {
  const { why, answer } = await posted(`${api}/${method}`, {
    json: JSON.stringify({ channel, ...more }),
    limit,
    token,
    reads: true,
  })
  if (why !== '') return { why: `${method}: ${why}` }
  const json = parsed(answer)
  const said = Said.safeParse(json)
  if (!said.success) return { why: `${method}: the answer is none of Slack's` }
  const { ok, error, ts } = said.data
  if (!ok) return { why: `${method}: ${printable(new Untrusted(error ?? 'refused'), 100)}` }
  return { why: '', json, ...(ts === undefined ? {} : { ts }) }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
