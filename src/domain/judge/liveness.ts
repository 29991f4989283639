import type { NodeBlock } from '../measurement.ts'
import type { NodeId } from '../node.ts'
import {
  type Arm,
  blocksWithout,
  type Checks,
  checks,
  clearlyMore,
  type Evidence,
  mostlyFailed,
  of,
} from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { count, outOf, share } from './numbers.ts'

/** Rules that need no comparison: the right version, the same process, answering health checks, room on the disk. */
export const livenessFindings = (e: Evidence): Finding[] => [version(e), restarts(e), health(e), disk(e)]

const bare = (v: string): string => v.replace(/^v/, '')
const shown = (arm: Arm): NodeBlock[] => arm.rows.map(r => r.shown)

const version = (e: Evidence): Finding => {
  const wanted = e.version
  const seen = [...new Set(e.canary.whole.map(b => b.version))].filter(v => v !== 'unknown').toSorted()
  const row = {
    name: 'version reported',
    canary: seen.join(', ') || 'none',
    baseline: [...new Set(e.baseline.whole.map(b => b.version))].toSorted().join(', ') || 'none',
    limit: wanted ?? 'any',
  }
  const wrong = e.canary.whole.find(
    b => b.version !== 'unknown' && wanted !== undefined && bare(b.version) !== bare(wanted),
  )
  return wrong
    ? finding(row, {
        says: 'fail',
        code: 'wrong-version',
        text: `${wrong.node} reports ${wrong.version}, not ${wanted}`,
      })
    : finding(row, { says: 'pass', code: 'all-passed', text: 'the canary reports the right version' })
}

/** Nothing of ours restarts a canary while it is watched, so the server must have died. */
const restarts = (e: Evidence): Finding => {
  const of = (arm: Arm): NodeBlock[] => arm.whole.filter(b => b.restarted)
  const died = of(e.canary)
  const row = {
    name: 'process restarts',
    canary: count(died.length),
    baseline: count(of(e.baseline).length),
    limit: '0',
  }
  const who = [...new Set(died.map(b => b.node))].toSorted().join(', ')
  return died.length > 0
    ? finding(row, {
        says: 'fail',
        code: 'process-restarted',
        text: `the server restarted while it was watched, ${count(died.length)} times on ${who}; allowed is 0`,
      })
    : finding(row, { says: 'pass', code: 'all-passed', text: 'no process restarted' })
}

const health = (e: Evidence): Finding => {
  const canary = checks(shown(e.canary))
  const baseline = checks(shown(e.baseline))
  const cell = (c: Checks): string => (c.of === 0 ? 'no data' : `${count(c.failed)} / ${count(c.of)} failed`)
  const row = {
    name: 'health checks',
    canary: cell(canary),
    baseline: cell(baseline),
    limit: share(e.policy.failedMax),
  }
  const numbers = `${outOf(canary.failed, canary.of)} health checks failed on the canary, ${outOf(baseline.failed, baseline.of)} on the baseline; allowed is ${share(e.policy.failedMax)}`
  const down = e.canary.nodes.find(node => unhealthyRun(e, node) >= e.policy.breakerBlocks)
  if (down)
    return finding(row, {
      says: 'fail',
      code: 'health-failed',
      text: `${down} failed most health checks in ${count(unhealthyRun(e, down))} blocks running; ${numbers}`,
    })
  if (clearlyMore(canary.failed, canary.of, e.policy.failedMax))
    return finding(row, { says: 'fail', code: 'health-failed', text: numbers })
  const blind = blocksWithout(e, e.canary, b => b.health.of > 0)
  if (blind > e.policy.noDataBlocks) {
    const ours = canary.errors > 0
    return finding(row, {
      says: ours ? 'error' : 'no-data',
      code: ours ? 'could-not-measure' : 'no-data',
      text: `no health check answered or failed in ${count(blind)} blocks; allowed are ${count(e.policy.noDataBlocks)}`,
    })
  }
  if (canary.of === 0)
    return finding(row, { says: 'pending', code: 'not-enough-samples', text: 'health was not checked yet' })
  return finding(row, { says: 'pass', code: 'all-passed', text: numbers })
}

/** Longest run of blocks in which at least half of a node's health checks failed. */
const unhealthyRun = (e: Evidence, node: NodeId): number => {
  let run = 0
  let best = 0
  for (const row of of(e.canary, node)) {
    run = mostlyFailed(row.shown.health) ? run + 1 : 0
    best = Math.max(best, run)
  }
  return best
}

const disk = (e: Evidence): Finding => {
  const free = (arm: Arm) =>
    shown(arm).flatMap(b => (b.diskFree.is === 'value' ? [{ node: b.node, free: b.diskFree.value }] : []))
  const least = (arm: Arm) => free(arm).toSorted((a, b) => a.free - b.free)[0]
  const worst = least(e.canary)
  const other = least(e.baseline)
  const row = {
    name: 'free disk space, least',
    canary: worst ? share(worst.free) : 'no data',
    baseline: other ? share(other.free) : 'no data',
    limit: `>= ${share(e.policy.diskReserve)}`,
  }
  if (worst && worst.free < e.policy.diskReserve)
    return finding(row, {
      says: 'fail',
      code: 'disk-reserve',
      text: `${worst.node} has ${share(worst.free)} of its disk free; the reserve is ${share(e.policy.diskReserve)}`,
    })
  const blind = blocksWithout(e, e.canary, b => b.diskFree.is === 'value')
  if (blind > e.policy.noDataBlocks) {
    const ours = shown(e.canary).find(b => b.diskFree.is === 'error')
    return finding(row, {
      says: ours ? 'error' : 'no-data',
      code: ours ? 'could-not-measure' : 'no-data',
      text: `free disk space could not be read in ${count(blind)} blocks${ours?.diskFree.is === 'error' ? ` (${ours.diskFree.why})` : ''}; allowed are ${count(e.policy.noDataBlocks)}`,
    })
  }
  if (!worst)
    return finding(row, {
      says: 'pending',
      code: 'not-enough-samples',
      text: 'free disk space was not read yet',
    })
  return finding(row, {
    says: 'pass',
    code: 'all-passed',
    text: `at least ${share(worst.free)} of the disk is free`,
  })
}
