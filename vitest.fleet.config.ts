import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** What needs programs that are not on npm: `npm run test:fleet`. One file at a time, since each runs a whole fleet. */
export default defineConfig({
  ...base,
  test: { include: ['__tests__/fleet/**/*.test.ts'], testTimeout: 60_000, fileParallelism: false },
})
