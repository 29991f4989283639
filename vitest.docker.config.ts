import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** Fleets of containers, one file after the other; started by scripts/docker.sh, in a network namespace of its own. */
export default defineConfig({
  ...base,
  test: {
    include: ['__tests__/docker/**/*.test.ts'],
    exclude: [],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
