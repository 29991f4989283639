import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Started = {
  pid: number
  /** Exit code, or the signal's name. */
  exited: Promise<number | NodeJS.Signals>
}

/** A server as a detached process of its own, with nothing of our environment but what is given. Output goes to `log`. */
export function startServer(options: {
  binary: string
  config: string
  log: string
  cwd: string
  env?: Record<string, string>
}): Started {
  mkdirSync(options.cwd, { recursive: true })
  const out = openSync(options.log, 'a', 0o600)
  const child = spawn(options.binary, ['--config', options.config], {
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', out, out],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', ...options.env },
  })
  closeSync(out)
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
  })
  // A server that cannot be spawned shows when somebody waits for it; nobody has to.
  exited.catch(() => {})
  child.unref()
  if (child.pid === undefined) throw new Error(`${options.binary} could not be started`)
  return { pid: child.pid, exited }
}

/** Waits until readyz answers 200 and returns the version it says. Throws after `limit` ms. */
export async function ready(url: string, limit = 15_000): Promise<string> {
  const until = Date.now() + limit
  for (;;) {
    const version = await askReady(url)
    if (version !== undefined) return version
    if (Date.now() > until) throw new Error(`${url} was not ready within ${limit} ms`)
    await sleep(15)
  }
}

async function askReady(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) })
    if (response.status !== 200) return undefined
    const said: unknown = await response.json()
    return typeof said === 'object' && said !== null && 'version' in said ? String(said.version) : ''
  } catch {
    return undefined
  }
}

/** Sends SIGTERM, waits, and after `limit` ms sends SIGKILL. Says which it took. */
export async function stopProcess(pid: number, limit = 10_000): Promise<'ended' | 'killed' | 'absent'> {
  if (!signal(pid, 'SIGTERM')) return 'absent'
  if (await gone(pid, limit)) return 'ended'
  signal(pid, 'SIGKILL')
  await gone(pid, 5000)
  return 'killed'
}

export async function killProcess(pid: number): Promise<void> {
  signal(pid, 'SIGKILL')
  await gone(pid, 5000)
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

async function gone(pid: number, limit: number): Promise<boolean> {
  const until = Date.now() + limit
  while (isRunning(pid)) {
    if (Date.now() > until) return false
    await sleep(10)
  }
  return true
}

/** False for a process that has ended and only waits to be collected. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}

/** The processes whose program lies under `folder`: every server of a fleet, whoever started it. */
export function processesUnder(folder: string): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.filter(pid => programOf(pid).startsWith(`${folder}/`)).map(Number)
}

function programOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return ''
  }
}

/**
 * Loopback ports that nobody listens on. They lie below the range that the kernel gives to outgoing connections: one of
 * those could take a stopped server's port before it starts again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
