import { EnvHttpProxyAgent, request } from 'undici'
import { printable, Untrusted } from '../domain/text.ts'

/** Nothing is told in the clear to another machine. */
const SAFE = /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)[:/])/
/** Nobody has to read more of an answer than this. */
const ANSWER_BYTES = 64 * 1024

/** `reads`: something follows from the answer. */
export type Posting = { json: string; limit: number; token?: string; reads?: true }

/** One POST, which follows no redirect and is not repeated: twice the same message is worse than none. `why` is '' where it was taken. */
export async function posted(
  url: string,
  { json, limit, token, reads }: Posting,
): Promise<{ why: string; answer: string }> {
  if (!SAFE.test(url)) return { why: 'its key holds no address that begins with https://', answer: '' }
  const dispatcher = new EnvHttpProxyAgent({ maxResponseSize: ANSWER_BYTES })
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'progressdb-rollout',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: json,
      signal: AbortSignal.timeout(limit),
    })
    // what is left unread is cut off below, which is nobody's mistake
    body.on('error', () => undefined)
    const ok = statusCode >= 200 && statusCode < 300
    // nobody waits for the end of an answer that nothing follows from
    if (ok && !reads) return { why: '', answer: '' }
    const answer = await body.text()
    const said = printable(new Untrusted(answer), 200)
    return { why: ok ? '' : `answered ${statusCode}${said === '' ? '' : `: ${said}`}`, answer }
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError'
    const why = error instanceof Error ? error.message : String(error)
    return {
      why: late ? `no answer within ${limit / 1000} s` : printable(new Untrusted(why), 200),
      answer: '',
    }
  } finally {
    await dispatcher.destroy()
  }
}
