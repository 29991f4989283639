import { createHash, randomUUID } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeConfig } from '../../src/config/config.ts'
import type { Event } from '../../src/domain/event.ts'
import type { SwitchSetting } from '../../src/domain/node.ts'
import type { Release } from '../../src/domain/release.ts'
import { type Action, type Claim, type Inspection, type NodePort, StepFailed } from '../../src/node/port.ts'
import type { Node } from '../../src/node/places.ts'
import { type NodeOptions, nodeOn } from '../../src/node/server.ts'
import { processService } from '../../src/service/process.ts'
import { localShell } from '../../src/shell/local.ts'
import type { Shell } from '../../src/shell/port.ts'

export const shells = ['dash', 'bash', 'busybox'] as const
export type ShellName = (typeof shells)[number]

const PERL = '/usr/bin/perl'
const script = new URL('./database.pl', import.meta.url).pathname

export type Rig = {
  root: string
  config: NodeConfig
  node: NodePort
  shell: Shell
  token: number
  path: string
  releases: { old: Release & { file: string }; next: Release & { file: string } }
  /** Another engine process on the same node. */
  another: (options?: Partial<NodeOptions>, behaviour?: string, shell?: Shell) => NodePort
  places: (options?: Partial<NodeOptions>) => Node
  act: (action: Action) => Promise<Inspection & { answer: Record<string, string[]> }>
  close: () => void
}

/** A node with a data folder, nothing running, in a folder whose name has a blank and a quote. */
export function rig(shellName: ShellName = 'dash', behaviour = '', port = 18_080): Rig {
  const root = mkdtempSync(join(tmpdir(), "rollout node's "))
  const path = `${pathWith(root, shellName)}:/usr/sbin:/usr/bin:/sbin:/bin`
  const config: NodeConfig = {
    name: 'db-1',
    url: `http://127.0.0.1:${port}`,
    install: join(root, 'opt', 'service'),
    data: join(root, 'var', 'data'),
    // a server that is to listen finds its port in this name
    config: join(root, port === 18_080 ? 'config.yaml' : `config-port-${port}.yaml`),
    configNext: join(root, 'config-next.yaml'),
  }
  makeData(config.data)
  writeFileSync(config.config, 'server: {port: 1}\n# 100% ünïcode\n')
  const releases = { old: makeBinary(root, 'v1.0.0'), next: makeBinary(root, 'v1.1.0') }
  const shell = localShell({ path, tmp: root })
  const places = (options: Partial<NodeOptions> = {}, how = behaviour) => ({
    service: serviceOf(how),
    config,
    options: {
      binary: 'database',
      immutable: ['*.sst'],
      drain: { kind: 'none' as const },
      stopLimit: 3000,
      startLimit: 5000,
      confirmWithin: 600_000,
      stageLimit: 20_000,
      ...options,
    },
  })
  const another = (options: Partial<NodeOptions> = {}, how = behaviour, by = shell): NodePort => {
    const at = places(options, how)
    return nodeOn(by, at.service, config, at.options)
  }
  const self: Rig = {
    root,
    config,
    shell,
    path,
    releases,
    token: 0,
    node: another(),
    another,
    places,
    act: action => self.node.act(action, grip(self.token)),
    close: () => {
      killAll(root)
      // a look that was just begun may still write
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
  return self
}

export const serviceOf = (behaviour: string): ReturnType<typeof processService> =>
  processService({
    kind: 'process',
    args: [script, '{data}', '{config}', behaviour],
    env: { GREETING: "it's a test" },
  })

export const grip = (
  token: number,
  stop = new AbortController().signal,
): { token: number; stop: AbortSignal; progress: () => void } => ({
  token,
  stop,
  progress: () => undefined,
})

export const claim = (process: string, more: Partial<Claim> = {}): Claim => ({
  rollout: 'r-1',
  process,
  holder: 'owner/repo run 1 on here',
  doing: 'a test',
  ttl: 60_000,
  lines: [],
  run: '',
  over: 'expired',
  ...more,
})

/** The node is armed to go back to its old release. */
export const arming = (r: Rig, more: Partial<SwitchSetting> = {}): Action => ({
  do: 'arm',
  rollout: 'r-1',
  quiet: 100,
  back: r.releases.old,
  to: r.releases.next,
  keeps: true,
  safe: 'intake-wal',
  ...more,
})

export const freePort = (): Promise<number> =>
  new Promise(resolve => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const at = server.address()
      server.close(() => resolve(typeof at === 'object' && at ? at.port : 0))
    })
  })

/** The first line of a rollout in a record. */
export const opened: Extract<Event, { type: 'opened' }> = {
  schema: 1,
  seq: 1,
  at: 1,
  type: 'opened',
  rollout: 'r-1',
  step: 'canary',
  by: { process: 'p-2', who: '', run: '', host: '' },
  request: { mode: 'release', tag: '', stopAfter: 'none', planHash: '', rollbackData: 'auto', reason: '' },
}

/** Leased, both releases installed, the old one active and started through us (data adopted by hand first). */
export async function started(r: Rig): Promise<Inspection> {
  await leased(r)
  await r.act({ do: 'install', release: r.releases.old, file: r.releases.old.file })
  await r.act({ do: 'install', release: r.releases.next, file: r.releases.next.file })
  mkdirSync(join(r.config.data, '.rollout'))
  writeFileSync(
    join(r.config.data, '.rollout', 'opened'),
    `1 ${r.releases.old.version} ${r.releases.old.sha256}\n`,
  )
  await r.act({ do: 'activate', release: r.releases.old })
  return r.act({ do: 'start', release: r.releases.old })
}

export async function leased(r: Rig, process = 'p-1', more: Partial<Claim> = {}): Promise<Inspection> {
  const inspection = await r.node.lease(claim(process, more))
  if (inspection.now.lease !== 'free') r.token = inspection.now.lease.token
  return inspection
}

export async function refusal(promise: Promise<unknown>): Promise<StepFailed['failure']> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof StepFailed) return error.failure
  throw new Error(
    `expected a refusal, got ${error instanceof Error ? (error.stack ?? error.message) : 'success'}`,
  )
}

export function makeData(data: string): void {
  for (const db of ['store', 'index']) {
    mkdirSync(join(data, db), { recursive: true })
    writeFileSync(join(data, db, 'CURRENT'), 'MANIFEST-000001\n')
    writeFileSync(join(data, db, 'MANIFEST-000001'), 'manifest')
    writeFileSync(join(data, db, '000004.log'), 'wal')
    writeFileSync(join(data, db, '000005.sst'), `table of ${db}`)
    writeFileSync(join(data, db, 'LOCK'), '')
  }
  mkdirSync(join(data, 'state'), { recursive: true })
  writeFileSync(join(data, 'state', 'a file with blanks'), 'telemetry')
}

/** Every file below a folder with its content's digest, but locks. */
export function tree(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => !name.endsWith('LOCK'),
  )
  const files = names.filter(name => statSync(join(folder, name)).isFile()).sort()
  return Object.fromEntries(files.map(name => [name, sha(join(folder, name))]))
}

export const sha = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
export const exists = existsSync

/** A real program with bytes of its own: ELF ignores what follows it. */
function makeBinary(root: string, version: string): Release & { file: string } {
  const file = join(root, `binary ${version}`)
  copyFileSync(PERL, file)
  chmodSync(file, 0o755)
  appendFileSync(file, `\n${version} ${randomUUID()}\n`)
  return { version, sha256: sha(file), file }
}

function pathWith(root: string, shellName: ShellName): string {
  const folder = join(root, 'bin')
  mkdirSync(folder)
  symlinkSync(`/usr/bin/${shellName}`, join(folder, 'sh'))
  return folder
}

/** Ends what a test started: processes that have this test's own folder among their files or arguments. */
function killAll(root: string): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (text.includes(root)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it ended meanwhile
    }
  }
}

/** Puts a program of this name before the real one on the node's PATH. `{real}` in its text is the real one. */
export function shim(r: Rig, name: string, text: string): void {
  program(r, name, `#!/usr/bin/dash\n${text.replaceAll('{real}', `/usr/bin/${name}`)}\n`)
}
export function program(r: Rig, name: string, text: string): void {
  const file = join(r.root, 'bin', name)
  writeFileSync(file, text)
  chmodSync(file, 0o755)
}
export const unshim = (r: Rig, name: string): void => rmSync(join(r.root, 'bin', name))
export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
export const state = (r: Rig, name: string): string => join(r.config.install, 'state', name)
/** What the programs keep that touch the data. */
export const notes = (r: Rig, name: string): string => join(r.root, 'var', '.data-notes', name)
export const checkpoint = (r: Rig, name: string): string => join(r.root, 'var', '.data-snapshots', name)
