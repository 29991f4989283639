import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../local-fleet/server-process.ts'

/** A real Docker with a real registry, both of them ours alone. */
export type DockerHost = {
  socket: string
  /** `127.0.0.1:5000`. */
  registry: string
  /** A command of docker; answers what it printed. */
  docker: (...words: string[]) => string
  /** The daemon goes, with its containers or without, and comes back. */
  stop: () => Promise<void>
  start: () => Promise<void>
  stopRegistry: () => Promise<void>
  startRegistry: () => Promise<void>
  close: () => Promise<void>
}

const PATH = '/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin'

export async function openDocker(): Promise<DockerHost> {
  const dir = mkdtempSync(join(tmpdir(), 'docker-'))
  const [port = 0] = await freePorts(1)
  const socket = join(dir, 'docker.sock')
  const registry = `127.0.0.1:${port}`
  const docker = (...words: string[]): string =>
    execFileSync('/usr/bin/docker', ['-H', `unix://${socket}`, ...words], {
      encoding: 'utf8',
      env: { PATH, HOME: dir },
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1e8,
    }).trim()
  let daemon: ChildProcess | undefined
  let served: ChildProcess | undefined
  const log = join(dir, 'dockerd.log')
  const start = async (): Promise<void> => {
    daemon = daemonOf(dir, log)
    for (let tries = 0; tries < 400; tries++) {
      if (works(() => docker('version'))) return
      await sleep(50)
    }
    throw new Error(`no Docker: ${readFileSync(log, 'utf8').slice(-2000)}`)
  }
  const startRegistry = async (): Promise<void> => {
    served = registryOf(dir, registry)
    await answers(registry)
  }
  const stop = (): Promise<void> => ended(daemon)
  const stopRegistry = (): Promise<void> => ended(served)
  await Promise.all([start(), startRegistry()])
  return {
    socket,
    registry,
    docker,
    stop,
    start,
    stopRegistry,
    startRegistry,
    close: async () => {
      const all = works(() => docker('ps', '--all', '--quiet')) ? docker('ps', '--all', '--quiet') : ''
      if (all !== '') docker('rm', '--force', '--volumes', ...all.split('\n'))
      await Promise.all([stop(), stopRegistry()])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function daemonOf(dir: string, log: string): ChildProcess {
  mkdirSync(join(dir, 'exec'), { recursive: true })
  const words = [
    '--data-root',
    join(dir, 'data'),
    '--exec-root',
    join(dir, 'exec'),
    '--pidfile',
    join(dir, 'pid'),
  ]
  const more = [
    '--host',
    `unix://${join(dir, 'docker.sock')}`,
    '--storage-driver',
    // overlays do not lie on overlays
    execFileSync('stat', ['-f', '-c', '%T', dir], { encoding: 'utf8' }).trim() === 'overlayfs'
      ? 'vfs'
      : 'overlay2',
    '--cgroup-parent',
    '/rollout-tests',
  ]
  return spawn('sh', ['-c', 'exec dockerd "$@" >>"$0" 2>&1', log, ...words, ...more], {
    stdio: 'ignore',
    env: { PATH },
  })
}

type Login = { user: string; password: string }

function registryOf(dir: string, addr: string, login?: Login): ChildProcess {
  const file = join(dir, 'registry.yml')
  const settings = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(dir, 'registry') } },
    http: { addr },
    ...(login ? { auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } } } : {}),
  }
  writeFileSync(file, JSON.stringify(settings))
  return spawn('docker-registry', ['serve', file], { stdio: 'ignore', env: { PATH } })
}

/** One that lets only this user in. */
export async function openRegistry(login: Login): Promise<{ address: string; close: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'registry-'))
  const [port = 0] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  // bcrypt, which the system's own crypt knows
  const hash = execFileSync('perl', ['-e', 'print crypt(<STDIN>, q($2y$05$abcdefghijklmnopqrstuu))'], {
    input: login.password,
    encoding: 'utf8',
  })
  writeFileSync(
    join(dir, 'htpasswd'),
    `${login.user}:${hash}
`,
  )
  const served = registryOf(dir, address, login)
  await answers(address)
  return {
    address,
    close: async () => {
      await ended(served)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function answers(address: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await fetch(`http://${address}/v2/`).catch(() => undefined)) return
    await sleep(25)
  }
  throw new Error('no registry')
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

const works = (what: () => unknown): boolean => {
  try {
    what()
    return true
  } catch {
    return false
  }
}
