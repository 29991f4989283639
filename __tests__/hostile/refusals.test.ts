import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Tree } from '../local-fleet/rollout-yaml.ts'
import { actionFolder } from '../refusals/engine.ts'
import { tiny, tinyWith } from '../refusals/releases.ts'
import { buildRelease } from '../standin/release.ts'
import { shapeOf } from './page.ts'
import { type Job, openStage, type Stage } from './rollout.ts'
import { filesWith } from './secrets.ts'
import { EVIL } from './words.ts'

// A busy machine takes ten times as long as an idle one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** A stranger's text through each door that ends in a refusal, and so in an error text, an annotation and a summary. */

const scratch = mkdtempSync(join(tmpdir(), 'hostile-action-'))
let stage: Stage

/** A server that screams and dies, a megabyte on its last line. */
const screaming = `#!/bin/sh\ncat <<'END' >&2\n${EVIL}\n${EVIL}${'A'.repeat(1_000_000)}\nEND\nexit 2\n`

beforeAll(async () => {
  const action = await actionFolder(scratch)
  const archive = tinyWith('v0.2.5', [{ path: 'a/progressdb', content: screaming }])
  stage = await openStage({
    action,
    releases: [await buildRelease({ version: '0.2.2' })],
    bad: 'none',
    words: EVIL,
    more: [
      {
        tag: 'v0.2.4',
        files: {
          [EVIL]: 'x',
          [`${EVIL}linux_amd64.tar.gz`]: 'x',
          'progressdb_0.2.4_linux_::error::owned.tar.gz': 'x',
        },
      },
      { tag: 'v0.2.5', files: { [archive.name]: archive.bytes, 'checksums.txt': archive.checksums } },
      { tag: 'v0.2.6', files: { [tiny('v0.2.6').name]: tiny('v0.2.6').bytes, 'checksums.txt': `${EVIL}\n` } },
    ],
  })
  writeFileSync(join(stage.home, 'evil'), `${EVIL}\n${EVIL}`)
})
afterEach(() => void (stage.github.faults.length = 0))
afterAll(async () => {
  await stage.close()
  rmSync(scratch, { recursive: true, force: true })
})

const FOLD = /^(?:<details><summary>[\w ,()-]+<\/summary>|<\/details>|<!-- [^>]* -->)$/

/** Red, with one annotation of ours, no command obeyed, and a page that is a page. `hears`: the text did come that far. */
async function unmoved(job: Job, hears: boolean): Promise<void> {
  const log = job.said.join('\n')
  expect(job.conclusion, log).toBe('failure')
  expect(job.outputs['outcome'], log).not.toBe('promoted')
  const [own, exit, ...others] = job.annotations
  expect(own, log).toMatchObject({ level: 'error', step: 'report' })
  expect(exit?.message).toMatch(/^Process completed with exit code [34]\.$/)
  expect(others).toEqual([])
  expect(job.said.filter(line => /[\p{Cc}\p{Cf}]/u.test(line))).toEqual([])
  expect(Math.max(...job.said.map(line => line.length))).toBeLessThan(8000)
  expect(log).not.toContain('***')
  if (hears) expect(log).toMatch(/evil|owned/)
  const shape = await shapeOf(job.summary)
  expect(shape.html.filter(html => !FOLD.test(html))).toEqual([])
  expect(shape.images).toBe(0)
  expect(shape.links.filter(url => /owned|javascript|octocat$/.test(url))).toEqual([])
  expect(shape.headings.join('\n')).not.toMatch(/^owned/m)
  for (const rows of shape.tables) expect(new Set(rows).size).toBe(1)
  expect(filesWith(stage.home, stage.secrets).filter(({ mode }) => mode !== '600')).toEqual([])
}

const goes = (config: Tree = {}, inputs: Record<string, string> = {}): Promise<Job> =>
  stage.run({ tag: 'v0.2.2', ...inputs }, config)

describe('inputs of a dispatch', () => {
  test('the tag', async () => unmoved(await goes({}, { tag: `v9.9.9${EVIL}` }), true))
  test('every other one', async () => {
    const every = {
      mode: EVIL,
      'stop-after': EVIL,
      'plan-hash': EVIL,
      'rollback-data': EVIL,
      timeout: EVIL,
      artifacts: EVIL,
      metadata: EVIL,
      reason: EVIL,
    }
    await unmoved(await goes({}, every), true)
  })
  test('the fleet file and its name', async () => {
    await unmoved(await goes({ [EVIL]: EVIL, environment: EVIL }, {}), true)
    await unmoved(await goes({}, { config: EVIL }), true)
  })
})

describe('GitHub', () => {
  test('names of assets', async () => unmoved(await goes({}, { tag: 'v0.2.4' }), false))
  test('the file of checksums', async () => unmoved(await goes({}, { tag: 'v0.2.6' }), false))
  test('the body of an error', async () => {
    const body = JSON.stringify({ message: EVIL })
    stage.github.faults.push({
      on: '/releases/tags/',
      times: 99,
      answer: { status: 403, headers: { 'content-type': 'application/json' }, body },
    })
    await unmoved(await goes(), true)
  })
})

describe('the node', () => {
  test('error bodies of the server, which quote the key', async () => {
    const { admin } = stage.given
    const job = await goes({}, { keys: `backend=${stage.fleet.keys.writer}-wrong\nadmin=${admin}-wrong\n` })
    expect(job.said.join('\n')).toContain('KEY_REFUSED')
    await unmoved({ ...job, said: job.said.map(line => line.replaceAll('***', '')) }, true)
  })
  test('labels of metrics', async () => {
    const job = await goes({ metrics: [{ name: 'm', series: 'hostile{says="nothing"}', max: 1 }] })
    expect(job.said.join('\n')).toContain('SERIES_UNKNOWN')
    await unmoved(job, true)
  })
  test('the last words of a server that dies on the copy; the page says how to go on', async () =>
    unmoved(await goes({}, { tag: 'v0.2.5' }), false))
  test('the output of the drain command', async () => {
    const out = `cat "${stage.home}/evil" >&2; exit 1`
    await unmoved(await goes({ drain: { commands: { out, in: 'true' } } }), true)
  })
})

test('the output of your own tests', async () => {
  await unmoved(await goes({ rehearse: { tests: 'cat "$HOME/evil"; exit 1' } }), true)
})
