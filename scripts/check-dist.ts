import { join } from 'node:path'
import { buildDist, differences } from './bundle.ts'

/** Fails when the committed `dist/` is not, byte for byte, what the sources give: `npm run check:dist`. */
const root = join(import.meta.dirname, '..')
const found = differences(await buildDist(root, { file: 'src/index.ts' }), join(root, 'dist'))
for (const line of found) console.error(line)
if (found.length > 0) {
  console.error('next  npm run bundle, and commit dist/ with the sources')
  process.exitCode = 1
} else console.log('dist/ is what the sources give')
