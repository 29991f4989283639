import { expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { parseConfig } from '../src/config/file.ts'
import type { Doing, Effects } from '../src/effects.ts'
import { initial } from '../src/domain/rollout.ts'
import { type Action, StepFailed } from '../src/node/port.ts'
import { proveCheckpoint } from '../src/prove.ts'
import { fresh, observed, old, point } from './domain/retell/journal.ts'
import { facts } from './domain/survey.ts'
import { plan } from './domain/report/fixtures.ts'

const ready = { ready: true, why: '', version: old.version }
const FLEET =
  'local: true\nprocess: {}\nrepository: a/b\ninstall: /opt/db\ndata: /var/lib/db\nnodes: [db-1]\n'

/** A node on whose copy the first release comes up with 10 keys, and the second ends as soon as it is started. */
function onNode(did: Action[]): Doing {
  const answer = {
    stage_bytes: ['1000'],
    stage_written: ['400'],
    staging_folder: ['/s'],
    stage_port: ['20001'],
    stage_listen: ['127.0.0.1'],
    stage_data: ['/s/data'],
  }
  const seen = {
    now: observed({ snapshots: [point({ name: 'r.rehearsal.7', kind: 'rehearsal' })] }),
    facts: facts(),
    answer,
  }
  const node: Doing['node'] = {
    id: 'db-1',
    inspect: async () => seen,
    drainRefused: async () => '',
    lease: async () => seen,
    refresh: async () => 'held',
    reach: async to => `http://${to.host}:${to.port}`,
    published: async () => '',
    serverLogs: async () => [],
    act: async action => {
      did.push(action)
      if (action.do === 'stage-start' && action.release === fresh)
        throw new StepFailed({
          code: 'GUEST_EXITED',
          what: 'db-1: the server ended at once on the copy',
          next: '',
          effect: 'unknown',
          kind: 'ended',
        })
      return seen
    },
  }
  const never = async (): Promise<never> => expect.fail('a proof does not ask for this')
  const probe: Effects['probe'] = {
    ready: async () => ready,
    waitReady: async () => ({ ...ready, took: 1 }),
    counts: async () => ({ keys: 10 }),
    journey: async () => ({ ok: true, why: '', steps: [] }),
    refusedKeys: never,
    writeSentinel: never,
    readSentinel: never,
    barrier: never,
    block: never,
    sweep: never,
    acknowledged: () => ({}),
  }
  const effects: Effects = {
    config: parseConfig(FLEET, 'rollout.yml', {}),
    clock: { ...systemClock, sleep: async () => undefined },
    nodes: new Map([['db-1', node]]),
    probe,
    observe: never,
    plan: never,
    binary: never,
    tests: async () => '',
    hook: never,
    progress: () => undefined,
    doing: () => '',
  }
  const r = {
    ...initial,
    plan,
    nodes: { 'db-1': { seen: 'unknown' as const, tries: 0, failing: 0, witnesses: {} } },
  }
  const config = { name: 'db-1', url: 'http://127.0.0.1:1', install: '/i', data: '/d', config: '/c' }
  return { r, stop: new AbortController().signal, node, config, effects }
}

test('a release that ends at once on the copy is what the rehearsal found, not a failure to rehearse', async () => {
  const did: Action[] = []
  const { proof } = await proveCheckpoint(onNode(did), {
    do: 'prove',
    name: 'r.rehearsal.7',
    with: [old, fresh, old],
  })
  expect(proof.runs.map(run => [run.release.version, run.outcome])).toEqual([
    ['v0.2.1', 'ok'],
    ['v0.2.2', 'exited'],
  ])
  expect(proof).toMatchObject({ bytesBefore: 1000, bytesWritten: 400 })
  expect(did.map(a => a.do)).toEqual([
    'hash',
    'stage-copy',
    'stage-start',
    'stage-stop',
    'stage-start',
    'clean-staging',
    'mark-proven',
  ])
})
