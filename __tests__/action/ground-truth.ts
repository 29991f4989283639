import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Acknowledged } from '../local-fleet/writer.ts'
import { readFolder, readNode } from '../local-fleet/checker.ts'
import type { Fleet, FleetNode } from '../local-fleet/fleet.ts'
import { versionOf } from '../standin/version.ts'
import { isRunning, processesUnder } from '../local-fleet/server-process.ts'

/** One node as `ps`, `readlink`, its files and HTTP show it; nothing of it comes from the product. */
export type Truth = {
  /** Processes whose program lies in the node's folder: one, unless a copy or a second server runs. */
  pids: number[]
  /** Version of the program that runs, by its own bytes (the stand-in's) or its folder, and by what readyz says; '' when nothing does. */
  runs: string
  answers: string
  /** Version of the release that `current` points to. */
  link: string
  ready: boolean
  drained: boolean
  /** The rollout that holds it; '' when nobody does. */
  lease: string
  staging: boolean
  /** Every program (not the server) that holds the node's lock. */
  locked: boolean
  /** The data came from a checkpoint. */
  restored: boolean
  setAside: string[]
}

export async function truthOf(node: FleetNode): Promise<Truth> {
  const home = dirname(node.install)
  const inContainer = node.container === undefined ? undefined : containerOf(node.container, node.name)
  const pids = inContainer ? inContainer.pids : processesUnder(home)
  const said = await readyz(node.url)
  return {
    pids,
    runs: pids[0] === undefined ? '' : (inContainer?.version ?? programVersion(pids[0])),
    answers: said.version,
    link: versionIn(basename(link(join(node.install, 'current')))),
    ready: said.ready,
    drained: existsSync(node.drainMark),
    lease: field(join(node.install, 'state', 'lease'), 'rollout'),
    staging: existsSync(join(home, '.data-staging')),
    locked: holdersOf(join(node.install, 'state', 'lock')).length > 0,
    restored: existsSync(join(node.data, '.rollout', 'from')),
    setAside: readdirSync(home)
      .filter(name => name.startsWith('data.failed-'))
      .map(name => join(home, name)),
  }
}

/** What Docker itself says runs under that name, and whatever else of this node does. */
function containerOf(socket: string, name: string): { pids: number[]; version: string } {
  const docker = (...words: string[]): string =>
    execFileSync('/usr/bin/docker', ['-H', `unix://${socket}`, ...words], { encoding: 'utf8' }).trim()
  const all = docker('ps', '--format', '{{.Names}}').split('\n')
  const running = all.filter(one => one === name || one.startsWith(`${name}.`))
  const format = '{{.State.Pid}} {{index .Config.Labels "org.opencontainers.image.version"}}'
  const said = running.map(one => docker('inspect', '--format', format, one).split(' '))
  return { pids: said.map(([pid]) => Number(pid)), version: `v${said[0]?.[1] ?? ''}` }
}

/** A node of which nothing is left over and that serves this version to its users. */
export const serving = (version: string): Partial<Truth> => ({
  runs: version,
  answers: version,
  link: version,
  ready: true,
  drained: false,
  lease: '',
  staging: false,
  locked: false,
})

const programVersion = (pid: number): string => {
  const program = `/proc/${pid}/exe`
  try {
    return `v${versionOf(program).version}`
  } catch {
    // no stand-in: a real server's bytes do not say it, the folder that it lies in does
    return versionIn(basename(dirname(link(program))))
  }
}

/** `v0.2.1` of `v0.2.1-0123456789ab`. */
const versionIn = (release: string): string => /^(v.+)-[0-9a-f]{12}$/.exec(release)?.[1] ?? ''

const link = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

const field = (file: string, key: string): string => {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? ''
}

async function readyz(url: string): Promise<{ ready: boolean; version: string }> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3000) })
    const body: unknown = await response.json()
    const version = typeof body === 'object' && body !== null && 'version' in body ? String(body.version) : ''
    return { ready: response.status === 200, version }
  } catch {
    return { ready: false, version: '' }
  }
}

/** Titles of the threads that the probe's user owns on a node. */
export async function probeThreads(node: FleetNode, fleet: Fleet): Promise<string[]> {
  const headers = { authorization: `Bearer ${fleet.keys.probe}`, 'x-user-id': 'rollout-probe' }
  const response = await fetch(`${node.url}/frontend/v1/threads?limit=100`, { headers })
  const body: unknown = await response.json()
  if (typeof body !== 'object' || body === null || !('threads' in body))
    throw new Error(`no threads: ${response.status}`)
  return Array.isArray(body.threads) ? body.threads.map(t => String(t.title)) : []
}

/** Processes that have a file open. */
export function holdersOf(file: string): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.filter(pid => opens(pid).includes(file)).map(Number)
}

const opens = (pid: string): string[] => {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(fd => link(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

/** Own session, nothing of the job in its environment: a server that a runner does not take with it. */
export function outlivesJobs(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
  return isRunning(pid) && session !== sessionOf(process.pid) && !/RUNNER_|GITHUB_|INPUT_/.test(environment)
}

const sessionOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
}

/** Acknowledged writes that are neither on their node nor, where its data was restored, in a folder that was set aside. */
export type Lost = { missing: Acknowledged[]; aside: number; acknowledged: number }

/**
 * The independent checker: a node that kept its data must have every acknowledged write itself; on a restored one each is
 * in the live data, or is read from a set-aside folder by `newest`, started on a copy of it.
 */
export async function lostWrites(
  fleet: Fleet,
  acknowledged: Acknowledged[],
  newest: { binary: string },
): Promise<Lost> {
  const found = await Promise.all(
    fleet.nodes.map(async node => {
      const writes = acknowledged.filter(write => write.node === node.name)
      const live = await readNode(node.url, fleet.keys.checker, writes)
      const gone = writes.filter(write => !live.has(write.id))
      const { restored, setAside } = await truthOf(node)
      if (gone.length === 0 || !restored) return { missing: gone, aside: 0 }
      const ids = new Set<string>()
      for (const folder of setAside)
        for (const id of await readFolder(folder, newest.binary, { keys: fleet.keys, writes: gone }))
          ids.add(id)
      const missing = gone.filter(write => !ids.has(write.id))
      return { missing, aside: gone.length - missing.length }
    }),
  )
  return {
    missing: found.flatMap(({ missing }) => missing),
    aside: found.reduce((sum, { aside }) => sum + aside, 0),
    acknowledged: acknowledged.length,
  }
}
