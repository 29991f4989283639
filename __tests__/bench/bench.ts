import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createFleet, startNode, stopNode } from '../local-fleet/fleet.ts'
import { buildRelease, type BuiltRelease } from '../standin/release.ts'
import { engineOn, type Engine, spans, stepSpans, type Use } from './engine.ts'
import { firstAnswer, longestGap, type Poller, startPoller } from './poller.ts'
import { startTimes } from './start.ts'
import { type Row, table } from './table.ts'

/**
 * What a rollout costs a node's users, as multiples of a bare restart of the same server with the same data, measured in turns:
 * `npm run bench -- --rounds 5 --messages 20000`. Says numbers; asserts none.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '20000' },
  },
})
const rounds = Number(options.rounds)
const messages = Number(options.messages)

/** Errors begin when the rehearsal is long over, so that the watch finds them. */
const FAULTS = { errorRate: 1, faultsAfter: 8000 }

const bare: Row = { name: 'a bare restart', values: [] }
const paused: Row = { name: 'gap of a rehearsal snapshot (server paused)', values: [], against: bare }
const upgraded: Row = { name: 'gap of an upgrade (rollback point at its stop)', values: [], against: bare }
const back = (how: string): { served: Row; away: Row } => ({
  served: { name: `from the verdict to the old version serving, ${how}`, values: [], against: bare },
  away: { name: `gap of going back, ${how}`, values: [], against: bare },
})
const kept = back('data kept')
const restored = back('snapshot restored')
const inspected: Row = { name: 'an inspection of a node', values: [] }

/** Stops and starts a server as somebody would who knows no rollout. */
async function bareRestart(node: Parameters<typeof stopNode>[0], release: BuiltRelease): Promise<void> {
  const poller = startPoller(node.url)
  await sleep(300)
  const from = Date.now()
  await stopNode(node)
  node.pid = (await startNode(node, release.binary, { PROGRESSDB_ABORT_SECONDS: '0.2' })).pid
  await sleep(300)
  await poller.stop()
  bare.values.push(longestGap(poller.answers, { from, to: Date.now() - 300 }))
}

/** A release that turns out bad on its canary: rehearsed, upgraded, judged, and back again. */
async function badRelease(
  engine: Engine,
  url: string,
  to: { release: BuiltRelease; rows: typeof kept },
): Promise<void> {
  const poller = startPoller(url)
  await sleep(300)
  const use = await engine.use(to.release, 'release', `v${to.release.version}`)
  await sleep(300)
  await poller.stop()
  if (use.code !== 2)
    throw new Error(`the release was to be rolled back (exit 2), it ended with ${use.code}:\n${use.text}`)
  gather(use, poller, to.rows)
}

function gather({ journal }: Use, { answers }: Poller, rows: typeof kept): void {
  const [snapshot] = stepSpans(journal, 'snapshot')
  if (snapshot) paused.values.push(longestGap(answers, snapshot))
  const verdict = journal.find(e => e.type === 'decided' && e.what === 'verdict')
  const [stop] = stepSpans(journal, 'stop')
  const [ready] = stepSpans(journal, 'wait-ready')
  if (stop && ready) upgraded.values.push(longestGap(answers, { from: stop.from, to: ready.to }))
  const serves = verdict && firstAnswer(answers, `v${OLD}`, verdict.at)
  if (verdict && serves !== undefined) {
    rows.served.values.push(serves - verdict.at)
    rows.away.values.push(longestGap(answers, { from: verdict.at, to: serves }))
  }
  for (const span of spans(journal))
    if (span.task.kind === 'inspect') inspected.values.push(span.to - span.from)
}

const OLD = '0.2.1'

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'bench-'))
  const old = await buildRelease({ version: OLD })
  const keeps = await buildRelease({ version: '0.2.2', faults: FAULTS })
  const migrates = await buildRelease({ version: '0.3.0', faults: { ...FAULTS, migratesTo: 2 } })
  const common = { release: old, messages, walOn: true }
  const plain = await createFleet({ ...common, nodes: 1, dir: join(home, 'plain') })
  // the second is the baseline of the first
  const rolled = await createFleet({ ...common, nodes: 2, dir: join(home, 'rolled') })
  try {
    const [node, target] = [plain.nodes[0], rolled.nodes[0]]
    if (!node || !target) throw new Error('a fleet came without its node')
    const engine = await engineOn(rolled, home)
    const adopted = await engine.use(old, 'adopt')
    if (adopted.code !== 0) throw new Error(adopted.text)
    console.log(
      `${rounds} rounds, ${messages.toLocaleString('en-US')} messages on a node, ${cpus().length} cores, Node.js ${process.versions.node}\n`,
    )
    for (let i = 0; i < rounds; i++) {
      await bareRestart(node, old)
      await badRelease(engine, target.url, { release: keeps, rows: kept })
      await bareRestart(node, old)
      await badRelease(engine, target.url, { release: migrates, rows: restored })
    }
    const start = startTimes(engine.bundle, 5 * rounds)
    console.log(
      table([
        bare,
        paused,
        upgraded,
        kept.served,
        kept.away,
        restored.served,
        restored.away,
        inspected,
        ...start,
      ]),
    )
  } finally {
    await plain.close()
    await rolled.close()
    rmSync(home, { recursive: true, force: true })
  }
}

await main()
