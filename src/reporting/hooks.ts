import { request, EnvHttpProxyAgent } from 'undici'
import type { Hook } from '../config/config.ts'
import { type Ended, slackMessage } from '../domain/ended.ts'
import { unreachable } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { localShell } from '../shell/local.ts'
import type { Program } from '../shell/port.ts'

/** `cwd` is where commands run. */
export type Telling = {
  hooks: Hook[]
  keys: Record<string, string>
  env: NodeJS.ProcessEnv
  cwd: string
  redact: (text: string) => string
}

/** `why` is '' where it was told; `output` what a command printed, bounded. */
export type Told = { hook: string; why: string; output: string }

/** Tells everybody at once, each within its own time. Never rejects: nobody who cannot be told changes what happened. */
export const tellAll = (t: Telling, e: Ended): Promise<Told[]> =>
  Promise.all(
    t.hooks.map(async (hook): Promise<Told> => {
      const name = nameOf(hook)
      try {
        return { hook: name, ...(await tell(t, hook, e)) }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return { hook: name, why: printable(new Untrusted(why), 200), output: '' }
      }
    }),
  )

/** For the log; an address may hold what nobody should read. */
const nameOf = (hook: Hook): string => {
  switch (hook.kind) {
    case 'run':
      return `run ${printable(hook.command, 60)}`
    case 'post':
      return `post ${new URL(hook.url).host}`
    case 'slack':
      return `slack ${hook.key}`
    default:
      return unreachable(hook)
  }
}

function tell(t: Telling, hook: Hook, e: Ended): Promise<{ why: string; output: string }> {
  switch (hook.kind) {
    case 'run':
      return command(t, hook, e)
    case 'post': {
      const token = hook.key === undefined ? undefined : t.keys[hook.key]
      return post(hook.url, {
        json: t.redact(JSON.stringify(e)),
        limit: hook.limit,
        ...(token === undefined ? {} : { token }),
      })
    }
    case 'slack':
      return post(t.keys[hook.key] ?? '', {
        json: t.redact(JSON.stringify(slackMessage(e))),
        limit: hook.limit,
      })
    default:
      return unreachable(hook)
  }
}

/** Nothing is told in the clear to another machine. */
const SAFE = /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)[:/])/
/** Nobody has to read more of an answer than this. */
const ANSWER_BYTES = 64 * 1024

/** One POST, which follows no redirect and is not repeated: twice the same message is worse than none. */
async function post(
  url: string,
  { json, limit, token }: { json: string; limit: number; token?: string },
): Promise<{ why: string; output: string }> {
  if (!SAFE.test(url)) return { why: 'its key holds no address that begins with https://', output: '' }
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
    if (statusCode >= 200 && statusCode < 300) return { why: '', output: '' }
    const said = printable(new Untrusted(await body.text()), 200)
    return { why: `answered ${statusCode}${said === '' ? '' : `: ${said}`}`, output: '' }
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError'
    const why = error instanceof Error ? error.message : String(error)
    return {
      why: late ? `no answer within ${limit / 1000} s` : printable(new Untrusted(why), 200),
      output: '',
    }
  } finally {
    await dispatcher.destroy()
  }
}

const KEPT = 20_000

/** In the folder of the checkout, with a listed environment and only the keys that it was granted; all of it over standard input. */
async function command(
  t: Telling,
  hook: Extract<Hook, { kind: 'run' }>,
  e: Ended,
): Promise<{ why: string; output: string }> {
  const seconds = Math.max(1, Math.round(hook.limit / 1000))
  const granted = hook.keys.map(
    name => `ROLLOUT_KEY_${name.toUpperCase().replaceAll('-', '_')}=${t.keys[name] ?? ''}`,
  )
  const words = [
    `ROLLOUT_OUTCOME=${e.outcome}`,
    `ROLLOUT_REASON=${e.reason}`,
    `ROLLOUT_FIRED=${e.fired}`,
    `ROLLOUT_ID=${e.rollout}`,
    `ROLLOUT_MODE=${e.mode}`,
    `ROLLOUT_FROM=${e.from}`,
    `ROLLOUT_TO=${e.to}`,
    `ROLLOUT_DATA=${e.data}`,
    `ROLLOUT_HEADLINE=${e.headline}`,
    `ROLLOUT_REPOSITORY=${e.repository}`,
    `ROLLOUT_RUN=${e.run}`,
    ...granted,
  ]
  const { PATH, HOME } = t.env
  const shell = localShell({
    ...(PATH === undefined ? {} : { path: PATH }),
    ...(HOME === undefined ? {} : { home: HOME }),
  })
  const ran = await shell.run(OWN, [...words, t.cwd, String(seconds), hook.command], {
    limit: hook.limit + 10_000,
  })
  const output = `${ran.stdout}${ran.stderr}`.slice(-KEPT)
  if (ran.code === 0) return { why: '', output }
  const late = ran.late || ran.code === 124 || ran.code === 137
  return { why: late ? `ran longer than ${seconds} s` : `ended with ${ran.code ?? 'a signal'}`, output }
}

/** `NAME=value ... FOLDER SECONDS COMMAND`: none of it is ever on a command line, but the command itself. */
const OWN: Program = {
  name: 'hook',
  text: `main() {
while [ $# -gt 3 ]; do export "$1" && shift; done
cd "$1" || exit 126
exec timeout -k 5 "$2" sh -c "$3"
}
main "$@" </dev/null`,
}
