import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../local-fleet/server-process.ts'

/** A real HAProxy in front of servers, which follow no request twice: what fails at a server fails for the client. */
export type HAProxy = {
  /** Where clients go. */
  url: string
  /** Its runtime sockets, of the levels admin and user, and the first one over TCP. */
  socket: string
  userSocket: string
  tcp: string
  /** A command over the socket, as an operator gives it. */
  ask: (command: string) => Promise<string>
  /** `UP`, `MAINT` and so on, by server. */
  states: () => Promise<Record<string, string>>
  /** Unless it runs. */
  start: () => Promise<void>
  kill: () => Promise<void>
}

export type Server = { name: string; port: number }

export async function startHAProxy(dir: string, servers: Server[]): Promise<HAProxy> {
  mkdirSync(dir, { recursive: true })
  chmodSync(dir, 0o755)
  const [port = 0, tcp = 0] = await freePorts(2)
  const [socket, userSocket, file] = [join(dir, 'a.sock'), join(dir, 'u.sock'), join(dir, 'haproxy.cfg')]
  writeFileSync(file, configuration({ port, tcp, socket, userSocket, servers }))
  let process: ChildProcess | undefined
  const ask = (command: string): Promise<string> => asked(socket, command)
  const kill = async (): Promise<void> => {
    const running = process
    process = undefined
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    running.kill('SIGKILL')
    await once(running, 'exit')
  }
  const start = async (): Promise<void> => {
    if (process) return
    let log = ''
    const started = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    process = started
    started.once('error', error => (log += error.message))
    for (const stream of [started.stdout, started.stderr]) stream.on('data', text => (log += String(text)))
    for (let tries = 0; tries < 100; tries++) {
      if (await ask('show version').catch(() => '')) return
      await sleep(50)
    }
    await kill()
    throw new Error(`no HAProxy: ${log}`)
  }
  const states = async (): Promise<Record<string, string>> => {
    const [head = '', ...rows] = (await ask('show stat')).split('\n')
    const names = head.replace(/^# /, '').split(',')
    const cells = rows.map(row => row.split(','))
    const cell = (row: string[], name: string): string => row[names.indexOf(name)] ?? ''
    const found = cells.filter(row => cell(row, 'pxname') === 'db' && cell(row, 'svname') !== 'BACKEND')
    return Object.fromEntries(found.map(row => [cell(row, 'svname'), cell(row, 'status')]))
  }
  await start()
  return {
    url: `http://127.0.0.1:${port}`,
    socket,
    userSocket,
    tcp: `127.0.0.1:${tcp}`,
    ask,
    states,
    start,
    kill,
  }
}

/** A client that has a cookie stays with its server as long as that is there. */
const configuration = (on: {
  port: number
  tcp: number
  socket: string
  userSocket: string
  servers: Server[]
}): string => `
global
  stats socket ${on.socket} mode 600 level admin
  stats socket ${on.userSocket} mode 600 level user
  stats socket ipv4@127.0.0.1:${on.tcp} level admin
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout queue 5s
  retries 0
frontend clients
  bind 127.0.0.1:${on.port}
  default_backend db
backend db
  balance roundrobin
  option httpchk GET /healthz
  cookie SERVER insert indirect nocache
  http-response set-header x-server %s
  default-server check inter 500 fall 3 rise 1
${on.servers.map(({ name, port }) => `  server ${name} 127.0.0.1:${port} cookie ${name}\n`).join('')}`

function asked(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const connection = createConnection(socket, () => connection.write(`${command}\n`))
    connection.setTimeout(5000, () => connection.destroy(new Error('no answer')))
    connection.on('data', bytes => (answer += bytes.toString()))
    connection.on('error', reject)
    connection.on('close', () => resolve(answer.trim()))
  })
}
