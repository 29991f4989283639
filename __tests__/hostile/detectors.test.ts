import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { watchProcesses } from './processes.ts'
import { saidBy } from './rollout.ts'
import { filesWith, held, namedSecrets } from './secrets.ts'

/** That what looks for secrets would find them. */

const secret = 'front-0123456789abcdef/+='
const secrets = namedSecrets({ key: secret })

test.each([0, 1, 2, 3, 4])('a secret %d bytes into a longer text is found in its base64', offset => {
  const text = Buffer.from(`${'y'.repeat(offset)}${secret} and more`)
  for (const form of ['base64', 'base64url'] as const)
    expect(held(Buffer.from(text.toString(form)), secrets)).toEqual(['key'])
})

test('as it is, in a URL, in hex; not its neighbour', () => {
  for (const text of [secret, `?a=${encodeURIComponent(secret)}&b`, Buffer.from(secret).toString('hex')])
    expect(held(Buffer.from(`x${text}x`), secrets)).toEqual(['key'])
  expect(held(Buffer.from('front-0123456789abcdeg'), secrets)).toEqual([])
})

test('in a file, with its mode', () => {
  const folder = mkdtempSync(join(tmpdir(), 'detectors-'))
  try {
    writeFileSync(join(folder, 'note'), `key: ${secret}`, { mode: 0o640 })
    writeFileSync(join(folder, 'other'), 'nothing')
    expect(filesWith(folder, secrets)).toEqual([{ path: 'note', mode: '640', secrets: ['key'] }])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('in the arguments and the environment of a grandchild, but not of the step itself', async () => {
  const watch = watchProcesses(secrets)
  const step = spawn('sh', ['-c', 'sh -c "sleep 0.5; :" "$KEY"; env -i OTHER="$KEY" sleep 0.5; :'], {
    env: { PATH: '/usr/bin:/bin', KEY: secret },
  })
  watch.step(step.pid ?? 0)
  await new Promise(done => step.once('close', done))
  await sleep(20)
  const { leaks, programs } = watch.end()
  expect(leaks).toContain('key in the arguments of sh')
  expect(leaks).toContain('key in the environment of sleep')
  expect(programs).toContain('sleep')
})

test('the head of a step is the runner speaking, the rest is us', () => {
  expect(saidBy(['##[group]Run a', 'env:', '  KEY: ::error::', '##[endgroup]', 'said'])).toEqual(['said'])
})
