import { managedBy } from '../domain/container-problems.ts'
import { platform } from '../domain/asset.ts'
import { runPage } from '../domain/holder.ts'
import type { NodeFacts } from '../domain/facts.ts'
import type { Armed, Lease, Observed, Snapshot } from '../domain/node.ts'
import { type Release, releaseId } from '../domain/release.ts'
import type { Answer } from './answer.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Inspection } from './port.ts'
import { NAME, recordLine } from './record.ts'

/**
 * An answer's inspection in the engine's words. Names that could be a path, and folders that are none, are left out. `odd`: its record has a line that this product does not write.
 */
export function inspectionOf(answer: Answer): Inspection & { odd: boolean } {
  const one = (key: string): string => answer.values[key]?.at(-1) ?? ''
  const all = (key: string): string[] => answer.values[key] ?? []
  const installed = all('release').flatMap(releaseFrom)
  const [openedBy] = releaseFrom(one('opened_by'))
  const lines = all('record').map(recordLine)
  const armed = armedOf(one('armed'))
  const now: Observed = {
    running: runningOf(one, installed),
    active: installed.find(release => releaseId(release) === one('active')) ?? 'none',
    installed,
    ready: false,
    checked: one('checked') === '1',
    data: {
      opens: number(one('opens')),
      ...(openedBy && { openedBy }),
      ...(named(one('from')) !== '' && { from: one('from') }),
      swap: one('swap') === 'unfinished' ? 'unfinished' : 'none',
      setAside: all('set_aside').filter(path => FOLDER.test(path)),
    },
    traffic: trafficOf(one('traffic')),
    ...(/^\d+$/.test(one('traffic')) && { drainedAt: number(one('traffic')) }),
    snapshots: all('checkpoint_is').flatMap(snapshotFrom).sort(inOrder),
    config: digest(one('config_sha')),
    busy: one('busy') === '1',
    staging: one('staging') === '1',
    lease: leaseOf(answer) ?? 'free',
    ...(one('held') === '' ? {} : { held: one('held') === '1' }),
    ...(one('last_exit') !== '' && { lastExit: shown(one('last_exit')).replace('-', ' ') }),
    ...(armed ? { armed } : {}),
    record: lines.flatMap(line => (line === undefined || line === 'odd' ? [] : [line])),
  }
  return {
    now,
    facts: { ...factsOf(one, now), ...unitOf(one, all), ...containerOf(one) },
    odd: lines.includes('odd'),
  }
}

/** The lease that the answer shows; also that of a refusal. */
export function leaseOf(answer: Answer): Lease | undefined {
  const one = (key: string): string => answer.values[key]?.at(-1) ?? ''
  if (named(one('lease_rollout')) === '') return undefined
  const run = runPage(one('lease_run'))
  return {
    rollout: one('lease_rollout'),
    process: named(one('lease_process')),
    token: number(one('lease_token')),
    left: number(one('lease_left')),
    parked: one('lease_parked') === '1',
    holder: shown(one('lease_holder')),
    doing: shown(one('lease_doing')),
    ...(run ? { run } : {}),
    ...(one('lease_age') === '' ? {} : { age: number(one('lease_age')) }),
  }
}

/** `rollout left phase keeps watched` */
function armedOf(text: string): Armed | undefined {
  const [rollout = '', left = '', phase = '', keeps, watched] = text.split(' ')
  if (named(rollout) === '') return undefined
  return {
    rollout,
    left: number(left),
    phase: phase === 'armed' ? 'armed' : 'fired',
    keeps: keeps === '1',
    watched: watched === '1',
  }
}

type One = (key: string) => string

const unitOf = (one: One, all: (key: string) => string[]): Pick<NodeFacts, 'unit'> =>
  one('unit_load') === ''
    ? {}
    : {
        unit: {
          user: one('service'),
          dataOwner: one('data_owner'),
          data: one('data_folder'),
          settings: printable(new Untrusted(one('unit_settings')), 400).replaceAll('USec=', 'Sec='),
          madeBy: one('made_by'),
          hasSwitch: one('unit_switch') === '1',
          changedSince: all('changed_since'),
          exposed: all('exposed'),
          unwritable: one('unwritable'),
          configFixed: one('config_fixed') === '1',
        },
      }

/** Paths on the machine are for the fleet file to say. */
const containerOf = (one: One): Pick<NodeFacts, 'container'> =>
  one('container_status') === ''
    ? {}
    : {
        container: {
          status: shown(one('container_status')),
          managedBy: managedBy(one('container_of')),
          removesItself: one('container_removed') === 'true',
          servedAs: one('served_as'),
          configAs: one('config_as'),
          data: '',
          config: '',
        },
      }

const runningOf = (one: One, installed: Release[]): Observed['running'] => {
  if (one('process') !== '') return installed.find(release => release.sha256 === one('exe')) ?? 'unknown'
  return one('stranger') === '' ? 'stopped' : 'unknown'
}

function factsOf(one: One, now: Observed): NodeFacts {
  const [os = '', machine = ''] = one('machine').split(' ')
  const known = platform(os, machine) ?? { os: os.toLowerCase(), arch: machine }
  return {
    identity: one('identity'),
    os: known.os,
    arch: known.arch,
    adopted: now.active !== 'none' && now.data.openedBy !== undefined,
    data: dataOf(one('data')),
    bytes: number(one('bytes')),
    mutableBytes: number(one('mutable')),
    diskFree: number(one('disk_free')),
    diskTotal: number(one('disk_total')),
    memoryFree: number(one('memory_free')),
    memoryUsed: number(one('memory_used')),
    checkpoint: one('checkpoint') === 'reflink' ? 'reflink' : one('checkpoint') === 'link' ? 'link' : 'copy',
    configSha: digest(one('config_sha')),
    configNextSha: digest(one('config_next_sha')),
    configText: one('config_text'),
    pid: one('pid') === '' ? 'none' : number(one('pid')),
    process: one('process'),
    ...(now.running === 'unknown' && one('exe') !== '' && { foreignExe: one('exe') }),
    ...(one('stranger') !== '' && { stranger: one('stranger') }),
    serverLog: one('server_log'),
    staging: {
      folder: one('staging_folder'),
      process: one('stage_process'),
      ...(one('stage_exit') !== '' && { exit: one('stage_exit') }),
      log: one('stage_log'),
    },
  }
}

const DATA = ['progressdb', 'empty', 'missing', 'foreign', 'unreadable', 'mount'] as const
const dataOf = (word: string): NodeFacts['data'] => DATA.find(kind => kind === word) ?? 'unreadable'

/** `version sha256 ...`. */
function releaseFrom(line: string): Release[] {
  const [version, sha256] = line.split(' ')
  return version && sha256 && NAME.test(version) && /^[0-9a-f]{64}$/.test(sha256) ? [{ version, sha256 }] : []
}

/** `name kind version sha256 opens sealed clean at proven,proven`. */
function snapshotFrom(line: string): Snapshot[] {
  const [name = '', kind, version = '', sha256 = '', opens = '', sealed, clean, at = '', proven = ''] =
    line.split(' ')
  const names = [name, version, ...(proven === '' || proven === '-' ? [] : proven.split(','))]
  if (!names.every(text => NAME.test(text))) return []
  if (kind !== 'rehearsal' && kind !== 'rollback-point' && kind !== 'return-point') return []
  return [
    {
      name,
      kind,
      of: { version, sha256 },
      opens: number(opens),
      sealed: sealed === '1',
      clean: clean === '1',
      proven: proven === '-' ? [] : proven.split(','),
      at: number(at),
    },
  ]
}

const inOrder = (a: Snapshot, b: Snapshot): number => a.opens - b.opens || a.at - b.at

const named = (text: string): string => (NAME.test(text) ? text : '')
/** An absolute path that leads straight to where it says. */
const FOLDER = /^(?!.*\/\.{0,2}(?:\/|$))\/[^\p{Cc}\p{Cf}]{1,1000}$/u
const shown = (text: string): string => printable(new Untrusted(text), 200)

/** What is no whole number that can be kept counts as none. */
export const number = (text: string): number => (/^-?\d{1,15}$/.test(text) ? Number(text) : 0)
const digest = (text: string): string => (/^[0-9a-f]{64}$/.test(text) ? text : '')

/** The count of when it was drained, or a word. */
const trafficOf = (said: string): Observed['traffic'] => {
  if (said === '') return 'no-drain'
  return said === 'in' || said === 'leaving' ? said : 'drained'
}
