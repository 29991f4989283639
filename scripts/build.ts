import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDist } from './bundle.ts'

/** Writes `dist/` anew from the sources: `npm run bundle`. */
const root = join(import.meta.dirname, '..')
const folder = join(root, 'dist')
const dist = await buildDist(root, { file: 'src/index.ts' })
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [name, { text, executable }] of dist) {
  writeFileSync(join(folder, name), text, { mode: executable ? 0o755 : 0o644 })
  console.log(`dist/${name}  ${(Buffer.byteLength(text) / 1024).toFixed(0)} KiB`)
}
