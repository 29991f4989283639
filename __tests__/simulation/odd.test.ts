import { expect, test } from 'vitest'
import { failures } from './seeds.ts'

// Two files, as each is run on a processor of its own.
test('histories of the odd seeds below 10,000', { timeout: 300_000 }, async () => {
  expect(await failures({ from: 1, to: 10_000, step: 2 })).toEqual([])
})
