import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/**
 * The slow half: real fleets, killed at random moments; every point of every program; 100,000 schedules of the model check; planted bugs that the simulation must notice. One file after the other, as each measures. `KILLS` is how many moments each
 * step is killed at (default 10), `SEED` repeats a run.
 */
export default defineConfig({
  ...base,
  test: {
    include: [
      '__tests__/fleet/**/*.test.ts',
      '__tests__/balancer/*.test.ts',
      '__tests__/node/crash.test.ts',
      '__tests__/node/killed-anywhere.test.ts',
      '__tests__/domain/model/random.test.ts',
      '__tests__/simulation/planted.test.ts',
    ],
    exclude: [],
    env: { MODEL_RUNS: process.env['MODEL_RUNS'] ?? '100000' },
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
  },
})
