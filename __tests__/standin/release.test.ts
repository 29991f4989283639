import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readyInstance } from '../contract/instance.ts'
import { sha256 } from './archive.ts'
import { buildRelease, writeDist, type BuiltRelease } from './release.ts'
import { versionOf } from './version.ts'

const dir = mkdtempSync(join(tmpdir(), 'release-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let release: BuiltRelease
beforeAll(async () => {
  release = await buildRelease({ version: '0.2.1' })
}, 60_000)

test('every version has bytes of its own and knows what it is', async () => {
  const faulty = await buildRelease({ version: '0.2.1', faults: { slow: 1 } })
  const again = await buildRelease({ version: '0.2.1', nonce: 'another build' })
  expect(new Set([release, faulty, again].map(built => built.sha256)).size).toBe(3)
  expect(await sha256(release.binary)).toBe(release.sha256)
  expect(versionOf(faulty.binary)).toEqual({ version: '0.2.1', faults: { slow: 1 } })
  expect(versionOf(again.binary)).toEqual({ version: '0.2.1', faults: {}, nonce: 'another build' })
  expect(() => versionOf('/bin/sh')).toThrow('no released stand-in')
})

test('what runs is the released file', async () => {
  const server = await readyInstance(release.binary)
  onTestFinished(server.close)
  expect(await sha256(`/proc/${server.started.pid}/exe`)).toBe(release.sha256)
  expect(readFileSync(`/proc/${server.started.pid}/cmdline`, 'utf8').split('\0')).toEqual([
    release.binary,
    '--config',
    server.config,
    '',
  ])
})

test('several builders at once end with one release', async () => {
  const nonce = `${process.pid}-${Date.now()}`
  const built = await Promise.all([1, 2, 3].map(() => buildRelease({ version: '0.3.0', nonce })))
  onTestFinished(() => rmSync(join(built[0]!.binary, '..'), { recursive: true }))
  expect(new Set(built.map(one => JSON.stringify(one))).size).toBe(1)
  expect(await sha256(built[0]!.archive)).toBe(built[0]!.archiveSha256)
})

test('is built once', async () => {
  const before = statSync(release.binary)
  const again = await buildRelease({ version: '0.2.1' })
  expect(again).toEqual(release)
  expect(statSync(again.binary).mtimeMs).toBe(before.mtimeMs)
})

test('a dist folder is as goreleaser leaves it, and tar and sha256sum agree with it', async () => {
  const dist = join(dir, 'dist')
  await writeDist(release, dist)
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'checksums.txt'], { cwd: dist })
  const name = `progressdb_0.2.1_linux_${process.arch === 'x64' ? 'amd64' : process.arch}`
  execFileSync('tar', ['-xzf', `${name}.tar.gz`], { cwd: dist })
  expect(await sha256(join(dist, name, 'progressdb'))).toBe(release.sha256)
  expect(statSync(join(dist, name, 'progressdb')).mode & 0o111).toBe(0o111)
  expect(statSync(join(dist, name, 'LICENSE')).size).toBeGreaterThan(0)
  const json = (file: string) => JSON.parse(readFileSync(join(dist, file), 'utf8'))
  expect(json('metadata.json')).toMatchObject({ project_name: 'progressdb', tag: 'v0.2.1', version: '0.2.1' })
  expect(json('artifacts.json')).toContainEqual(
    expect.objectContaining({
      name: `${name}.tar.gz`,
      type: 'Archive',
      goos: 'linux',
      extra: expect.objectContaining({ Checksum: `sha256:${release.archiveSha256}` }),
    }),
  )
})
