import { createInterface } from 'node:readline/promises'
import { adoptionProblems } from './domain/adoption.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { releaseId } from './domain/release.ts'
import { printable, Untrusted } from './domain/text.ts'
import type { Console } from './github/console.ts'
import {
  type Deeds,
  deedsOf,
  homeOf,
  install,
  keepRunning,
  lookAs,
  lookAt,
  makePlaces,
  rootIsThere,
  type UnitFound,
  type UnitNode,
  undo,
} from './node/adoption.ts'
import { StepFailed } from './node/port.ts'
import type { Probe } from './probe/probe.ts'
import { runningVersion } from './running-version.ts'

/** `yes`: nobody has to be asked. `from`: the version that runs, where a server does not say it. */
export type AdoptUnits = {
  nodes: UnitNode[]
  probe: Probe
  out: Console
  yes: boolean
  from?: string
  process: string
  now: () => number
}

type Ready = { on: UnitNode; found: UnitFound; deeds: Deeds; version: string; sha256: string }

/**
 * Takes over the servers of systemd's units: looks at all of them, shows exactly what will be moved, linked and written, and does
 * that after a yes. Nothing is restarted. Answers the exit code.
 */
export async function adoptUnits(a: AdoptUnits): Promise<number> {
  const looked = await Promise.all(a.nodes.map(on => readied(a, on)))
  const problems = looked.flatMap(found => ('problems' in found ? found.problems : []))
  if (problems.length > 0) return told(a.out, problems)
  const ready = looked.flatMap(found => ('problems' in found ? [] : [found]))
  for (const one of ready)
    for (const text of wordsOf(one)) a.out.line('adopt', `${one.on.config.name} ${text}`)
  if (!(a.yes || (await agreed('Nothing is restarted. Do it?')))) return told(a.out, [notAgreed])
  const failed: Problem[] = []
  for (const one of ready) failed.push(...(await attempt(() => adoptOne(a, one))))
  return told(a.out, failed)
}

/** Takes an adoption back, where what would be started then is what runs now. */
export async function undoUnits(a: AdoptUnits): Promise<number> {
  const problems: Problem[] = []
  for (const on of a.nodes) {
    const found = await attempt(async () => {
      await undoOne(a, on)
    })
    problems.push(...found)
  }
  return told(a.out, problems)
}

const told = (out: Console, problems: Problem[]): number => {
  for (const problem of problems) out.problem(problem)
  return problems.length === 0 ? 0 : 3
}

async function attempt(work: () => Promise<void>): Promise<Problem[]> {
  try {
    await work()
    return []
  } catch (error) {
    if (error instanceof StepFailed) return [withRoot(error.failure)]
    if (error instanceof UserError) return error.problems
    throw error
  }
}

/** Whoever drives the node later has no such right, and needs none: somebody who has adopts it once. */
const withRoot = (problem: Problem): Problem =>
  problem.code.startsWith('SUDO_')
    ? {
        ...problem,
        code: 'ADOPT_NEEDS_ROOT',
        next: 'adopt it once as somebody who may become root there without a password:  progressdb-rollout adopt --as root  (or another user)',
      }
    : problem

async function readied(a: AdoptUnits, on: UnitNode): Promise<Ready | { problems: Problem[] }> {
  let ready: Ready | undefined
  let problems: Problem[] = []
  const failed = await attempt(async () => {
    await rootIsThere(on)
    const found = await lookAt(on)
    const own = await lookAs(on, found.one('unit_user'))
    const moves = own.one('unwritable') !== ''
    const runs = own.one('exe')
    const { config } = on
    problems = adoptionProblems({
      node: config.name,
      unit: on.service.unit,
      user: found.one('unit_user'),
      execStart: found.one('exec_start'),
      binaryPath: found.one('binary_path'),
      binarySha: found.one('binary_sha'),
      package: found.one('package'),
      runs,
      config: config.config,
      dataPath: config.data,
      dataOwner: found.one('data_owner'),
      data: own.one('data'),
      aboveIsClosed: moves,
      protectSystem: found.one('unit_protectsystem'),
      linger: on.service.scope === 'system' || found.one('linger') !== 'no',
    })
    const version = await runningVersion(a.probe, { id: config.name, url: config.url }, a.from)
    ready = { on, found, deeds: deedsOf(on, found, moves), version, sha256: runs }
  })
  return ready && problems.length + failed.length === 0 ? ready : { problems: [...problems, ...failed] }
}

/** Exactly what will be done. */
function wordsOf({ on, found, deeds, version, sha256 }: Ready): string[] {
  const shown = (text: string): string => printable(new Untrusted(text), 300)
  return [
    `runs ${shown(version)}, sha256 ${sha256.slice(0, 12)}…, as ${shown(found.one('unit_user'))}: kept in ${on.config.install}/releases/${shown(releaseId({ version, sha256 }))}`,
    `gets ${deeds.folder}, owned by ${on.deploy}`,
    ...(deeds.move === undefined
      ? []
      : [
          `moves ${shown(deeds.move)} to ${shown(homeOf(found, true))}, with a link in its place, in one step: above it is room for snapshots that its user may write`,
        ]),
    ...(deeds.link === undefined || found.one('binary_link') === deeds.link.target
      ? []
      : [
          `links ${shown(deeds.link.path)} to ${deeds.link.target}; what is there stays as ${shown(deeds.link.path)}.before-rollout`,
        ]),
    ...deeds.files.map(
      ({ path, mode }) => `writes ${path} (${mode}, ${on.service.scope === 'user' ? on.deploy : 'root'}'s)`,
    ),
    ...found.all('unconfined').map(why => `can give a rehearsal no whole sandbox: ${shown(why)}`),
  ]
}

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}

const notAgreed: Problem = {
  code: 'ADOPT_NOT_AGREED',
  what: 'nothing was changed: nobody said yes',
  next: 'say yes when asked, or type  progressdb-rollout adopt --yes',
}

async function adoptOne(a: AdoptUnits, { on, found, deeds, version, sha256 }: Ready): Promise<void> {
  await makePlaces(on, found, deeds)
  const line = {
    schema: 1 as const,
    seq: 1,
    at: a.now(),
    type: 'adopted' as const,
    rollout: `adopt-${a.process}`,
    version,
    sha256,
  }
  await keepRunning(on, found, { version, sha256, file: found.one('binary_is'), line })
  await install(on, found, deeds)
  a.out.line('adopt', `${on.config.name} is adopted: ${version} is known to be good; nothing was restarted`)
}

/** After it the unit starts what it started before: that must be what runs now. */
async function undoOne(a: AdoptUnits, on: UnitNode): Promise<void> {
  await rootIsThere(on)
  const found = await lookAt(on)
  const own = await lookAs(on, found.one('unit_user'))
  const { name } = on.config
  if (own.one('lease_rollout') !== '')
    throw new UserError({
      code: 'LEASE_HELD',
      what: `${name} is held by a rollout`,
      next: 'wait for it, or run `recover`',
      where: name,
    })
  if (own.one('exe') !== '' && found.one('before_sha') !== own.one('exe') && found.one('before_sha') !== '')
    throw new UserError({
      code: 'UNDO_WOULD_CHANGE_VERSION',
      what: `${name}: the binary from before its adoption is not the one that runs now`,
      because: 'the next start would open newer data with an older server, without a checkpoint',
      next: 'roll back first, or put the running release in its place by hand',
      where: name,
    })
  const { was, left } = await undo(on, found)
  const stays = [on.config.install, ...left].join(', ')
  const text =
    was === 'adopted'
      ? `is as it was before; releases, record and checkpoints stay in ${stays}`
      : 'is not adopted: nothing is left to take back'
  a.out.line('adopt', `${name} ${text}`)
}
