import { expect, it } from 'vitest'
import type { Observed } from '../../src/domain/node.ts'
import { amiss, heldText, standingsOf } from '../../src/domain/standing.ts'
import type { SurveyedNode } from '../../src/domain/survey.ts'
import { fresh, observed } from './retell/journal.ts'
import { facts } from './survey.ts'

const node = (now: SurveyedNode['now'], why = ''): SurveyedNode => ({
  node: 'db-1',
  now,
  why,
  facts: facts(),
  reports: 'unknown',
  counts: undefined,
  intakeWal: false,
  problems: [],
  drainRefused: '',
})
const standing = (found: SurveyedNode) =>
  standingsOf({ nodes: [found], unreachable: [], problems: [], warnings: [] })[0]

it('a node serves only when it runs, is ready and gets traffic', () => {
  expect(standing(node(observed()))).toEqual({
    node: 'db-1',
    state: 'serving',
    version: 'v0.2.1',
    says: 'ready',
  })
  expect(standing(node(observed({ traffic: 'drained' })))).toMatchObject({
    state: 'not-serving',
    says: 'ready, but out of traffic',
  })
  expect(standing(node(observed({ ready: false }), '503'))).toMatchObject({
    state: 'not-serving',
    says: 'not ready: 503',
  })
  expect(standing(node(observed({ running: 'stopped' }), 'it does not run'))).toMatchObject({
    state: 'not-serving',
    version: 'stopped',
  })
})

it('nodes that did not answer, and those that could not be looked at, come first, with why', () => {
  const failure = { what: 'no route', next: '', effect: 'none', kind: 'unreachable' } as const
  const all = standingsOf({
    nodes: [node(observed())],
    unreachable: [
      { node: 'db-2', failure: { ...failure, code: 'SSH_UNREACHABLE' } },
      { node: 'db-3', failure: { ...failure, code: 'SUDO_WANTS_PASSWORD', what: 'no right' } },
    ],
    problems: [],
    warnings: [],
  })
  expect(all.map(s => [s.node, s.state, s.says])).toEqual([
    ['db-2', 'unreachable', 'no route'],
    ['db-3', 'unseen', 'no right'],
    ['db-1', 'serving', 'ready'],
  ])
})

it('a lease is shown with whom to ask, and without what only the engine needs', () => {
  const run = { server: 'https://github.com', repository: 'o/r', run: 7, attempt: 1 }
  const lease = {
    rollout: 'r-1',
    process: 'p-1',
    token: 3,
    left: 110_000,
    age: 200_000,
    parked: false,
    holder: '@ana',
    doing: 'the canary',
    run,
  }
  const found = standing({ ...node(observed({ lease })), holding: { is: 'ended' } })
  expect(found?.lease).toEqual({
    rollout: 'r-1',
    left: 110_000,
    age: 200_000,
    parked: false,
    holder: '@ana',
    doing: 'the canary',
    run,
    ended: true,
  })
  if (!found?.lease) throw new Error('no lease')
  expect(heldText(found.lease)).toBe(
    'is held by @ana for 3:20 (rollout r-1): the canary; unless it is refreshed it runs out in 1:50; its run has ended',
  )
  expect(heldText({ ...found.lease, parked: true, ended: false })).toBe(
    'is held by @ana for 3:20 (rollout r-1): parked, for another 1:50',
  )
})

it('a look is red for a node that does not serve, and for two releases', () => {
  const at = (name: string, now: Partial<Observed> = {}): SurveyedNode => ({
    ...node(observed(now)),
    node: name,
  })
  expect(amiss([at('db-1'), at('db-2')])).toBeUndefined()
  expect(amiss([at('db-1'), at('db-2', { running: fresh })])).toMatchObject({
    code: 'mixed-fleet',
    problems: [{ what: 'the nodes serve different releases: db-1 v0.2.1; db-2 v0.2.2' }],
  })
  expect(amiss([at('db-1'), at('db-2', { traffic: 'drained' })])).toMatchObject({
    code: 'not-serving',
    problems: [{ what: 'db-2 does not serve: ready, but out of traffic' }],
  })
})
