import type { NodeFacts } from '../../src/domain/facts.ts'
import type { Observed } from '../../src/domain/node.ts'
import type { Survey, SurveyedNode, Wish } from '../../src/domain/survey.ts'
import { fresh, observed, old } from './retell/journal.ts'
import { plan } from './report/fixtures.ts'

/** A node's facts, of an adopted node in good health. */
export const facts = (more: Partial<NodeFacts> = {}): NodeFacts => ({
  identity: '',
  os: 'linux',
  arch: 'amd64',
  adopted: true,
  data: 'progressdb',
  bytes: 1e6,
  mutableBytes: 1e5,
  diskFree: 1e12,
  diskTotal: 1e12,
  memoryFree: 1e9,
  memoryUsed: 1e8,
  checkpoint: 'link',
  configSha: 'd',
  configNextSha: '',
  configText: '',
  pid: 7,
  process: '7 1 b',
  serverLog: '',
  staging: { folder: '', process: '', log: '' },
  ...more,
})

export const surveyed = (
  node: string,
  now: Partial<Observed> = {},
  more: Partial<SurveyedNode> = {},
): SurveyedNode => ({
  node,
  now: observed(now),
  facts: facts({ identity: node }),
  reports: old.version,
  why: '',
  counts: { keys: 10 },
  intakeWal: true,
  problems: [],
  drainRefused: '',
  ...more,
})

/** A survey in which the release is there for every node. */
export const survey = (nodes: SurveyedNode[]): Survey => ({
  nodes,
  unreachable: [],
  release: {
    tag: fresh.version,
    version: fresh.version,
    digestSource: 'checksums.txt',
    assets: plan.assets,
    binaries: { 'linux/amd64': fresh.sha256 },
    breaking: [],
  },
  problems: [],
  warnings: [],
})

export const wish = (more: Partial<Wish> = {}): Wish => ({
  mode: 'release',
  target: fresh.version,
  order: ['db-1', 'db-2', 'db-3'],
  canary: ['db-1'],
  waveSize: 1,
  policy: plan.policy,
  acceptWriteLoss: false,
  profile: 'progressdb',
  rollbackData: 'auto',
  planHash: '',
  switch: { confirmWithin: 600_000, outlivesReboot: false },
  defaults: [],
  now: Date.parse('2026-11-22T22:00:00Z'),
  ...more,
})
