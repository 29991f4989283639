import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Agent, fetch } from 'undici'
import { systemClock } from '../../src/clock.ts'
import { parseConfig } from '../../src/config/file.ts'
import type { Event } from '../../src/domain/event.ts'
import type { NodePort } from '../../src/node/port.ts'
import { httpClient } from '../../src/probe/http.ts'
import { createFleet, type Fleet } from '../local-fleet/fleet.ts'
import { rolloutYaml } from '../local-fleet/rollout-yaml.ts'
import { keyPair, openSshd } from '../shell/sshd.ts'
import { buildRelease, writeDist } from '../standin/release.ts'
import { engineUse, spans } from './engine.ts'
import { type Row, table } from './table.ts'

/**
 * What a fleet costs: the wall time of a release over ssh beside the least that its nodes' own gaps allow, the refreshing of leases,
 * and the polling of many endpoints: `npm run bench:fleet -- --nodes 3,30 --endpoints 1000`. Says numbers; asserts none.
 */
const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3,30' },
    endpoints: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
  },
})

type Place = { home: string; fleet: Fleet; config: string; keys: string; key: string; knownHosts: string }

/** As many nodes as there are addresses on loopback, behind one sshd; each has a connection of its own. */
async function place(
  home: string,
  nodes: number,
  parallel: number,
): Promise<Place & { close(): Promise<void> }> {
  const [old, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  const fleet = await createFleet({
    dir: join(home, 'fleet'),
    nodes,
    release: old,
    messages: 2000,
    walOn: true,
  })
  const sshd = await openSshd('0.0.0.0')
  const pair = keyPair(home, 'bench')
  sshd.authorize(pair.public)
  const hostKey = sshd.knownHosts.trim().split(' ').slice(1).join(' ')
  const address = (i: number): string => `127.0.1.${i + 1}`
  const dist = join(home, 'dist')
  await writeDist(next, dist)
  const [config, keys] = [join(home, 'rollout.yml'), join(home, 'keys')]
  writeFileSync(keys, `backend=${fleet.keys.probe}\nadmin=${fleet.keys.admin}\n`, { mode: 0o600 })
  writeFileSync(
    config,
    rolloutYaml(fleet, {
      local: null,
      ssh: { user: sshd.user, port: sshd.port },
      nodes: fleet.nodes.map((n, i) => ({ name: n.name, host: address(i), port: n.port })),
      releases: { directory: dist },
      canary: { nodes: 1, watch: '3s', 'warm-up': '0s' },
      waves: { size: parallel, watch: '2s' },
      'max-parallel': parallel,
      judge: { 'p95-floor': '10s', 'min-samples': 3 },
      probe: { rate: 2, block: '1s' },
      lease: { ttl: '2m' },
      drain: null,
    }),
  )
  const knownHosts = fleet.nodes.map((_, i) => `[${address(i)}]:${sshd.port} ${hostKey}\n`).join('')
  return {
    home,
    fleet,
    config,
    keys,
    key: pair.private,
    knownHosts,
    close: async () => {
      await fleet.close()
      await sshd.close()
    },
  }
}

const use = (at: Place, ...words: string[]): ReturnType<typeof engineUse> =>
  engineUse(
    at.home,
    [...words, '--config', at.config, '--keys', at.keys, '--ssh-known-hosts', at.knownHosts],
    {
      INPUT_SSH_KEY: at.key,
    },
  )

/** Wall time of a release, and the least it could take: the rehearsal, the watches, and the gaps side by side. */
async function release(at: Place, parallel: number): Promise<Row[]> {
  const adopted = await use(at, 'adopt')
  if (adopted.code !== 0) throw new Error(adopted.text)
  const done = await use(at, 'release', 'v0.2.2')
  if (done.code !== 0) throw new Error(done.text)
  const { journal } = done
  const nodes = at.fleet.nodes.length
  const wall = (journal.at(-1)?.at ?? 0) - (journal[0]?.at ?? 0)
  const gaps = sum(at.fleet.nodes.map(n => gapOf(journal, n.name)))
  const proofs = sum(
    at.fleet.nodes.flatMap(n =>
      stepsOf(journal, n.name, 'prove')
        .slice(-1)
        .map(s => s.to - s.from),
    ),
  )
  const watched = sum(spans(journal).flatMap(s => (s.task.kind === 'observe' ? [s.to - s.from] : [])))
  const least: Row = {
    name: `${nodes} nodes: sum of the gaps / ${parallel}, and the watches`,
    values: [gaps / parallel + watched],
  }
  return [
    least,
    { name: `${nodes} nodes: wall time of the release`, values: [wall], against: least },
    {
      name: `${nodes} nodes: of that, until the first stop (plan, leases, rehearsal)`,
      values: [untilStop(journal)],
    },
    { name: `${nodes} nodes: sum of the gaps`, values: [gaps] },
    { name: `${nodes} nodes: sum of the proofs of rollback points, beside the watches`, values: [proofs] },
  ]
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
const stepsOf = (journal: Event[], node: string, step: string) =>
  spans(journal).filter(({ task }) => task.kind === 'step' && task.node === node && task.step.do === step)
/** From the stop until an answer says that it is ready again. */
function gapOf(journal: Event[], node: string): number {
  const [stop] = stepsOf(journal, node, 'stop')
  const ready = spans(journal).find(
    s =>
      stop !== undefined &&
      s.from > stop.from &&
      s.fact.is === 'observed' &&
      s.fact.node === node &&
      s.fact.now.ready,
  )
  return stop && ready ? ready.to - stop.from : 0
}
const untilStop = (journal: Event[]): number =>
  Math.min(
    ...spans(journal).flatMap(s => (s.task.kind === 'step' && s.task.step.do === 'stop' ? [s.from] : [])),
  ) - (journal[0]?.at ?? 0)

/** Refreshing every lease once, and inspecting every node once, all at the same time, as a watch does. */
async function upkeep(at: Place): Promise<Row[]> {
  const { openSsh } = await import('../../src/shell/ssh.ts')
  const { nodeOn } = await import('../../src/node/server.ts')
  const { processService } = await import('../../src/service/process.ts')
  const { reachOf } = await import('../../src/shells.ts')
  const { readFileSync } = await import('node:fs')
  const config = parseConfig(readFileSync(at.config, 'utf8'), at.config)
  if (config.service.kind !== 'process') throw new Error('no process')
  const dir = join(at.home, 'upkeep')
  mkdirSync(dir)
  const shells = await openSsh({
    dir,
    nodes: config.nodes.flatMap(n => (n.machine ? [{ ...n.machine, name: n.name }] : [])),
    key: at.key,
    knownHosts: at.knownHosts,
    own: false,
    last: true,
    env: process.env,
  })
  const service = processService(config.service)
  const nodes = config.nodes.flatMap((n): NodePort[] => {
    const shell = shells.get(n.name)
    const more = {
      binary: config.binary,
      immutable: ['*.sst'],
      drain: config.drain,
      stopLimit: 60_000,
      startLimit: 60_000,
      confirmWithin: 600_000,
      stageLimit: 60_000,
    }
    return shell ? [nodeOn(shell, service, n, more)] : []
  })
  const count = nodes.length
  const first: Row = { name: `${count} nodes: first inspection (makes the connections)`, values: [] }
  const inspect: Row = { name: `${count} nodes: an inspection of all at once`, values: [] }
  const refresh: Row = {
    name: `${count} nodes: a refresh of every lease at once`,
    values: [],
    against: inspect,
  }
  const cpu: Row = { name: `${count} nodes: CPU of this process for such a refresh`, values: [] }
  const timed = async (row: Row, work: (n: NodePort) => Promise<unknown>): Promise<void> => {
    const began = performance.now()
    await Promise.all(nodes.map(work))
    row.values.push(performance.now() - began)
  }
  await timed(first, n => n.inspect())
  for (let i = 0; i < 5; i++) {
    await timed(inspect, n => n.inspect())
    const before = process.cpuUsage()
    await timed(refresh, n => n.refresh(0, 120_000))
    const used = process.cpuUsage(before)
    cpu.values.push((used.user + used.system) / 1000)
  }
  const asked: Row = {
    name: `${count} nodes: all asked whether they are ready, through the connections`,
    values: [],
  }
  const askedCpu: Row = { name: `${count} nodes: CPU of this process for that`, values: [] }
  const client = httpClient({ reach: reachOf(config, shells) })
  for (let i = 0; i < 10; i++) {
    const [began, before] = [performance.now(), process.cpuUsage()]
    await Promise.all(config.nodes.map(n => client.ask(n.url, { method: 'GET', path: '/readyz' })))
    asked.values.push(performance.now() - began)
    const used = process.cpuUsage(before)
    askedCpu.values.push((used.user + used.system) / 1000)
    await sleep(1000)
  }
  await client.close()
  for (const shell of shells.values()) await shell.close()
  return [first, inspect, refresh, cpu, asked, askedCpu]
}

/** Every endpoint once a second, by the engine's client and by undici's own `fetch`, one after the other in this process. */
async function polling(endpoints: number, seconds: number): Promise<Row[]> {
  const server = createServer((_, response) => response.end('{"status":"ok"}'))
  await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const urls = Array.from(
    { length: endpoints },
    (_, i) => `http://127.0.${2 + Math.floor(i / 250)}.${1 + (i % 250)}:${port}`,
  )
  const plain: Row = {
    name: `${endpoints} endpoints each second, undici fetch: CPU of one second`,
    values: [],
  }
  const ours: Row = {
    name: `${endpoints} endpoints each second, our client: CPU of one second`,
    values: [],
    against: plain,
  }
  const late: Row = {
    name: `${endpoints} endpoints each second, our client: the last answer of a second after`,
    values: [],
  }
  const agent = new Agent({ keepAliveTimeout: 1000 })
  const client = httpClient()
  const measure = async (one: (url: string) => Promise<unknown>, cpu: Row, last?: Row): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      const [began, before] = [performance.now(), process.cpuUsage()]
      await Promise.all(urls.map(one))
      last?.values.push(performance.now() - began)
      const used = process.cpuUsage(before)
      cpu.values.push((used.user + used.system) / 1000)
      await sleep(Math.max(0, 1000 - (performance.now() - began)))
    }
  }
  await measure(async url => (await fetch(`${url}/healthz`, { dispatcher: agent })).text(), plain)
  await measure(url => client.ask(url, { method: 'GET', path: '/healthz' }), ours, late)
  await client.close()
  await agent.destroy()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  return [plain, ours, late]
}

async function main(): Promise<void> {
  console.log(
    `${cpus().length} cores, Node.js ${process.versions.node}; began ${new Date(systemClock.now()).toISOString()}\n`,
  )
  const rows: Row[] = []
  for (const nodes of options.nodes.split(',').map(Number)) {
    const home = mkdtempSync(join(tmpdir(), 'bench-fleet-'))
    const parallel = Math.max(1, Math.min(10, Math.floor(nodes / 3)))
    const at = await place(home, nodes, parallel)
    try {
      rows.push(...(await release(at, parallel)), ...(await upkeep(at)))
    } finally {
      await at.close()
      rmSync(home, { recursive: true, force: true })
    }
  }
  rows.push(...(await polling(Number(options.endpoints), Number(options.seconds))))
  console.log(table(rows))
}

await main()
