import { readFileSync } from 'node:fs'
import { defineConfig, type Plugin } from 'vitest/config'

/** The bundle inlines *.sh and the examples as text; tests must see the very same text. */
const shellText: Plugin = {
  name: 'shell-text',
  enforce: 'pre',
  load: id =>
    /\.(?:sh|yml)$/.test(id) ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}` : undefined,
}

export default defineConfig({
  plugins: [shellText],
  test: {
    include: ['__tests__/**/*.test.ts'],
    exclude: [
      '__tests__/fleet/**',
      '__tests__/balancer/**',
      '__tests__/machines/**',
      '__tests__/docker/**',
      '__tests__/act/**',
      '__tests__/bench/**',
      '__tests__/node/crash.test.ts',
      '__tests__/node/killed-anywhere.test.ts',
      '__tests__/simulation/planted.test.ts',
    ],
    // half of the suites mostly wait for real servers
    maxWorkers: 2,
    testTimeout: 30_000,
  },
})
