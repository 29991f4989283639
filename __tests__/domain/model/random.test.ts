import { HOOK_POINTS } from '../../../src/domain/hook-points.ts'
import { test } from 'vitest'
import { live } from './check.ts'
import { seeded } from './choose.ts'
import { good, natures, promotedFirst, stories } from './stories.ts'
import { type Scenario, World } from './world.ts'

test('random schedules of five nodes', { timeout: 600_000 }, () => {
  const first = Number(process.env['MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const runs = Number(process.env['MODEL_RUNS'] ?? 20_000)
  console.log(`model check: seeds ${first} to ${first + runs - 1}`)
  const kinds = Object.values(natures)
  for (let seed = first; seed < first + runs; seed++) {
    const { choose, random } = seeded(seed, 0.04)
    const nature = kinds[Math.floor(random() * kinds.length)] ?? good
    const scenario: Scenario = {
      nodes: 5,
      waveSize: 1 + Math.floor(random() * 3),
      nature,
      onInconclusive: random() < 0.5 ? 'rollback' : 'hold',
      wal: random() < 0.5,
      ...(random() < 0.2 ? { policy: { hooks: [...HOOK_POINTS] } } : {}),
    }
    try {
      const names = Object.keys(stories)
      const told = random() < 0.3 ? stories[names[Math.floor(random() * names.length)] ?? ''] : undefined
      live(told?.promoted ? promotedFirst(choose, scenario) : new World(scenario, choose), told?.story)
    } catch (problem) {
      throw new Error(`seed ${seed}: ${problem instanceof Error ? problem.message : String(problem)}`, {
        cause: problem,
      })
    }
  }
})
