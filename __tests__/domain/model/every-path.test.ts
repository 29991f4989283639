import { expect, test } from 'vitest'
import { live } from './check.ts'
import { exhaust } from './choose.ts'
import { good, natures, promotedFirst, stories } from './stories.ts'
import { type Scenario, World } from './world.ts'

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
