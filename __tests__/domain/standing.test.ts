import { expect, it } from 'vitest'
import { standingsOf } from '../../src/domain/standing.ts'
import type { SurveyedNode } from '../../src/domain/survey.ts'
import { observed } from './retell/journal.ts'
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

it('a node that did not answer comes first, with why', () => {
  const failure = { code: 'X', what: 'no route', next: '', effect: 'none', kind: 'unreachable' } as const
  const all = standingsOf({
    nodes: [node(observed())],
    unreachable: [{ node: 'db-2', failure }],
    problems: [],
    warnings: [],
  })
  expect(all.map(s => [s.node, s.state, s.says])).toEqual([
    ['db-2', 'unreachable', 'no route'],
    ['db-1', 'serving', 'ready'],
  ])
})
