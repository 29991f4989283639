import { type HostKey, hostKeysIn } from '../domain/host-keys.ts'
import { collector } from './collector.ts'
import { call } from './ssh-link.ts'

/** A machine as ssh would reach it from here, with the user's own configuration applied. `jump` '' where there is none. */
export type Resolved = { host: string; port: number; user: string; jump: string }

type Env = NodeJS.ProcessEnv
type Asked = { code: number; text: string }

async function ask(env: Env, words: string[], seconds = 15): Promise<Asked> {
  const out = collector()
  const code = await call('timeout', [String(seconds), ...words], { env, out })
  return { code, text: out.text() }
}

/** The user's own configuration, by `HOME`, and the machine's: a file that ssh can be pointed at. */
export const ownConfig = (env: Env): string =>
  `Include "${env['HOME'] ?? '/'}/.ssh/config"\nInclude /etc/ssh/ssh_config\n`

/** What the user's own ssh configuration (`config`) makes of a name; a name that it does not know stays as it is. */
export async function resolveHost(
  to: { host: string; port?: number; user?: string },
  env: Env,
  config: string,
): Promise<Resolved> {
  const words = [
    'ssh',
    '-F',
    config,
    '-G',
    ...(to.port === undefined ? [] : ['-p', String(to.port)]),
    ...(to.user === undefined ? [] : ['-l', to.user]),
    '--',
    to.host,
  ]
  const { text } = await ask(env, words)
  const one = (key: string): string => new RegExp(`^${key} (.+)$`, 'm').exec(text)?.[1] ?? ''
  const jump = one('proxyjump')
  return {
    host: one('hostname') || to.host,
    port: to.port ?? (Number(one('port')) || 22),
    user: to.user ?? one('user'),
    jump: jump === 'none' ? '' : jump,
  }
}

/** The keys that a file of known hosts has for a machine; without one, the user's own files. */
export async function knownKeys(at: Resolved, env: Env, file?: string): Promise<HostKey[]> {
  const name = at.port === 22 ? at.host : `[${at.host}]:${at.port}`
  const home = env['HOME'] ?? '/'
  const files = file === undefined ? [`${home}/.ssh/known_hosts`, '/etc/ssh/ssh_known_hosts'] : [file]
  const found = await Promise.all(files.map(path => ask(env, ['ssh-keygen', '-F', name, '-f', path])))
  return hostKeysIn(found.map(({ text }) => text).join('\n'), at)
}

/** The keys that a machine shows to whoever asks. Whether they are its own is for a person to compare. */
export async function shownKeys(at: Resolved, env: Env): Promise<HostKey[]> {
  const words = ['ssh-keyscan', '-T', '10', '-p', String(at.port), '--', at.host]
  const { text } = await ask(env, words, 30)
  return hostKeysIn(text, at)
}
