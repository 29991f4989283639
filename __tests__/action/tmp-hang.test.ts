import { test } from 'vitest'
import { buildRelease } from '../standin/release.ts'
import { openScenario } from './scenario.ts'
test('x', async () => {
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  const s = await openScenario({ runs, releases: [runs, next], nodes: 3 })
  const a = await s.run({ tag: 'v0.2.2' })
  console.log(a.outputs)
  const lines: string[] = []
  setTimeout(async () => { console.log('LATE', lines.slice(-25).join('\n')); console.log((await s.byHand('status')).text) }, 100_000).unref()
  const b = await s.run({ mode: 'rollback' }, { onLine: l => { if (!/INPUT_|ROLLOUT_/.test(l)) lines.push(new Date().toISOString().slice(14, 23) + ' ' + l) } })
  console.log(lines.join('\n'), b.outputs)
  console.log((await s.status()).said.text)
  await s.end()
}, 300_000)
