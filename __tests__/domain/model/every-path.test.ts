import { HOOK_POINTS } from '../../../src/domain/hook-points.ts'
import { expect, test } from 'vitest'
import { live } from './check.ts'
import { exhaust } from './choose.ts'
import { good, natures, promotedFirst, stories } from './stories.ts'
import { type Scenario, World } from './world.ts'

const unharmed: Record<string, string> = {
  good: 'promoted all-passed',
  'without a drain': 'promoted all-passed',
  supervised: 'promoted all-passed',
  'fails to start': 'unchanged rehearsal-failed',
  'hides data': 'unchanged rehearsal-failed',
  migrates: 'promoted all-passed',
  'migrates, without a drain': 'promoted all-passed',
  'migrates by surprise': 'promoted all-passed',
}

test('without any fault every release ends as it should', () => {
  const ends = Object.fromEntries(
    Object.entries(natures).map(([name, nature]) => {
      const world = new World({ nodes: 3, waveSize: 1, nature }, () => 0)
      live(world)
      return [name, world.conclusions.map(c => `${c.outcome} ${c.code}`).join(', ')]
    }),
  )
  expect(ends).toEqual(unharmed)
})

test('a canary that fails its watch goes back, with the reason', () => {
  const ends = ['good', 'migrates', 'migrates, without a drain', 'migrates by surprise'].map(name => {
    const world = new World({ nodes: 3, waveSize: 1, nature: natures[name] ?? good }, of =>
      of === 3 ? 1 : 0,
    )
    live(world)
    return world.conclusions.map(c => `${c.outcome} ${c.code} ${c.data}`)[0]
  })
  expect(ends).toEqual([
    'rolled-back error-rate-higher kept',
    'rolled-back error-rate-higher restored',
    'rolled-back error-rate-higher restored',
    'needs-operator old-version-refuses-data restored',
  ])
})

const budgetOf = (nodes: number): number => (nodes === 1 ? 2 : 1)

for (const nodes of [1, 2]) {
  for (const [name, nature] of Object.entries(natures)) {
    test(`every path, ${nodes} node(s), a release that is ${name}, up to ${budgetOf(nodes)} fault(s)`, {
      timeout: 120_000,
    }, () => {
      const scenario: Scenario = { nodes, waveSize: 1, nature }
      const runs = exhaust(budgetOf(nodes), choose => live(new World(scenario, choose)))
      expect(runs).toBeGreaterThan(20)
    })
  }
}

for (const [name, nature] of Object.entries({ good, migrates: natures['migrates'] ?? good })) {
  test(`every path, 2 nodes, asked at every point, a release that is ${name}, one fault`, {
    timeout: 120_000,
  }, () => {
    const scenario: Scenario = { nodes: 2, waveSize: 1, nature, policy: { hooks: [...HOOK_POINTS] } }
    const runs = exhaust(1, choose => live(new World(scenario, choose)))
    expect(runs).toBeGreaterThan(50)
  })
}

test('every point is come to, in this sequence, once', () => {
  const scenario: Scenario = { nodes: 2, waveSize: 1, nature: good, policy: { hooks: [...HOOK_POINTS] } }
  const world = new World(scenario, () => 0)
  live(world)
  expect(world.asked).toEqual([
    'before-snapshot',
    'after-snapshot',
    'before-canary',
    'before-node db-1',
    'after-node db-1',
    'after-canary',
    'confirm-promotion',
    'before-promote',
    'before-node db-2',
    'after-node db-2',
    'after-promote',
  ])
})

for (const [name, { story, promoted }] of Object.entries(stories)) {
  for (const nature of [good, natures['migrates'] ?? good, natures['migrates by surprise'] ?? good]) {
    const migrates = nature.surprise ? ', migrating by surprise' : nature.migrates ? ', migrating' : ''
    test(`every path, 2 nodes, ${name}${migrates}, one fault`, { timeout: 120_000 }, () => {
      const scenario: Scenario = { nodes: 2, waveSize: 1, nature }
      const runs = exhaust(1, choose =>
        live(promoted ? promotedFirst(choose, scenario) : new World(scenario, choose), story),
      )
      expect(runs).toBeGreaterThan(20)
    })
  }
}
