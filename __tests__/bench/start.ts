import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from './table.ts'

const timed = (args: string[], env: Record<string, string>): number => {
  const began = performance.now()
  const { status } = spawnSync(process.execPath, args, {
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: 'ignore',
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`)
  return performance.now() - began
}

/** How long Node.js takes to start with the bundle, against an empty program; in turns, so that both meet the same machine. */
export function startTimes(bundle: string, rounds: number): Row[] {
  const home = mkdtempSync(join(tmpdir(), 'start-'))
  try {
    const nothing = join(home, 'empty.mjs')
    writeFileSync(nothing, '')
    const empty: Row = { name: 'an empty Node.js program', values: [] }
    const version: Row = { name: 'the bundle: --version', values: [], against: empty }
    const step: Row = { name: 'the bundle: a step that finds nothing to do', values: [], against: empty }
    for (let i = 0; i < rounds; i++) {
      empty.values.push(timed([nothing], {}))
      version.values.push(timed([bundle, '--version'], {}))
      const dir = mkdtempSync(join(home, 'step-'))
      writeFileSync(join(dir, 'output'), '')
      step.values.push(
        timed([bundle, 'step', 'settle'], { ROLLOUT_DIR: dir, GITHUB_OUTPUT: join(dir, 'output') }),
      )
    }
    return [empty, version, step]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
