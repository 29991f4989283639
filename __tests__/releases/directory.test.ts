import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { UserError } from '../../src/domain/errors.ts'
import { Untrusted } from '../../src/domain/text.ts'
import { directoryReleases } from '../../src/releases/directory.ts'
import { releaseArchive } from './tarball.ts'

const root = mkdtempSync(join(tmpdir(), 'dist-'))
afterAll(() => rmSync(root, { recursive: true }))
let dist = ''
beforeEach(() => {
  dist = mkdtempSync(join(root, 'case-'))
})

const AMD64 = { os: 'linux', arch: 'amd64' }
const PRODUCT = { binary: 'progressdb', repository: 'acme/progressdb' }
const NONE = { build: { artifacts: '', metadata: '' } }
const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex')

const writeDist = (folder: string, version: string): { name: string; bytes: Buffer } => {
  mkdirSync(folder, { recursive: true })
  const archive = releaseArchive(version, `program ${version}`)
  const artifact = {
    name: archive.name,
    path: `dist/${archive.name}`,
    goos: 'linux',
    goarch: 'amd64',
    goamd64: 'v1',
    type: 'Archive',
  }
  const extra = { Binaries: ['progressdb'], Checksum: `sha256:${sha256(archive.bytes)}`, Format: 'tar.gz' }
  const binary = {
    name: 'progressdb',
    path: 'dist/x/progressdb',
    goos: 'linux',
    goarch: 'amd64',
    type: 'Binary',
    extra: { Binary: 'progressdb' },
  }
  writeFileSync(join(folder, 'artifacts.json'), JSON.stringify([binary, { ...artifact, extra }]))
  writeFileSync(
    join(folder, 'metadata.json'),
    JSON.stringify({ project_name: 'progressdb', tag: `v${version}`, version }),
  )
  writeFileSync(join(folder, 'checksums.txt'), `${sha256(archive.bytes)}  ${archive.name}\n`)
  writeFileSync(join(folder, archive.name), archive.bytes)
  writeFileSync(join(folder, 'CHANGELOG.md'), '## Breaking\n* all of it\n')
  return archive
}

const codesOf = async (promise: Promise<unknown>): Promise<string[]> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`)
  return error.problems.map(({ code }) => code)
}

test('a folder as goreleaser writes it', async () => {
  const { name, bytes } = writeDist(dist, '0.2.2')
  const releases = directoryReleases(dist, PRODUCT, NONE)
  const release = await releases.resolve('service-v0.2.2', [AMD64])
  expect(release).toMatchObject({ tag: 'v0.2.2', version: 'v0.2.2', prerelease: false })
  expect(release.archives[0]).toMatchObject({
    name,
    sha256: sha256(bytes),
    digestSource: 'artifacts.json beside the archive and checksums.txt',
  })
  expect(Untrusted.raw(release.notes)).toContain('all of it')
  const into = mkdtempSync(join(root, 'into-'))
  const binary = await releases.fetchBinary(release, AMD64, { dir: into })
  expect(binary.sha256).toBe(sha256('program 0.2.2'))
  expect(readFileSync(binary.file, 'utf8')).toBe('program 0.2.2')
})

test('a folder with one such folder for each version', async () => {
  writeDist(join(dist, 'v0.2.1'), '0.2.1')
  writeDist(join(dist, '0.2.2'), '0.2.2')
  const releases = directoryReleases(dist, PRODUCT, NONE)
  expect((await releases.resolve('v0.2.1', [AMD64])).archives[0]?.name).toContain('0.2.1')
  expect((await releases.resolve('v0.2.2', [AMD64])).archives[0]?.name).toContain('0.2.2')
  expect(await codesOf(releases.resolve('v0.2.3', [AMD64]))).toEqual(['RELEASE_NOT_FOUND'])
})

test('another version, another processor, another build, a missing archive', async () => {
  const { name } = writeDist(dist, '0.2.2')
  const releases = directoryReleases(dist, PRODUCT, NONE)
  expect(await codesOf(releases.resolve('v0.2.1', [AMD64]))).toEqual(['RELEASE_NOT_FOUND'])
  expect(await codesOf(releases.resolve('v0.2.2', [{ os: 'linux', arch: 'riscv64' }]))).toEqual([
    'ASSET_MISSING',
  ])
  const artifacts = readFileSync(join(dist, 'artifacts.json'), 'utf8').replace(
    /sha256:[0-9a-f]{64}/,
    `sha256:${'a'.repeat(64)}`,
  )
  const other = directoryReleases(dist, PRODUCT, { build: { artifacts, metadata: '' } })
  expect(await codesOf(other.resolve('v0.2.2', [AMD64]))).toEqual(['DIGEST_CONFLICT'])
  rmSync(join(dist, name))
  expect(await codesOf(releases.resolve('v0.2.2', [AMD64]))).toEqual(['ASSET_MISSING'])
})

test('a record that names files elsewhere reads none of them', async () => {
  writeDist(dist, '0.2.2')
  const artifacts = readFileSync(join(dist, 'artifacts.json'), 'utf8').replaceAll(
    'progressdb_0.2.2',
    '../../progressdb_0.2.2',
  )
  writeFileSync(join(dist, 'artifacts.json'), artifacts)
  expect(await codesOf(directoryReleases(dist, PRODUCT, NONE).resolve('v0.2.2', [AMD64]))).toEqual([
    'ASSET_MISSING',
  ])
})

test('an archive changed after it was resolved', async () => {
  const { name } = writeDist(dist, '0.2.2')
  const releases = directoryReleases(dist, PRODUCT, NONE)
  const release = await releases.resolve('v0.2.2', [AMD64])
  writeFileSync(join(dist, name), releaseArchive('0.2.2', 'another program').bytes)
  expect(
    await codesOf(releases.fetchBinary(release, AMD64, { dir: mkdtempSync(join(root, 'into-')) })),
  ).toEqual(['CHECKSUM_WRONG'])
})

test('a folder that is not there, and one with broken records', async () => {
  expect(
    await codesOf(directoryReleases(join(dist, 'none'), PRODUCT, NONE).resolve('v0.2.2', [AMD64])),
  ).toEqual(['RELEASE_NOT_FOUND'])
  writeDist(dist, '0.2.2')
  writeFileSync(join(dist, 'artifacts.json'), '{"name":')
  expect(await codesOf(directoryReleases(dist, PRODUCT, NONE).resolve('v0.2.2', [AMD64]))).toEqual([
    'BUILD_OUTPUT_UNREADABLE',
  ])
})
