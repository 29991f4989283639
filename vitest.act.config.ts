import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The action in a runner that this project did not write: `npm run test:act`. */
export default defineConfig({
  ...base,
  test: { include: ['__tests__/act/**/*.test.ts'], testTimeout: 60_000, fileParallelism: false },
})
