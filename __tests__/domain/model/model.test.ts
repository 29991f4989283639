import { expect, test } from 'vitest'
import { live } from './check.ts'
import type { Request } from '../../../src/domain/event.ts'
import { type Choose, exhaust, seeded } from './choose.ts'
import type { Nature } from './node.ts'
import { type Scenario, World } from './world.ts'

const good: Nature = { newStarts: true, newHolds: true, migrates: false, surprise: false, drain: true }
const natures: Record<string, Nature> = {
  good,
  'without a drain': { ...good, drain: false },
  'fails to start': { ...good, newStarts: false },
  'hides data': { ...good, newHolds: false },
  migrates: { ...good, migrates: true },
  'migrates, without a drain': { ...good, migrates: true, drain: false },
  'migrates by surprise': { ...good, migrates: true, surprise: true },
}

const budgetOf = (nodes: number): number => (nodes === 1 ? 2 : 1)

for (const nodes of [1, 2]) {
  for (const [name, nature] of Object.entries(natures)) {
    test(`every path, ${nodes} node(s), a release that is ${name}, up to ${budgetOf(nodes)} fault(s)`, { timeout: 120_000 }, () => {
      const scenario: Scenario = { nodes, waveSize: 1, nature }
      const runs = exhaust(budgetOf(nodes), choose => live(new World(scenario, choose)))
      expect(runs).toBeGreaterThan(20)
    })
  }
}

const promotedFirst = (choose: Choose, scenario: Scenario): World => {
  const world = new World(scenario, choose)
  world.faults = false
  world.job()
  world.faults = true
  return world
}

const stories: Record<string, { story: Partial<Request>[]; promoted?: boolean }> = {
  'stopped after the canary, then approved': { story: [{ stopAfter: 'canary' }, {}] },
  'stopped after the rehearsal, then approved': { story: [{ stopAfter: 'rehearse' }, {}] },
  'stopped after the canary, then settled': { story: [{ stopAfter: 'canary' }, { mode: 'recover' }] },
  'going back restores': { story: [{ rollbackData: 'restore' }] },
  'going back keeps': { story: [{ rollbackData: 'keep' }] },
  'rolled back by hand': { story: [{ mode: 'rollback', tag: 'v1.0.0' }], promoted: true },
  'rolled back by hand with its data': { story: [{ mode: 'rollback', tag: 'v1.0.0', rollbackData: 'restore' }], promoted: true },
}

for (const [name, { story, promoted }] of Object.entries(stories)) {
  for (const nature of [good, natures['migrates'] ?? good, natures['migrates by surprise'] ?? good]) {
    const migrates = nature.surprise ? ', migrating by surprise' : nature.migrates ? ', migrating' : ''
    test(`every path, 2 nodes, ${name}${migrates}, one fault`, { timeout: 120_000 }, () => {
      const scenario: Scenario = { nodes: 2, waveSize: 1, nature }
      const runs = exhaust(1, choose => live(promoted ? promotedFirst(choose, scenario) : new World(scenario, choose), story))
      expect(runs).toBeGreaterThan(20)
    })
  }
}

test('random schedules of five nodes', { timeout: 600_000 }, () => {
  const first = Number(process.env['MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const runs = Number(process.env['MODEL_RUNS'] ?? 100_000)
  console.log(`model check: seeds ${first} to ${first + runs - 1}`)
  const kinds = Object.values(natures)
  for (let seed = first; seed < first + runs; seed++) {
    const { choose, random } = seeded(seed, 0.04)
    const nature = kinds[Math.floor(random() * kinds.length)] ?? good
    const scenario: Scenario = { nodes: 5, waveSize: 1 + Math.floor(random() * 3), nature, onInconclusive: random() < 0.5 ? 'rollback' : 'hold' }
    try {
      const names = Object.keys(stories)
      const told = random() < 0.3 ? stories[names[Math.floor(random() * names.length)] ?? ''] : undefined
      live(told?.promoted ? promotedFirst(choose, scenario) : new World(scenario, choose), told?.story)
    } catch (problem) {
      throw new Error(`seed ${seed}: ${problem instanceof Error ? problem.message : String(problem)}`, { cause: problem })
    }
  }
})
