import type { Verdict } from '../../../src/domain/measurement.ts'
import type { Proof } from '../../../src/domain/node.ts'
import type { Plan } from '../../../src/domain/plan.ts'
import type { NodeReport, ReportInput } from '../../../src/domain/report/input.ts'

export const at = (time: string): number => Date.parse(`2026-11-22T${time}Z`)

const old = { version: 'v0.2.1', sha256: 'a'.repeat(64) }
const next = { version: 'v0.2.2', sha256: '9f1c0a3b5d7e'.padEnd(64, '0') }

export const node = (name: string, more: Partial<NodeReport> = {}): NodeReport => ({
  name,
  role: name === 'db-1' ? 'canary' : { wave: Number(name.slice(3)) },
  state: 'serving',
  before: 'v0.2.1',
  now: 'v0.2.1',
  serving: 'ready, 3 ms',
  wentBack: false,
  gaps: [],
  ...more,
})

const upgraded = (name: string, messages: number): NodeReport =>
  node(name, {
    now: 'v0.2.2',
    gaps: [{ what: 'upgrade', ms: 1800 }],
    bareRestart: 1400,
    point: { name: '000042', kind: 'rollback-point', proven: true },
    counts: { what: 'messages', before: messages, after: messages },
  })

export const passed: Verdict = {
  is: 'pass',
  code: 'all-passed',
  text: '2 of 3,002 probe requests failed (0.07 %), baseline 5 of 6,004 (0.08 %); p95 8.1 ms against 8.0 ms',
  signals: [
    {
      name: 'failed probe requests',
      canary: '2 / 3,002 = 0.07 %',
      baseline: '5 / 6,004 = 0.08 %',
      limit: 'baseline + 1 %',
      says: 'pass',
    },
  ],
  left: 0,
}

export const failed: Verdict = {
  is: 'fail',
  code: 'error-rate-higher',
  text: '38 of 412 probe requests failed on the canary (9.2 %), 1 of 824 on the baseline (0.1 %); allowed is 1 % above the baseline',
  signals: [
    { name: 'p95 of probe requests', canary: '8.4 ms', baseline: '8.0 ms', limit: '× 1.25', says: 'pass' },
    {
      name: 'failed probe requests',
      canary: '38 / 412 = 9.2 %',
      baseline: '1 / 824 = 0.1 %',
      limit: 'baseline + 1 %',
      says: 'fail',
    },
    {
      name: 'heap go_heap_alloc_bytes{a="b|c"}',
      canary: '41 MB',
      baseline: '39 MB',
      limit: '× 1.5',
      says: 'pass',
    },
  ],
  left: 0,
}

export const proof: Proof = {
  name: '000041',
  runs: [
    { release: old, startup: 900, outcome: 'ok', why: '', counts: { messages: 48211 } },
    { release: next, startup: 2100, outcome: 'ok', why: '', counts: { messages: 48211 } },
    { release: old, startup: 900, outcome: 'ok', why: '', counts: { messages: 48211 } },
  ],
  bytesBefore: 1_000_000,
  bytesAfter: 1_030_000,
  bytesWritten: 40_000,
}

export const plan: Plan = {
  mode: 'release',
  tag: 'v0.2.2',
  version: 'v0.2.2',
  assets: [
    { name: 'progressdb_v0.2.2_linux_amd64.tar.gz', sha256: 'c'.repeat(64), os: 'linux', arch: 'amd64' },
  ],
  nodes: ['db-1', 'db-2', 'db-3'].map(name => ({
    node: name,
    from: old,
    to: next,
    config: { now: 'd', next: 'd' },
    safeStop: 'intake-wal',
    checkpoint: 'link',
  })),
  waves: [['db-1'], ['db-2'], ['db-3']],
  leaseOrder: ['db-1', 'db-2', 'db-3'],
  restore: {},
  policy: {
    watch: {
      watch: 600_000,
      warmUp: 30_000,
      deadline: 900_000,
      rate: 5,
      block: 5000,
      minSamples: 100,
      failedAboveBaseline: 0.01,
      failedMax: 0.05,
      breakerBlocks: 2,
      p95Ratio: 1.25,
      p95Floor: 5,
      errorBudget: 0.05,
      noDataBlocks: 3,
      diskReserve: 0.1,
      metrics: [],
      onInconclusive: 'rollback',
    },
    rewatch: 120_000,
    waveWatch: 120_000,
    rehearse: 'canary',
    requireReversible: false,
    rollbackData: 'auto',
    maxParallel: 1,
    approveWithin: 14_400_000,
    startLimit: 60_000,
    stopLimit: 60_000,
    diskReserve: 0.1,
    drain: 'none',
  },
  notes: {
    digestSource: 'the build job',
    disk: {
      'db-1': {
        data: 4_662_000_000,
        point: 19_000_000,
        staging: 0,
        free: 71_000_000_000,
        total: 90_000_000_000,
      },
    },
    counts: { 'db-1': { messages: 48211 } },
    breaking: ['`config.server.port` is now required'],
    defaults: ['keep 14 d', 'stop-limit 60 s'],
    warnings: [],
    leftAlone: [],
    restores: {},
  },
}

const base: ReportInput = {
  outcome: 'promoted',
  mode: 'release',
  code: 'all-passed',
  why: 'every wave passed',
  rollout: 'r-7f3a',
  from: 'v0.2.1',
  to: 'v0.2.2',
  who: '@ana',
  at: at('22:40:00'),
  data: 'kept',
  nodes: [],
  held: [],
  armed: [],
  watches: [],
  probes: [],
  timeline: [],
  checklist: {},
  owed: [],
  problems: [],
  warnings: [],
  plan,
  planHash: '4be0'.padEnd(64, '1'),
  rehearsed: { class: 'keeps-data', proofs: { 'db-1': proof } },
  links: [{ label: 'this run', url: 'https://github.example/o/r/actions/runs/1' }],
  journal: 'rollout/journal.jsonl',
  engine: { version: 'v1.0.3', node: '24.21' },
}

export const promoted: ReportInput = {
  ...base,
  nodes: [upgraded('db-1', 48211), upgraded('db-2', 47990), upgraded('db-3', 48602)],
  watches: [
    { nodes: ['db-1'], watched: 600_000, of: 600_000, verdict: passed },
    { nodes: ['db-1', 'db-2'], watched: 120_000, of: 120_000, verdict: passed },
  ],
  keptUntil: Date.parse('2026-12-06T00:00:00Z'),
  timeline: [{ section: 'db-1', label: 'v0.2.2', start: at('22:15:32'), end: at('22:25:32'), crit: false }],
  checklist: {
    artifacts: { done: true, evidence: 'progressdb_v0.2.2_linux_amd64.tar.gz, sha256 from the build job' },
    retention: { done: false, evidence: 'until 6 Dec 2026' },
  },
}

export const rolledBack: ReportInput = {
  ...base,
  outcome: 'rolled-back',
  code: 'error-rate-higher',
  why: `${failed.text}. First seen 22:16:13 UTC, decided 22:16:52`,
  nodes: [
    node('db-1', {
      wentBack: true,
      gaps: [
        { what: 'snapshot', ms: 1600 },
        { what: 'upgrade', ms: 1900 },
        { what: 'way back', ms: 1700 },
      ],
      bareRestart: 1400,
      point: { name: '000042', kind: 'rollback-point', proven: true },
      counts: { what: 'messages', before: 48211, after: 49415 },
    }),
    node('db-2'),
    node('db-3'),
  ],
  watches: [{ nodes: ['db-1'], watched: 80_000, of: 600_000, verdict: failed }],
  probes: [
    { step: 'sign', of: 122, failed: 0, errors: 0 },
    {
      step: 'create thread',
      of: 122,
      failed: 38,
      errors: 1,
      firstFailure: { text: '500 `partition` | unavailable', at: at('22:16:13') },
    },
  ],
  timeline: [
    { section: 'release', label: 'plan', start: at('22:14:58'), end: at('22:15:02'), crit: false },
    { section: 'db-1', label: 'verify, rehearse', start: at('22:15:09'), end: at('22:15:30'), crit: false },
    { section: 'db-1', label: 'v0.2.2 canary', start: at('22:15:32'), end: at('22:16:54'), crit: true },
    { section: 'db-1', label: 'back to v0.2.1', start: at('22:16:54'), end: at('22:16:56'), crit: false },
  ],
  checklist: { canary: { done: true, evidence: 'db-1, watched 1:20 of 10:00' } },
}

export const needsOperator: ReportInput = {
  ...base,
  outcome: 'needs-operator',
  code: 'node-unreachable',
  why: 'link to db-2 lost at 22:31:07 UTC, 4 s after v0.2.2 was started; 12 tries, last 22:35:40',
  data: 'restored',
  rehearsed: { class: 'restores-snapshot', proofs: { 'db-1': proof } },
  nodes: [
    node('db-1', {
      wentBack: true,
      restoredFrom: '000042',
      setAside: {
        path: '/var/lib/progressdb.failed-000042',
        writes: 1204,
        line: 'progressdb --data /var/lib/copy | tee "x"',
      },
      counts: { what: 'messages', before: 48211, after: 48211 },
      gaps: [{ what: 'upgrade', ms: 1900 }],
    }),
    node('db-2', {
      role: 'canary',
      state: 'unreachable',
      now: 'v0.2.2',
      serving: 'no answer since 22:31:07 UTC',
    }),
    node('db-3'),
  ],
  owed: [
    { what: 'Make the node reachable', line: 'ssh deploy@db-2.internal' },
    { what: 'Settle db-2 and free the lease', line: 'progressdb-rollout recover' },
  ],
}

export const waiting: ReportInput = {
  ...base,
  outcome: 'stopped',
  code: 'awaiting-approval',
  why: 'it was asked to stop after the rehearsal',
  data: 'untouched',
  nodes: [node('db-1'), node('db-2'), node('db-3')],
  stopped: { after: 'rehearse', until: at('23:15:00') },
  owed: [{ what: 'Approve', line: 'progressdb-rollout release --tag v0.2.2' }],
}
