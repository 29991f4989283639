import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serving } from '../action/ground-truth.ts'
import { openScenario, type Scenario } from '../action/scenario.ts'
import { processesUnder } from '../local-fleet/server-process.ts'
import { when } from '../runner/when.ts'
import { buildRelease } from '../standin/release.ts'

/** Whatever dies, a fresh runner with `mode: recover` finishes from what the nodes say. */
let s: Scenario

beforeAll(async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  s = await openScenario({ runs, releases: [runs, next], nodes: 2 })
})
afterAll(() => s?.end())

const eitherCode: unknown = expect.stringMatching(/^(?:runner|confirmation)-lost$/)

async function recovers(
  conclusion: 'success' | 'failure',
  outputs: Record<string, unknown>,
  version: string,
): Promise<void> {
  const job = await s.run({ mode: 'recover' })
  expect(job.outputs, job.lines.join('\n')).toMatchObject(outputs)
  expect(job.conclusion).toBe(conclusion)
  const { truth, said } = await s.status()
  expect(said.code, said.text).toBe(0)
  for (const node of truth) {
    expect(node).toMatchObject(serving(version))
    expect(node.pids).toHaveLength(1)
  }
}

test('the whole runner dies while the canary is watched', async () => {
  const job = await s.run({ tag: 'v0.2.2' }, { onLine: when(/^watch /, one => one.killRunner()) })
  expect(job.conclusion).toBe('lost')
  const { said, truth } = await s.status()
  expect(said.code, said.text).toBe(4)
  expect(truth.map(node => node.runs)).toEqual(['v0.2.2', 'v0.2.1'])
  await recovers(
    'failure',
    { outcome: 'rolled-back', 'reason-code': 'runner-lost', version: 'v0.2.1', data: 'kept' },
    'v0.2.1',
  )
})

test('the whole runner dies between the stop and the start of a node in a later wave', async () => {
  const job = await s.run(
    { tag: 'v0.2.2' },
    { onLine: when(/^promote +db-2 takes a checkpoint/, one => one.killRunner()) },
  )
  expect(job.conclusion).toBe('lost')
  // its switch does not wait out its window where the server is down: whoever is first
  await recovers(
    'failure',
    { outcome: 'rolled-back', 'reason-code': eitherCode, version: 'v0.2.1', data: 'kept' },
    'v0.2.1',
  )
})

test('settle is killed on its way back', async () => {
  const job = await s.run(
    { tag: 'v0.2.2' },
    {
      onLine: (line, one) => {
        if (line.startsWith('watch ')) one.cancel()
        if (/^settle +db-1 goes back/.test(line)) one.killStep('tree')
      },
    },
  )
  expect(job.conclusion).toBe('cancelled')
  expect(job.outputs).toMatchObject({ outcome: 'needs-operator', 'reason-code': 'unfinished-rollout' })
  await recovers('failure', { outcome: 'rolled-back', version: 'v0.2.1', data: 'kept' }, 'v0.2.1')
})

/** Servers (not copies of a rehearsal) that run for a node, by the configuration they were started with. */
const servers = (node: { install: string; config: string }): number[] =>
  processesUnder(node.install.replace(/\/install$/, '')).filter(pid => argumentsOf(pid).includes(node.config))

const argumentsOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

test.each([
  ['snapshot', /^snapshot +db-1 takes a checkpoint/],
  ['rehearsal', /^snapshot +db-1 proves the checkpoint/],
  ['rollback point', /^canary +db-1 takes a checkpoint/],
] as const)(
  'the engine alone dies in the middle of its %s: what runs on the node and settle never both act',
  async (_name, sign) => {
    const kill = { onLine: when(sign, one => void setTimeout(() => one.killStep('child'), 400)) }
    const running = s.start({ tag: 'v0.2.2' }, kill)
    let most = 0
    const looking = setInterval(() => {
      most = Math.max(most, ...s.fleet.nodes.map(node => servers(node).length))
    }, 20)
    const job = await running.done.finally(() => clearInterval(looking))
    expect(most, job.lines.join('\n')).toBe(1)
    expect(job.conclusion).toBe('failure')
    expect(['unchanged', 'rolled-back'], job.lines.join('\n')).toContain(job.outputs['outcome'])
    const { truth, said } = await s.status()
    expect(said.code, said.text).toBe(0)
    for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
  },
)

test('report is killed: the outputs come from settle, and nothing is owed', async () => {
  const job = await s.run(
    { tag: 'v0.2.2' },
    { onStep: (id, _pid, one) => (id === 'report' ? one.killStep('tree') : undefined) },
  )
  expect(job.conclusion).toBe('failure')
  expect(job.outputs, job.lines.join('\n')).toMatchObject({ outcome: 'promoted', version: 'v0.2.2' })
  await recovers(
    'success',
    { outcome: 'unchanged', 'reason-code': 'nothing-owed', version: 'v0.2.2' },
    'v0.2.2',
  )
})

test('no write was lost', async () => {
  expect((await s.check()).missing).toEqual([])
})
