import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { parseConfig } from '../../src/config/file.ts'
import { stagingConfig } from '../../src/config/server-config.ts'
import { readInputs } from '../../src/config/inputs.ts'
import type { Event } from '../../src/domain/event.ts'
import { checkpointName } from '../../src/domain/steps.ts'
import type { Release } from '../../src/domain/release.ts'
import type { Action, NodePort } from '../../src/node/port.ts'
import { type Wired, wire } from '../../src/wire.ts'
import { ready } from '../local-fleet/server-process.ts'
import { lasting, shape } from '../node/deeds.ts'
import { callOf, CHANGING, type Count, countedTool, turnText } from '../node/counted-tool.ts'
import { claim, grip, opened, shells, tree } from '../node/rig.ts'
import { type BuiltRelease, buildRelease } from '../standin/release.ts'
import type { Machine } from './machine.ts'
import { adoptAll, type MachineScenario, openMachineScenario } from './scenario.ts'

/*
 * As node/killed-anywhere.test.ts, for what only a unit of systemd has: programs of two users and of root, the guard before a start, and
 * an adoption. Each of three machines has another shell. One round changes a server there and back; in round n every program of it is
 * killed at its nth call of a tool, and said once more. With `KILLS=1` each machine has one round, always the same.
 */
const FEW = process.env['KILLS'] === '1'
const HOURS = 3 * 3_600_000
const TOOLS = [...CHANGING, 'chown', 'sudo', 'perl', 'base64', 'visudo'] as const
const HERE = '/run/killing'

const COUNT: Count = { at: `${HERE}/at`, calls: `${HERE}/calls` }
/** Whoever is logged in, and systemd for what it runs. */
const TOP = '1/* | */sshd*'

const pathOf = (tool: string): string =>
  ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map(folder => join(folder, tool)).find(existsSync) ?? tool

/** Does it with a kill at this turn; false where there are not so many calls. What this does itself is not counted. */
async function killed(m: Machine, turn: number, work: () => Promise<unknown>): Promise<boolean> {
  const dash = (text: string): string => m.run('/usr/bin/dash', '-c', text)
  dash(`echo 0 >${COUNT.calls}; echo '${turnText(turn).trim()}' >${COUNT.at}`)
  await work().catch(() => undefined)
  return Number(dash(`read -r n <${COUNT.calls}; echo "$n"; exec /usr/bin/rm ${COUNT.at}`)) >= callOf(turn)
}

let s: MachineScenario
let wired: Wired
let releases: { old: BuiltRelease; next: BuiltRelease }

beforeAll(async () => {
  releases = { old: await buildRelease({ version: '0.2.1' }), next: await buildRelease({ version: '0.2.2' }) }
  const config = { switch: { 'confirm-within': '1h' } }
  s = await openMachineScenario({
    machines: shells.length,
    runs: releases.old,
    releases: [releases.old, releases.next],
    walOn: true,
    config,
  })
  for (const [i, m] of s.fleet.machines.entries()) {
    m.run('ln', '-sfn', `/usr/bin/${shells[i]}`, '/usr/bin/sh')
    m.run('sh', '-c', `mkdir -p ${HERE} && chmod 777 ${HERE} && : >${HERE}/calls && chmod 666 ${HERE}/calls`)
    for (const tool of TOOLS) {
      const file = join(m.root, 'usr/local/bin', tool)
      writeFileSync(file, countedTool(pathOf(tool), COUNT, TOP))
      chmodSync(file, 0o755)
    }
  }
}, 240_000)
afterAll(async () => {
  await wired?.close()
  await s?.end()
}, 60_000)

/** Every turn, each on one of the machines, until there is none; or on each machine one of `few`. Answers how many each had. */
async function onEach(
  few: readonly number[],
  work: (m: Machine, turn: number) => Promise<boolean>,
): Promise<number[]> {
  return Promise.all(
    s.fleet.machines.map(async (m, i) => {
      if (FEW) return Number(await work(m, few[i] ?? 1))
      for (let round = 0; ; round++) if (!(await work(m, 1 + i + round * shells.length))) return round
    }),
  )
}

const KEPT = ['etc', 'usr/local', 'var/lib'] as const
const NOT_OURS = /^(?:var\/lib\/(?:systemd|private|dbus|sudo)|etc\/machine-id|etc\/\.pwd)/

/** Every file of a machine that an adoption could touch, with what is in it and whose it is. */
function files(m: Machine): Record<string, string> {
  const all: Record<string, string> = {}
  for (const folder of KEPT)
    for (const name of readdirSync(join(m.root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name)
      if (NOT_OURS.test(path)) continue
      const file = join(m.root, path)
      const stat = lstatSync(file)
      const content = stat.isSymbolicLink()
        ? readlinkSync(file)
        : stat.isFile()
          ? createHash('sha256').update(readFileSync(file)).digest('hex')
          : ''
      all[path] = `${stat.mode.toString(8)} ${stat.uid} ${content}`
    }
  return all
}

/** Locks, whose holder the kernel does not name, of files that have the same numbers on another disk as those of the database. */
const LOCKS_ELSEWHERE = `
my %wanted = map { (stat $_)[1] => 1 } glob('/srv/db/progressdb/*/LOCK');
for my $n (1 .. 5000) {
  open(my $file, '+>', "/mnt/$n") or die $!;
  if ($wanted{(stat $file)[1]}) { my $l = pack('s s x4 q q l x4', 1, 0, 0, 0, 0); fcntl($file, 37, $l) or die $!; push @held, $file; }
}
die 'no file has such a number' unless @held;
open(STDOUT, '>', '/run/locked'); sleep 1 while 1`

async function lockElsewhere(m: Machine): Promise<void> {
  m.run('mount', '-t', 'tmpfs', 'elsewhere', '/mnt')
  m.run(
    '/usr/bin/dash',
    '-c',
    'setsid /usr/bin/perl -e "$0" </dev/null >/dev/null 2>/run/lock-error &',
    LOCKS_ELSEWHERE,
  )
  for (let tries = 0; m.run('/usr/bin/dash', '-c', '[ ! -e /run/locked ] || echo yes') === ''; tries++) {
    if (tries === 100) throw new Error(m.run('/usr/bin/cat', '/run/lock-error'))
    await sleep(100)
  }
}

const pidOf = (m: Machine): string =>
  m.run('systemctl', 'show', '--value', '--property=MainPID', 'progressdb.service').trim()

test(
  'an adoption is killed anywhere, and undone',
  async () => {
    await Promise.all(s.fleet.machines.map(lockElsewhere))
    const before = new Map(s.fleet.machines.map(m => [m.name, { pid: pidOf(m), files: files(m) }]))
    const adopt = (m: Machine, ...words: string[]): ReturnType<typeof s.byHand> =>
      s.byHand(['adopt', m.name, '--as', 'root', ...words], 'admin')
    const counts = await onEach([9, 24, 41], async (m, turn) => {
      const was = before.get(m.name)
      const where = `${m.name}, turn ${turn}`
      const died = await killed(m, turn, () => adopt(m, '--yes'))
      const again = await adopt(m, '--yes')
      expect(again.code, `${where}: ${again.text}`).toBe(0)
      expect(pidOf(m), where).toBe(was?.pid)
      const diedToo = await killed(m, turn, () => adopt(m, '--undo'))
      const undone = await adopt(m, '--undo')
      expect(undone.code, `${where}: ${undone.text}`).toBe(0)
      expect(files(m), where).toEqual(was?.files)
      expect(pidOf(m), where).toBe(was?.pid)
      return died || diedToo
    })
    console.log(`an adoption and its undoing: killed in ${counts.join(' + ')} turns`)
  },
  HOURS,
)

test(
  'a change there and back is killed anywhere',
  async () => {
    await adoptAll(s)
    mkdirSync(s.at('wired'))
    const inputs = new Map<string, string>([
      ['mode', 'status'],
      ['ssh-key', s.fleet.deploy],
      ['ssh-known-hosts', s.fleet.knownHosts],
    ])
    wired = await wire({
      config: parseConfig(readFileSync(s.at('workspace', '.github', 'rollout.yml'), 'utf8'), 'rollout.yml'),
      inputs: readInputs(name => inputs.get(name)),
      rollout: 'r-1',
      dir: s.at('wired'),
      env: { PATH: process.env['PATH'], HOME: s.at() },
      clock: systemClock,
      say: () => undefined,
      redact: text => text,
      last: true,
    })
    const expected = new Map<string, unknown[]>()
    await Promise.all(
      s.fleet.machines.map(async m => {
        await thereAndBack(m, 0)
        // from now on each round begins where another ended
        expected.set(m.name, (await thereAndBack(m, 0)).shapes)
      }),
    )
    const all: string[] = []
    await onEach([3, 8, 13], async (m, turn) => {
      const { shapes, met } = await thereAndBack(m, turn)
      expect(shapes, `${m.name}, turn ${turn}`).toEqual(expected.get(m.name))
      all.push(...met)
      return met.length > 0
    })
    const counts = new Map<string, number>()
    for (const name of all) counts.set(name, (counts.get(name) ?? 0) + 1)
    console.log([...counts].map(([name, n]) => `${name}: killed at ${n} points`).join('\n'))
  },
  HOURS,
)

let rounds = 0
/** What nothing of the product ever removes. */
const LEFT = [
  '/opt/progressdb/releases/v9.9.9-*',
  '/srv/db/progressdb.node/.data-snapshots/*',
  '/srv/db/progressdb.node/data.failed-*',
]

/** Every program that changes a machine, once; each is killed at this turn, and said again. What the machine was after each. */
async function thereAndBack(m: Machine, turn: number): Promise<{ shapes: unknown[]; met: string[] }> {
  const [shapes, met]: [unknown[], string[]] = [[], []]
  const node = portOf(m)
  const rollout = `r-${++rounds}`
  const [old, next] = [releaseOf(releases.old), releaseOf(releases.next)]
  const data = (): Record<string, string> => lasting(tree(join(m.disk(), 'progressdb.node/data')))
  let token = 0
  const deed = async (name: string, work: () => Promise<unknown>, again = work): Promise<void> => {
    if (turn > 0 && (await killed(m, turn, work))) met.push(name)
    const where = `${m.name} ${name}, turn ${turn}`
    await again().catch((error: unknown) => {
      throw new Error(where, { cause: error })
    })
    const { now } = await node.inspect()
    if (now.lease !== 'free') token = now.lease.token
    expect(now.busy, where).toBe(false)
    shapes.push({ after: name, is: plain(shape(now, true)) })
  }
  const act = (action: Action, again?: () => Promise<unknown>): Promise<void> =>
    deed(action.do, () => node.act(action, grip(token)), again)
  const line = (seq: number): Event => ({ ...opened, rollout, seq })
  await deed('lease', () => node.lease(claim('p-1', { rollout, ttl: 3_600_000, lines: [line(1)] })))
  await node.act({ do: 'install', release: next, file: releases.next.binary }, grip(token))
  const another = { ...next, version: 'v9.9.9' }
  await act({ do: 'install', release: another, file: releases.next.binary })
  await act({ do: 'record', lines: [line(1), line(2)] })
  await act({ do: 'hold', lines: [line(3)] })
  await act({ do: 'drain' })
  await act({ do: 'arm', rollout, quiet: 100, back: old, to: next, keeps: true, safe: 'intake-wal' })
  await act({ do: 'stop' })
  const { opens } = (await node.inspect()).now.data
  const point = checkpointName(rollout, 'rollback-point', opens)
  const was = data()
  await act({ do: 'snapshot', kind: 'rollback-point', name: point })
  await act({ do: 'hash', name: point })
  await act({ do: 'stage-copy', name: point })
  const staged = {
    address: '127.0.0.1',
    port: 18_099,
    dataPath: '/srv/db/progressdb.node/.data-staging/data',
  }
  const config = stagingConfig(m.run('/usr/bin/cat', '/etc/progressdb/config.yaml'), staged)
  await act({ do: 'stage-start', release: old, config })
  await act({ do: 'stage-stop' })
  await act({ do: 'clean-staging' })
  await act({ do: 'mark-proven', name: point, ran: [old.version] })
  await act({ do: 'activate', release: next })
  expect(data(), `${m.name}, turn ${turn}`).toEqual(was)
  await act({ do: 'start', release: next })
  expect(await ready(s.fleet.urlOf(m), 30_000)).toBe(next.version)
  await act({ do: 'disarm' })
  await act({ do: 'stop' })
  await act({ do: 'restore', name: point }, async () => {
    if ((await node.inspect()).now.data.swap === 'unfinished')
      await node.act({ do: 'finish-swap' }, grip(token))
    await node.act({ do: 'restore', name: point }, grip(token))
  })
  expect(data(), `${m.name}, turn ${turn}`).toEqual(was)
  await act({ do: 'activate', release: old })
  await act({ do: 'start', release: old })
  expect(await ready(s.fleet.urlOf(m), 30_000)).toBe(old.version)
  await act({ do: 'undrain' })
  await act({ do: 'let-go', lines: [line(4)] })
  await act({ do: 'release' }, async () => {
    if ((await node.inspect()).now.lease !== 'free') await node.act({ do: 'release' }, grip(token))
  })
  m.run('/usr/bin/dash', '-c', `rm -rf ${LEFT.join(' ')}`)
  return { shapes, met }
}

function portOf(m: Machine): NodePort {
  const node = wired.nodes.get(m.name)
  if (!node) throw new Error(`no ${m.name}`)
  return node
}

const releaseOf = ({ version, binary }: BuiltRelease): Release => ({
  version: `v${version}`,
  sha256: createHash('sha256').update(readFileSync(binary)).digest('hex'),
})

/** Without what differs from one round to the next. */
const plain = (is: unknown): unknown => {
  const text = JSON.stringify(is, (key, value: unknown) =>
    key === 'drainedAt' || key === 'opens' ? 0 : key === 'record' ? [] : value,
  )
  return JSON.parse(text.replaceAll(/r-\d+\.([a-z-]+)\.\d+/g, 'r.$1').replaceAll(/"r-\d+"/g, '"r"'))
}
