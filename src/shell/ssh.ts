import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Bug, type Problem, UserError } from '../domain/errors.ts'
import { quote } from '../domain/quote.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { collector } from './collector.ts'
import type { Content, Program, Ran, RunOptions, Sent, Shell } from './port.ts'
import { boundedScript, scriptAs } from './script.ts'
import { type SshFiles, type SshHost, sshConfig } from './ssh-config.ts'
import { sshFailure } from './ssh-failure.ts'
import { sudoFailure } from './sudo.ts'
import { call, connect, forward, type Link, master, ssh, whyNot } from './ssh-link.ts'

/**
 * `dir` is a folder of ours that only we can read. `key` and `knownHosts` are texts, '' where none was given.
 * `own`: outside of CI the user's own ssh configuration, known hosts and agent fill in what was not given.
 * `last`: nothing comes after this process, so its connections are ended with it.
 */
export type SshOptions = {
  dir: string
  /** Two may lie on one machine. */
  nodes: { name: string; host: string; port: number; user: string }[]
  jump?: { host: string; port: number; user: string }
  key: string
  knownHosts: string
  own: boolean
  last: boolean
  env: NodeJS.ProcessEnv
}

/** How much longer than its limit a program is waited for: a critical one finishes what it has begun. */
const GRACE = 60_000

/** Path, mode and length come first, a line each; then the file. `read` takes no byte more than its line. */
const RECEIVE = `umask 077
IFS= read -r path && IFS= read -r mode && IFS= read -r size || exit 90
part=$path.$$.part
mkdir -p "\${path%/*}" || exit 91
trap 'rm -f "$part"' EXIT
: >"$part" || exit 91
had=-1 has=0
while [ "$has" -gt "$had" ] && [ "$has" -lt "$size" ]; do
  had=$has
  dd bs=65536 count=64 iflag=fullblock 2>/dev/null >>"$part" || exit 91
  has=$(wc -c <"$part")
  printf '%s\\n' "$has"
done
[ "$has" -eq "$size" ] && chmod "$mode" "$part" && { sync "$part" 2>/dev/null || sync; } && mv -f "$part" "$path" && trap - EXIT`

/** A fleet's machines over the system's OpenSSH: one connection for each, kept for the whole rollout. Throws `UserError`. */
export async function openSsh(options: SshOptions): Promise<ReadonlyMap<string, Shell>> {
  const folder = join(options.dir, 'ssh')
  const files = await prepare(folder, options)
  const hosts = options.nodes.map((n, i): SshHost => ({ ...n, alias: aliasOf(options, i) }))
  const jump = jumpOf(options)
  // a jump's inner ssh is started with this name unquoted, so no blank may be in it
  const config = join(files.sockets, 'config')
  await writePrivate(config, sshConfig(hosts, files, jump))
  const authorize = files.identity === undefined ? '' : await publicHalf(files.identity, options.env)
  const knownHosts = options.knownHosts === '' ? 'known_hosts' : 'the input ssh-known-hosts'
  const open = new Set<Link>()
  const shells = hosts.map((at, i): [string, Shell] => {
    const node = options.nodes[i]?.name ?? ''
    const link: Link = {
      env: options.env,
      last: options.last,
      config,
      folder,
      way: { node, at, knownHosts, authorize },
      ...(jump ? { jump } : {}),
      forwards: new Map(),
    }
    open.add(link)
    return [node, shellOf(link, open)]
  })
  return new Map(shells)
}

/** One machine may be known by two users or ports. */
function aliasOf({ nodes }: SshOptions, i: number): string {
  const n = nodes[i]
  const first = nodes.find(other => other.host === n?.host)
  if (!n || !first) throw new Bug('an alias of no machine')
  return n.user === first.user && n.port === first.port ? n.host : `${n.host}-${n.user}-${n.port}`
}

/** A jump that is a node itself needs another name: a node is reached through the jump, the jump is not. */
const jumpOf = ({ jump, nodes }: SshOptions): SshHost | undefined =>
  jump && { ...jump, alias: nodes.some(n => n.host === jump.host) ? 'jump' : jump.host }

const shellOf = (link: Link, open: Set<Link>): Shell => ({
  run: (program, args, options) => run(link, program, args, options),
  put: (source, path, mode, sent) => put(link, { source, path, mode, ...(sent ? { sent } : {}) }),
  get: (path, limit) => get(link, path, limit),
  forward: to => forward(link, to),
  close: () => close(link, open),
})

/** The key in a file of its own, known hosts, and a folder for the control sockets whose name is short enough for the kernel. */
async function prepare(folder: string, o: SshOptions): Promise<SshFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const identity = join(folder, 'key')
  const knownHosts = join(folder, 'known_hosts')
  if (o.key !== '') await writePrivate(identity, o.key)
  if (o.knownHosts !== '') await writePrivate(knownHosts, `${o.knownHosts.trim()}\n`)
  return {
    sockets: await socketFolder(o.dir),
    ...(o.knownHosts === '' ? {} : { knownHosts }),
    ...(o.key === '' ? {} : { identity }),
    ...(o.own ? { own: join(o.env['HOME'] ?? '/', '.ssh', 'config') } : {}),
  }
}

const writePrivate = async (path: string, text: string): Promise<void> => {
  await rm(path, { force: true })
  await writeFile(path, text, { mode: 0o600, flag: 'wx' })
}

/** The same for every step of one rollout, so that a connection outlives the step that made it. */
async function socketFolder(dir: string): Promise<string> {
  const path = `/tmp/pdbr-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  })
  const { uid, mode } = await lstat(path)
  if (uid === process.getuid?.() && (mode & constants.S_IFMT) === constants.S_IFDIR && (mode & 0o77) === 0)
    return path
  throw new UserError({
    code: 'SSH_FOLDER_TAKEN',
    what: `${path} is not a private folder of ours`,
    next: 'remove it; somebody else on this machine made it',
  })
}

async function publicHalf(identity: string, env: NodeJS.ProcessEnv): Promise<string> {
  const out = collector()
  const code = await call('timeout', ['10', 'ssh-keygen', '-y', '-f', identity], { env, out })
  const line = out.text().trim()
  return code === 0 && /^[\x20-\x7e]{1,2000}$/.test(line) ? line : ''
}

async function run(link: Link, program: Program, args: string[], options: RunOptions): Promise<Ran> {
  const first = await connect(link)
  if (first.code !== 0)
    return { ...first, code: null, lost: { problem: await whyNot(link, first), begun: false } }
  const { as } = options
  const text = boundedScript(program, args, options.limit / 1000)
  const ran = await ssh(link, ['sh', '-s'], {
    input: Buffer.from(as ? scriptAs(as, text) : text),
    seconds: (options.limit + GRACE) / 1000,
    ...(options.line ? { line: options.line } : {}),
  })
  const { node, at } = link.way
  const problem = as ? sudoFailure({ node, from: at.user, to: as }, ran) : undefined
  if (problem) return { ...ran, code: null, lost: { problem, begun: false } }
  if (ran.code !== 255) return ran
  delete link.connected
  return { ...ran, code: null, lost: { problem: sshFailure(link.way, ran.stderr), begun: true } }
}

type Put = { source: Content; path: string; mode: number; sent?: Sent }

/** A large file takes as long as a slow link needs: a megabyte in four seconds, at the least. */
const putSeconds = (bytes: number): number => 120 + bytes / 250_000

async function put(link: Link, { source, path, mode, sent }: Put): Promise<void> {
  const bytes = 'bytes' in source ? Buffer.from(source.bytes) : await readFile(source.file)
  const first = await connect(link)
  if (first.code !== 0) throw new UserError(await whyNot(link, first))
  if (/[\r\n\0]/.test(path)) throw new UserError(notWritten(link, path, 'the path has a line break in it'))
  const head = Buffer.from(`${path}\n${mode.toString(8).padStart(4, '0')}\n${bytes.length}\n`)
  const ran = await ssh(link, ['sh', '-c', quote(RECEIVE)], {
    input: Buffer.concat([head, bytes]),
    seconds: putSeconds(bytes.length),
    line: text => (/^\d{1,15}$/.test(text) ? sent?.(Number(text), bytes.length) : undefined),
  })
  if (ran.code === 0) return
  if (ran.code === 255) throw new UserError(sshFailure(link.way, ran.stderr))
  throw new UserError(notWritten(link, path, lastWords(ran)))
}

const lastWords = (ran: Ran): string =>
  printable(new Untrusted(ran.stderr.trim().split('\n').slice(-2).join(' ')), 300) ||
  (ran.late ? 'it took too long' : `exit ${ran.code ?? 'unknown'}`)

const notWritten = ({ way }: Link, path: string, because: string): Problem => ({
  code: 'NODE_NOT_WRITABLE',
  what: `${way.node}: cannot write in ${path.slice(0, path.lastIndexOf('/'))}`,
  because,
  next: `give ${way.at.user} write access to the install folder, or free some space`,
  where: way.node,
})

const TAIL: Program = {
  name: 'tail',
  text: 'main() { [ ! -e "$1" ] || tail -c "$2" "$1"; }\nmain "$@" </dev/null',
}

async function get(link: Link, path: string, limit: number): Promise<Uint8Array> {
  const ran = await run(link, TAIL, [path, String(limit)], { limit: 60_000 })
  if (ran.lost) throw new UserError(ran.lost.problem)
  if (ran.code === 0) return Buffer.from(ran.stdout)
  throw new UserError({
    code: 'NODE_NOT_READABLE',
    what: `${link.way.node}: cannot read ${path}`,
    because: lastWords(ran),
    next: `give ${link.way.at.user} read access to it`,
    where: link.way.node,
  })
}

/** The key does not outlive the process; the connections do, for the next step, unless this was the last. */
async function close(link: Link, open: Set<Link>): Promise<void> {
  const { last, jump } = link
  if (last) await master(link, 'exit', []).catch(() => undefined)
  open.delete(link)
  if (open.size > 0) return
  if (last && jump) await master(link, 'exit', [], jump.alias).catch(() => undefined)
  const goes = [join(link.folder, 'key'), ...(last ? [dirname(link.config)] : [])]
  for (const path of goes) await rm(path, { recursive: true, force: true }).catch(() => undefined)
}
