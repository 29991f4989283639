import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDist } from '../../scripts/bundle.ts'

const root = join(import.meta.dirname, '..', '..')
let built: Promise<string> | undefined

/**
 * A folder with `action.yml` of this repository and `dist/` built from its sources, as a job gets it by checking the action
 * out. Made once for each process, and removed when that ends.
 */
export const builtAction = (): Promise<string> => (built ??= make())

async function make(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-action-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'dist'))
  copyFileSync(join(root, 'action.yml'), join(folder, 'action.yml'))
  for (const [name, { text, executable }] of await buildDist(root, { file: 'src/index.ts' }))
    writeFileSync(join(folder, 'dist', name), text, { mode: executable ? 0o755 : 0o644 })
  return folder
}
