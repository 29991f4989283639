import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverYaml, type Keys, type ServerConfig } from '../local-fleet/server-config.ts'
import {
  freePorts,
  killProcess,
  ready,
  startServer,
  stopProcess,
  type Started,
} from '../local-fleet/server-process.ts'

export const KEYS: Keys = {
  probe: 'bk',
  writer: 'bk2',
  checker: 'bk3',
  frontend: 'fk',
  admin: 'ak',
  signing: 'sk',
}

/** One server with a database of its own in a temporary folder. */
export type Instance = {
  dir: string
  data: string
  config: string
  url: string
  started: Started
  /** Status and body of a request; `as` is the API key. */
  ask: (path: string, options?: Ask) => Promise<Answer>
  log: () => Promise<string>
  /** SIGTERM; resolves with the exit code or signal. */
  stop: () => Promise<number | NodeJS.Signals>
  kill: () => Promise<void>
  /** Starts a program on the same data without waiting for it. */
  launch: (binary: string) => void
  /** Starts a program (the same one when none is given) on the same data and waits until it is ready. */
  start: (binary?: string) => Promise<void>
  close: () => Promise<void>
}
/** What a test reads out of an answer, which the server may or may not have put there. */
export type Json = {
  key?: string
  thread?: Record<string, unknown>
  threads?: { key: string }[]
  message?: { key: string; body: unknown }
  messages?: { key: string; body: { n: number } }[]
  keys?: string[]
  pagination?: { before_anchor: string; total: number }
}
export type Ask = {
  method?: string
  as?: string
  user?: string
  body?: unknown
  headers?: Record<string, string>
}
export type Answer = { status: number; json: Json; text: string; headers: Headers }
export type InstanceOptions = Partial<Omit<ServerConfig, 'port' | 'data'>> & { env?: Record<string, string> }

export async function newInstance(
  binary: string,
  { env = { PROGRESSDB_ABORT_SECONDS: '0' }, ...server }: InstanceOptions = {},
): Promise<Instance> {
  const dir = await mkdtemp(join(tmpdir(), 'instance-'))
  const [port = 0] = await freePorts(1)
  const [data, config, log] = [join(dir, 'data'), join(dir, 'config.yaml'), join(dir, 'log')]
  await writeFile(config, serverYaml({ port, data, keys: KEYS, walOn: true, ...server }))
  const run = (program: string) =>
    startServer({ binary: program, config, log, cwd: join(dir, 'scratch'), env })
  const instance: Instance = {
    dir,
    data,
    config,
    url: `http://127.0.0.1:${port}`,
    started: run(binary),
    ask: (path, options) => ask(instance.url + path, options),
    log: () => readFile(log, 'utf8'),
    stop: async () => {
      await stopProcess(instance.started.pid)
      return instance.started.exited
    },
    kill: () => killProcess(instance.started.pid),
    launch: program => {
      instance.started = run(program)
    },
    start: async (program = binary) => {
      instance.launch(program)
      await readyOrLog(instance)
    },
    close: async () => {
      await killProcess(instance.started.pid)
      await rm(dir, { recursive: true, force: true })
    },
  }
  return instance
}

/** How a start with this configuration ends, and what it printed. For starts that must fail. */
export async function endOf(
  binary: string,
  yaml: string | undefined,
): Promise<{ exit: number | string; log: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'failing-'))
  const [config, log] = [join(dir, 'config.yaml'), join(dir, 'log')]
  try {
    if (yaml !== undefined) await writeFile(config, yaml)
    const started = startServer({ binary, config, log, cwd: dir, env: { PROGRESSDB_ABORT_SECONDS: '0' } })
    const exit = await started.exited
    return { exit, log: await readFile(log, 'utf8') }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export async function readyInstance(binary: string, options: InstanceOptions = {}): Promise<Instance> {
  const instance = await newInstance(binary, options)
  try {
    await readyOrLog(instance)
    return instance
  } catch (error) {
    await instance.close()
    throw error
  }
}

async function readyOrLog(instance: Instance): Promise<void> {
  try {
    await ready(instance.url)
  } catch (error) {
    throw new Error(`the server did not become ready:\n${(await instance.log()).slice(-4000)}`, {
      cause: error,
    })
  }
}

async function ask(url: string, { method = 'GET', as, user, body, headers = {} }: Ask = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(as === undefined ? {} : { 'x-api-key': as }),
      ...(user === undefined ? {} : { 'x-user-id': user }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await response.text()
  return { status: response.status, text, json: parsed(text), headers: response.headers }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
