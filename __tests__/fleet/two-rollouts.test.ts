import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serving } from '../action/ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import type { CompositeResult, RunningJob } from '../runner/composite.ts'
import { buildRelease } from '../standin/release.ts'

/** Who holds the nodes: two rollouts at once, a run that died, one that hangs, and one that waited too long. */
let s: Scenario
let jobs = 0

beforeAll(async () => {
  const releases = await Promise.all(
    ['0.2.1', '0.2.2', '0.2.3', '0.2.4', '0.2.5', '0.2.6'].map(version => buildRelease({ version })),
  )
  const [runs] = releases
  if (!runs) throw new Error('no release')
  // so long that no lease runs out by itself in any of these tests
  const config = { lease: { ttl: '10m', wait: '0s' } }
  s = await openScenario({ runs, releases, nodes: 2, config })
  for (const [folder, change] of Object.entries(OTHERS)) {
    const fleet: unknown = parse(readFileSync(s.at('workspace', '.github', 'rollout.yml'), 'utf8'))
    mkdirSync(s.at(folder, '.github'), { recursive: true })
    writeFileSync(s.at(folder, '.github', 'rollout.yml'), stringify(change(Object(fleet))))
  }
}, 120_000)
afterAll(() => s?.end())

/** Checkouts with another fleet file. */
const OTHERS: Record<string, (fleet: { nodes: unknown[]; lease: object }) => object> = {
  reversed: fleet => ({ ...fleet, nodes: fleet.nodes.toReversed() }),
  waits: fleet => ({ ...fleet, lease: { ...fleet.lease, wait: '5m' } }),
}

/** A job of a run that GitHub shows to go on until it is said to have ended. */
function start(inputs: Record<string, string>, more: { in?: string; onLine?: OnLine } = {}): RunningJob {
  s.runs.push({ id: ++jobs, status: 'in_progress' })
  return s.start(inputs, {
    ...(more.in ? { workspace: s.at(more.in) } : {}),
    ...(more.onLine ? { onLine: more.onLine } : {}),
  })
}
type OnLine = (line: string, job: RunningJob) => void

const ended = (id: number): void => {
  const run = s.runs.find(r => r.id === id)
  if (run) Object.assign(run, { status: 'completed', conclusion: 'failure' })
}

/** Resolves when a line of the log shows up. */
function sign(pattern: RegExp): { seen: Promise<string>; onLine: OnLine } {
  let resolve: (line: string) => void = () => undefined
  const seen = new Promise<string>(r => (resolve = r))
  return { seen, onLine: line => pattern.test(line) && resolve(line) }
}

async function everyNodeServes(version: string): Promise<void> {
  const { truth, said } = await s.status()
  expect(said.code, said.text).toBe(0)
  for (const node of truth) expect(node).toMatchObject(serving(version))
}

test.each([
  ['the same order', 'v0.2.2', undefined],
  ['opposite orders', 'v0.2.3', 'reversed'],
])(
  'two releases at once that list the nodes in %s: one works, the other changes nothing',
  async (_, tag, other) => {
    const both = [start({ tag }), start({ tag }, other ? { in: other } : {})]
    const ids = [jobs - 1, jobs]
    const results = await Promise.all(both.map(job => job.done))
    const won = results.findIndex(r => r.conclusion === 'success')
    const [winner, loser] = [results[won], results[1 - won]]
    if (!winner || !loser) throw new Error(results.map(r => r.lines.join('\n')).join('\n\n'))
    expectEnd(winner, 'success', { outcome: 'promoted', version: tag })
    expectEnd(loser, 'failure', { outcome: 'unchanged', 'reason-code': 'lease-held', data: 'untouched' })
    expect(text(loser)).toMatch(new RegExp(`LEASE_HELD .*progressdb/ProgressDB run ${ids[won]} attempt 1`))
    await everyNodeServes(tag)
  },
)

const text = (job: CompositeResult): string => job.lines.join('\n')

test('a run that died holds its nodes until GitHub says that it has ended, and not a moment longer', async () => {
  const died = await start(
    { tag: 'v0.2.4' },
    { onLine: (line, job) => line.startsWith('watch ') && job.killRunner() },
  ).done
  expect(died.conclusion).toBe('lost')
  const dead = jobs
  const status = await s.byHand('status')
  const page = `https://github.com/progressdb/ProgressDB/actions/runs/${dead}/attempts/1`
  expect(status.text).toMatch(
    new RegExp(
      `^lease +db-1 is held by @octocat, progressdb/ProgressDB run ${dead} attempt 1, \\S+ for 0:\\d\\d \\(rollout r-\\w+\\): the canary; unless it is refreshed it runs out in \\d:\\d\\d: ${page}$`,
      'm',
    ),
  )
  expect(status.summary).toContain(`[its run](<${page}>)`)
  const other = await start({ tag: 'v0.2.5' }).done
  expectEnd(other, 'failure', { outcome: 'unchanged', 'reason-code': 'lease-held' })
  expect(text(other)).toContain('; its run goes on')
  expect(text(other)).toContain(page)

  const waits = sign(/^waiting .*is held by .*its rollout|^waiting .*busy with/)
  const recovery = start({ mode: 'recover' }, { onLine: waits.onLine })
  await waits.seen
  expect((await s.truth()).map(node => node.runs)).toEqual(['v0.2.4', 'v0.2.3'])
  ended(dead)
  const job = await recovery.done
  expectEnd(job, 'failure', { outcome: 'rolled-back', 'reason-code': 'runner-lost', version: 'v0.2.3' })
  expect(text(job)).toMatch(
    new RegExp(`^lease +db-1 is taken over from .*run ${dead} .*: its run has ended`, 'm'),
  )
  await everyNodeServes('v0.2.3')
})

test('a run that hangs is passed over by hand, and that is recorded', async () => {
  const watching = sign(/^watch /)
  const hangs = start({ tag: 'v0.2.4' }, { onLine: watching.onLine })
  await watching.seen
  const taken = await s.byHand('recover', '--steal', '--reason', 'it hangs')
  expect(taken.code, taken.text).toBe(2)
  expect(taken.text).toMatch(/^warning +db-1 is taken over from .*: you passed it over \(--steal\)/m)
  expect(taken.text).toContain('taken-over')
  const job = await hangs.done
  // by then the nodes are home; whichever step noticed it, nothing more was done from there
  expect(text(job)).toMatch(/LEASE_LOST|the lease on a node was taken away/)
  expect(job.conclusion).toBe('failure')
  expect(job.outputs).not.toMatchObject({ outcome: 'promoted' })
  const [node] = s.fleet.nodes
  const record = readFileSync(join(node?.install ?? '', 'state', 'record.jsonl'), 'utf8')
  expect(record).toMatch(/"mode":"recover".*"reason":"it hangs".*"steal":true/)
  ended(jobs)
  await everyNodeServes('v0.2.3')
})

test('an older tag that waited for a newer one ends superseded, and green', async () => {
  const works = sign(/^watch /)
  const newer = start({ tag: 'v0.2.6' }, { onLine: works.onLine })
  await works.seen
  const waits = sign(/^waiting /)
  const older = start({ tag: 'v0.2.5' }, { in: 'waits', onLine: waits.onLine })
  await waits.seen
  expectEnd(await newer.done, 'success', { outcome: 'promoted', version: 'v0.2.6' })
  expectEnd(await older.done, 'success', { outcome: 'unchanged', 'reason-code': 'superseded' })
  await everyNodeServes('v0.2.6')
})

test('through all of it no write was lost', async () => {
  expect((await s.check()).missing).toEqual([])
})
