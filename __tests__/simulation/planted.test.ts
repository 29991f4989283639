import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { planted } from './planted.ts'

const run = promisify(execFile)
const here = (file: string): string => new URL(file, import.meta.url).pathname

/** Each broken rule is noticed by some seed, which is printed. */
test.each(planted.map(({ what }, number) => [what, number] as const))(
  '%s',
  { timeout: 120_000 },
  async (_, number) => {
    const words = ['--import', here('./plant.ts'), here('./simulate.ts'), '--seeds', '10000', '--most', '1']
    const found = await run(process.execPath, words, {
      env: { ...process.env, PLANTED: String(number) },
    }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    )
    const caught = /^seed \d+: .*$/m.exec(found.stdout)?.[0]
    console.log(`${planted[number]?.what}: ${caught ?? 'by no seed'}`)
    expect(caught, found.stdout).toBeDefined()
    expect(found.code).toBe(1)
  },
)

test('without any of them every seed is green', { timeout: 120_000 }, async () => {
  const { stdout } = await run(process.execPath, [
    here('./simulate.ts'),
    '--seeds',
    '2000',
    '--from',
    '500000',
  ])
  expect(stdout).toContain('none went wrong')
})
