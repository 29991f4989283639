import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { planted } from './planted.ts'

/** With `node --import`: the planted bug of the number in PLANTED is read where its file is. */
const bug = planted[Number(process.env['PLANTED'])]
if (!bug) throw new Error('PLANTED names no bug')
const place = new URL(`../../src/${bug.file}`, import.meta.url).href
registerHooks({
  load: (url, context, next) => {
    if (url !== place) return next(url, context)
    const text = readFileSync(new URL(url), 'utf8')
    if (text.split(bug.from).length !== 2)
      throw new Error(`${bug.file} does not hold the line once: ${bug.from}`)
    return { format: 'module-typescript', source: text.replace(bug.from, bug.to), shortCircuit: true }
  },
})
