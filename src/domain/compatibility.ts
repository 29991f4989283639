import { compare, lt, valid } from 'semver'
import { lacking, needBefore, nodeDisk } from './disk.ts'
import type { Problem } from './errors.ts'
import { type Release, sameRelease } from './release.ts'
import { safeStop } from './safe-stop.ts'
import type { Survey, SurveyedNode, Wish } from './survey.ts'
import { problemsOfContainer } from './container-problems.ts'
import { notTheServices, unitProblems } from './unit-problems.ts'
import { inTraffic } from './traffic.ts'

/** Every reason why this release must not start on this fleet, of every node together. Nothing is guessed. */
export function incompatibilities(
  survey: Survey,
  wish: Wish,
  target: (n: SurveyedNode) => Release | undefined,
): Problem[] {
  return [
    ...survey.problems,
    ...survey.unreachable.map(({ node, failure }) => ({ ...problemOf(failure), where: node })),
    ...survey.nodes.flatMap(n =>
      [...n.problems, ...ofNode(n, wish)].map(p => ({ ...p, where: p.where ?? n.node })),
    ),
    ...mixed(survey.nodes),
    ...survey.nodes.flatMap(n => ofTarget(n, wish, target(n))),
  ]
}

const problemOf = ({
  effect: _,
  kind: __,
  held: ___,
  ...problem
}: Survey['unreachable'][number]['failure']): Problem => problem

function ofNode(n: SurveyedNode, wish: Wish): Problem[] {
  const { facts } = n
  const { unit } = facts
  if (unit && unit.dataOwner !== '' && unit.dataOwner !== unit.user) return [notTheServices(n.node, unit)]
  const ofContainer = problemsOfContainer(n, wish)
  if (facts.container?.status === 'missing') return ofContainer
  // that the server's own configuration names another folder says it better
  if (facts.data !== 'progressdb')
    return n.problems.some(p => p.code === 'DATA_IS_ELSEWHERE') ? [] : [dataProblem(n)]
  if (!facts.adopted) {
    return [
      ...ofContainer,
      {
        code: 'NODE_NOT_ADOPTED',
        what: `${n.node} was never adopted: nobody knows which release it runs`,
        next: `on the machine that reaches it:  progressdb-rollout adopt ${n.node}`,
      },
    ]
  }
  return [
    ...unitProblems(n),
    ...ofContainer,
    ...running(n),
    ...leftOver(n),
    ...stopping(n, wish),
    ...draining(n, wish),
    ...room(n, wish),
    ...memory(n, wish),
  ]
}

function dataProblem(n: SurveyedNode): Problem {
  if (n.facts.data === 'mount') {
    return {
      code: 'DATA_IS_MOUNT',
      what: `${n.node}: its data folder is a mount point`,
      because: 'a snapshot is put back by renaming folders, and a mount point cannot be renamed',
      next: 'mount the disk one level higher and keep the data in a folder on it, with room for snapshots beside it',
    }
  }
  const because: Record<string, string> = {
    missing: 'there is no such folder',
    empty: 'the folder is empty',
    foreign: 'what lies there is not a ProgressDB database',
    unreadable: 'it may not be read',
  }
  return {
    code: 'DATA_NOT_FOUND',
    what: `${n.node}: its data folder is not the database of this service`,
    because: because[n.facts.data] ?? n.facts.data,
    next: "correct `data:` in the fleet file: the folder that the server's `db_path` names",
  }
}

function running(n: SurveyedNode): Problem[] {
  const { running: runs, ready } = n.now
  if (runs === 'stopped') {
    return [
      {
        code: 'NODE_STOPPED',
        what: `${n.node} does not run`,
        next: 'start it as it was, or run `progressdb-rollout recover` if a rollout left it so',
      },
    ]
  }
  if (runs === 'unknown') return [unknownServer(n)]
  if (!ready)
    return [
      {
        code: 'NODE_NOT_READY',
        what: `${n.node} is not ready: ${n.why}`,
        next: 'a release starts from a fleet that serves; look at its log first',
      },
    ]
  return []
}

const unknownServer = ({ node, facts }: SurveyedNode): Problem => ({
  code: 'NODE_RUNS_UNKNOWN',
  ...(facts.stranger === undefined
    ? {
        what: `${node} runs a binary that is none of its recorded releases (sha256 ${facts.foreignExe?.slice(0, 12) ?? 'unknown'}…)`,
        because: 'it was replaced by hand',
      }
    : {
        what: `${node} is served by a process that neither a rollout nor \`adopt\` knows`,
        because: `it was started by hand since (process ${facts.stranger})`,
      }),
  next: `if it is right as it is:  progressdb-rollout adopt ${node}`,
})

function leftOver(n: SurveyedNode): Problem[] {
  const out: Problem[] = []
  if (n.now.data.swap === 'unfinished' || n.now.staging || n.now.held) {
    out.push({
      code: 'NODE_LEFT_HALF_WAY',
      what: `${n.node} carries what an earlier run left in the middle`,
      next: 'progressdb-rollout recover',
    })
  }
  if (!inTraffic(n.now)) {
    out.push({
      code: 'NODE_DRAINED',
      what: `${n.node} is out of traffic`,
      because: 'it was drained and never let in again',
      next: 'progressdb-rollout recover, or let it in by hand',
    })
  }
  return out
}

function stopping(n: SurveyedNode, wish: Wish): Problem[] {
  if (safeStop(n, { drain: wish.policy.drain, acceptWriteLoss: wish.acceptWriteLoss })) return []
  return [
    {
      code: 'STOP_LOSES_WRITES',
      what: `${n.node}: a stop may lose writes that were acknowledged`,
      because: 'nothing drains it, and its intake WAL and recovery are not both on',
      next: 'configure `drain:`, or set ingest.intake.wal.enabled and ingest.intake.recovery.enabled, or accept it with `accept-write-loss: true`',
    },
  ]
}

/** On the way back what keeps what it has accepted is stopped all the same. */
function draining(n: SurveyedNode, wish: Wish): Problem[] {
  if (n.drainRefused === '' || (wish.mode === 'rollback' && n.intakeWal)) return []
  return [
    {
      code: 'DRAIN_NOT_POSSIBLE',
      what: `${n.node} could not be taken out of traffic`,
      because: n.drainRefused,
      next: 'correct it at the load balancer, or `drain:` in the fleet file; nothing was changed',
    },
  ]
}

function room(n: SurveyedNode, wish: Wish): Problem[] {
  const disk = nodeDisk(n.facts)
  const need = needBefore(disk).now
  const { diskReserve } = wish.policy
  if (lacking(disk, need, diskReserve) === 0) return []
  return [
    {
      code: 'DISK_FULL',
      what: `${n.node} has ${mb(disk.free)} free; its snapshot and its rehearsal need ${mb(need)}, and ${mb(diskReserve * disk.total)} stay in reserve`,
      next: 'make room, or remove checkpoints that are not needed any more; `disk-reserve` sets the reserve',
    },
  ]
}

/** A copy runs beside the server, and takes about as much memory as it does, unless the fleet file knows better. */
function memory(n: SurveyedNode, wish: Wish): Problem[] {
  const { memoryFree, memoryUsed } = n.facts
  const need = wish.rehearsalMemory ?? memoryUsed
  if (memoryFree >= need) return []
  const known = wish.rehearsalMemory === undefined ? 'its server uses' : '`rehearse.memory` says'
  return [
    {
      code: 'MEMORY_SHORT',
      what: `${n.node} has ${mb(memoryFree)} of memory to spare; a copy that is proven beside the server needs about ${mb(need)}`,
      because: `${known} that much, and a machine short of memory hurts the server that users see`,
      next: 'give the machine more memory, or say what a copy needs with `rehearse: { memory: 500MB }`',
    },
  ]
}

const mb = (x: number): string => `${Math.ceil(x / 1e6).toLocaleString('en-US')} MB`

function mixed(nodes: SurveyedNode[]): Problem[] {
  const versions = new Map<string, string[]>()
  for (const n of nodes) {
    if (typeof n.now.running !== 'object') continue
    versions.set(n.now.running.sha256, [...(versions.get(n.now.running.sha256) ?? []), n.node])
  }
  if (versions.size <= 2) return []
  return [
    {
      code: 'FLEET_MIXED',
      what: `the fleet runs ${versions.size} different releases: ${[...versions.values()].map(ids => ids.join('+')).join(', ')}`,
      next: 'bring it to at most two first: progressdb-rollout rollback --tag <version>, or recover',
    },
  ]
}

function ofTarget(n: SurveyedNode, wish: Wish, target: Release | undefined): Problem[] {
  const runs = n.now.running
  if (!target || typeof runs !== 'object' || sameRelease(runs, target)) return []
  const from = valid(runs.version)
  const to = valid(target.version)
  if (!from || !to) return [versionProblem(n, from ? target.version : runs.version)]
  if (wish.mode === 'release' && lt(to, from)) return [lower(n, runs, target)]
  if (wish.mode === 'release' && compare(to, from) === 0) return [sameVersion(n, target)]
  if (wish.profile === 'progressdb' && lt(from, '0.2.0') && !lt(to, '0.2.0')) return [hides(n)]
  return []
}

const versionProblem = (n: SurveyedNode, version: string): Problem => ({
  code: 'VERSION_UNKNOWN',
  what: `${n.node}: "${version}" is not a version that can be compared`,
  next: 'say which one runs with `from:` in the fleet file',
  where: n.node,
})

const lower = (n: SurveyedNode, runs: Release, target: Release): Problem => ({
  code: 'LOWER_VERSION',
  what: `${n.node} runs ${runs.version}, and a release never goes to a lower version (${target.version})`,
  next: `to go back:  progressdb-rollout rollback --tag ${target.version}`,
  where: n.node,
})

const sameVersion = (n: SurveyedNode, target: Release): Problem => ({
  code: 'SAME_VERSION_OTHER_BYTES',
  what: `${n.node} runs a ${target.version} with other bytes than the release has`,
  because: 'the tag was moved or the release rebuilt: a version must name one binary',
  next: 'publish the change under a new version',
  where: n.node,
})

const hides = (n: SurveyedNode): Problem => ({
  code: 'FORMAT_NOT_MIGRATED',
  what: `${n.node}: servers from 0.2 start on the data of 0.1 and show none of it`,
  because: 'the migration that the upgrade notes promise never runs in a released build',
  next: 'move the data with the offline tool into a new folder first, then adopt that',
  where: n.node,
})
