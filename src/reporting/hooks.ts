import type { Hook } from '../config/config.ts'
import type { Message } from '../domain/ended.ts'
import { unreachable } from '../domain/errors.ts'
import type { Hooked } from '../domain/event.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { localShell } from '../shell/local.ts'
import type { Program } from '../shell/port.ts'
import { posted } from './posted.ts'
import { inChannel } from './slack.ts'

/** `cwd` is where commands run. */
export type Telling = {
  hooks: Hook[]
  keys: Record<string, string>
  env: NodeJS.ProcessEnv
  cwd: string
  redact: (text: string) => string
}

/** Tells everybody at once, each within its own time. Never rejects: what does not work is said. Nothing that comes back holds a secret. */
export const tellAll = (t: Telling, m: Message): Promise<Hooked[]> =>
  Promise.all(
    t.hooks.map(async (hook): Promise<Hooked> => {
      const name = nameOf(hook)
      try {
        const { why, output } = await tell(t, hook, m)
        return { hook: name, why: t.redact(why), output: t.redact(output) }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return { hook: name, why: t.redact(printable(new Untrusted(why), 200)), output: '' }
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

type Answered = { why: string; output: string }

async function tell(t: Telling, hook: Hook, m: Message): Promise<Answered> {
  const { limit } = hook
  switch (hook.kind) {
    case 'run':
      return command(t, hook, m)
    case 'post': {
      const token = hook.key === undefined ? undefined : t.keys[hook.key]
      const json = t.redact(JSON.stringify(m.body))
      return quiet(await posted(hook.url, { json, limit, ...(token === undefined ? {} : { token }) }))
    }
    case 'slack': {
      const key = t.keys[hook.key] ?? ''
      const message = { ...m, text: t.redact(m.text) }
      if (hook.channel !== undefined)
        return quiet(await inChannel({ api: hook.api, token: key, channel: hook.channel, limit }, message))
      return quiet(await posted(key, { json: JSON.stringify({ text: message.text }), limit }))
    }
    default:
      return unreachable(hook)
  }
}

const quiet = ({ why }: { why: string }): Answered => ({ why, output: '' })

const KEPT = 20_000

/** In the folder of the checkout, with a listed environment and only the keys that it was granted; all of it over standard input. */
async function command(t: Telling, hook: Extract<Hook, { kind: 'run' }>, m: Message): Promise<Answered> {
  const seconds = Math.max(1, Math.round(hook.limit / 1000))
  const granted = hook.keys.map(
    name => `ROLLOUT_KEY_${name.toUpperCase().replaceAll('-', '_')}=${t.keys[name] ?? ''}`,
  )
  const words = [...m.words.map(([name, value]) => `ROLLOUT_${name}=${value}`), ...granted]
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
