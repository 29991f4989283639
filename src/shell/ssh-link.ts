import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { exec } from '@actions/exec'
import { type Problem, UserError } from '../domain/errors.ts'
import { collector } from './collector.ts'
import type { Address, Ran } from './port.ts'
import type { SshHost } from './ssh-config.ts'
import { sshFailure, type Way } from './ssh-failure.ts'

/** A connection that could not be made within this time is none. */
const CONNECT = 30

/**
 * ssh, with both its outputs bounded here: a hostile node may send without end. Its exit status comes out as that of the whole; one
 * that sends on is not heard, and ends with its limit. What it did not read of its input is read here, or whoever writes it would
 * meet a broken pipe, which @actions/exec does not survive.
 */
const BOUNDED = `exec 4>&2 5>&1
code=$({ { { "$@" 3>&- 4>&- 5>&-; echo $? >&3; cat >/dev/null; } 2>&1 >&6 6>&- | head -c 65536 >&4; } 6>&1 | head -c 16777216 >&5; } 3>&1)
exit "\${code:-255}"`

/** One node's connection. `last`: it ends with this process. `forwards` by where they lead, each with the pid of the process that keeps it. */
export type Link = {
  env: NodeJS.ProcessEnv
  last: boolean
  config: string
  folder: string
  way: Way
  jump?: SshHost
  connected?: Promise<Ran>
  forwards: Map<string, Promise<{ at: Address; by: Keeper }>>
}

type Calling = {
  env: NodeJS.ProcessEnv
  out?: { add: (chunk: Buffer) => void }
  err?: { add: (chunk: Buffer) => void }
  input?: Buffer
}

/** What ssh needs of the environment: the agent, and where the user's own files are. */
const ENVIRONMENT = ['PATH', 'HOME', 'SSH_AUTH_SOCK', 'USER', 'LOGNAME']

/** Runs a program of this machine with that environment, and answers its exit status. */
export const call = (program: string, args: string[], c: Calling): Promise<number> =>
  exec(program, args, {
    env: Object.fromEntries([
      ...ENVIRONMENT.flatMap(name => (c.env[name] === undefined ? [] : [[name, c.env[name]] as const])),
      ['LC_ALL', 'C'],
    ]),
    // an empty one is written too, and a program that has closed its input meanwhile would end this process
    ...(c.input ? { input: c.input } : {}),
    silent: true,
    ignoreReturnCode: true,
    delay: 1000,
    cwd: '/',
    listeners: { stdout: data => c.out?.add(data), stderr: data => c.err?.add(data) },
  })

/** One command over the connection; the words are constants of ours. */
export async function ssh(
  link: Link,
  command: string[],
  o: { input: Buffer; seconds: number; line?: (line: string) => void; to?: string },
): Promise<Ran> {
  const out = collector(o.line)
  const err = collector()
  const limit = ['timeout', '--kill-after=5', String(Math.ceil(o.seconds))]
  const words = [...limit, 'ssh', '-F', link.config, '-T', o.to ?? link.way.at.alias, ...command]
  const code = await call('sh', ['-c', BOUNDED, 'sh', ...words], {
    env: link.env,
    input: o.input,
    out,
    err,
  })
  return { code, stdout: out.text(), stderr: err.text(), late: code === 124 || code === 137 }
}

/** The first command makes the connection that all later ones share. One that failed is tried anew by the next. */
export function connect(link: Link): Promise<Ran> {
  const connecting =
    link.connected ?? ssh(link, ['sh', '-s'], { input: Buffer.from('exit 0\n'), seconds: CONNECT })
  link.connected = connecting
  return connecting.then(ran => {
    if (ran.code !== 0) delete link.connected
    return ran
  })
}

/**
 * Why there is no connection. Through a jump the inner ssh's words are lost (it shares no terminal with a connection that is kept), so
 * the jump is asked by itself.
 */
export async function whyNot(link: Link, ran: Ran): Promise<Problem> {
  if (link.jump) {
    const { way, jump: at } = link
    const asked = await ssh(link, ['sh', '-s'], {
      input: Buffer.from('exit 0\n'),
      seconds: CONNECT,
      to: at.alias,
    })
    if (asked.code === 255) return sshFailure({ ...way, at }, asked.stderr)
  }
  return sshFailure(link.way, ran.late ? 'Connection timed out' : ran.stderr)
}

/** The process that keeps a connection; `born`: the time that tells it from a later one with its number, '' where nobody says. */
type Keeper = { pid: string; born: string }

/** Made once; where the connection was lost meanwhile, and perhaps made anew by another command, made again. */
export async function forward(link: Link, to: Address): Promise<Address> {
  const name = `${to.host}:${to.port}`
  const known = link.forwards.get(name)
  if (known && (await keeps(link, (await known).by))) return (await known).at
  const made = openForward(link, to)
  link.forwards.set(name, made)
  made.catch(() => link.forwards.delete(name))
  return (await made).at
}

/**
 * Does it still? Asked with every new connection of every node, so that no program may be started for it where the system says by
 * itself. Once it has ended, another process may listen on its ports.
 */
async function keeps(link: Link, by: Keeper): Promise<boolean> {
  if (by.pid === '') return false
  return by.born === '' ? by.pid === (await keeper(link)).pid : bornAt(by.pid) === by.born
}

/** The process that keeps the connection, as it says itself; none: ''. */
async function keeper(link: Link): Promise<Keeper> {
  const ran = await master(link, 'check', [])
  const pid = (ran.code === 0 && /pid=(\d+)/.exec(ran.stderr)?.[1]) || ''
  return { pid, born: pid === '' ? '' : bornAt(pid) }
}

/** When a process of this machine began, in ticks since the boot; '' where it has ended, or the system does not tell. */
function bornAt(pid: string): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? '' : (rest[18] ?? '')
  } catch {
    return ''
  }
}

async function openForward(link: Link, to: Address): Promise<{ at: Address; by: Keeper }> {
  for (let tries = 1; ; tries++) {
    const first = await connect(link)
    if (first.code !== 0) throw new UserError(await whyNot(link, first))
    const by = await keeper(link)
    const at: Address = { host: '127.0.0.1', port: await freePort() }
    const host = to.host.includes(':') ? `[${to.host}]` : to.host
    const ran = await master(link, 'forward', ['-L', `${at.host}:${at.port}:${host}:${to.port}`])
    if (ran.code === 0) return { at, by }
    delete link.connected
    if (tries === 3) throw new UserError(sshFailure(link.way, ran.stderr))
  }
}

/** Speaks to the process that keeps the connection. */
export async function master(
  link: Link,
  what: 'check' | 'forward' | 'exit',
  more: string[],
  to = link.way.at.alias,
): Promise<Ran> {
  const out = collector()
  const err = collector()
  const words = ['15', 'ssh', '-F', link.config, '-O', what, ...more, to]
  const code = await call('timeout', words, { env: link.env, out, err })
  return { code, stdout: out.text(), stderr: err.text(), late: code === 124 }
}

/** A port on loopback that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}
