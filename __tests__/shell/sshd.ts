import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../local-fleet/server-process.ts'

/** A real sshd on loopback that lets the present user in with one key. */
export type Sshd = {
  host: string
  port: number
  user: string
  /** Lines of known_hosts. */
  knownHosts: string
  /** Which public keys are let in, one a line. */
  authorize: (keys: string) => void
  /** Another host key from the next start on. */
  rekey: () => void
  start: () => Promise<void>
  stop: () => Promise<void>
  pid: () => number
}

export type KeyPair = { private: string; public: string }

/** `PATH` of the parts that only root finds. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

export function keyPair(dir: string, name: string): KeyPair {
  const file = join(dir, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file], { env: { PATH } })
  return { private: readFileSync(file, 'utf8'), public: readFileSync(`${file}.pub`, 'utf8').trim() }
}

export async function openSshd(
  host = '127.0.0.1',
  given?: number,
  more: string[] = [],
): Promise<Sshd & { close: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'sshd-'))
  // who logs in reads there which keys are let in
  chmodSync(dir, 0o711)
  const port = given ?? (await freePorts(1))[0] ?? 0
  mkdirSync('/run/sshd', { recursive: true })
  let key = keyPair(dir, 'host')
  let running: ChildProcess | undefined
  const config = join(dir, 'config')
  writeFileSync(
    config,
    [
      `ListenAddress ${host}:${port}`,
      `HostKey ${join(dir, 'host')}`,
      `AuthorizedKeysFile ${join(dir, 'authorized')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'UseDNS no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'AllowTcpForwarding yes',
      'MaxStartups 100',
      ...more,
      '',
    ].join('\n'),
  )
  const stop = async (): Promise<void> => {
    const one = running
    running = undefined
    if (!one || one.exitCode !== null) return
    const ended = new Promise(resolve => one.once('exit', resolve))
    one.kill('SIGTERM')
    await ended
  }
  const start = async (): Promise<void> => {
    // the path must be absolute: sshd starts itself anew for each connection
    running = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: 'ignore' })
    await listens(host, port)
  }
  const sshd: Sshd = {
    host,
    port,
    user: userInfo().username,
    get knownHosts() {
      return `[${host}]:${port} ${key.public}\n`
    },
    authorize: keys => writeFileSync(join(dir, 'authorized'), `${keys}\n`),
    rekey: () => {
      rmSync(join(dir, 'host'))
      key = keyPair(dir, 'host')
    },
    start,
    stop,
    pid: () => running?.pid ?? 0,
  }
  await start()
  return Object.assign(sshd, {
    close: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  })
}

async function listens(host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise<boolean>(resolve => {
      const socket = connect({ host, port }, () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await sleep(25)
  }
  throw new Error(`no sshd on ${host}:${port}`)
}
