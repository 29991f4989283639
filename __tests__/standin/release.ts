import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  appendFile,
  constants,
  copyFile,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { archiveName, sha256, writeArchive } from './archive.ts'
import { baseExecutable } from './executable.ts'
import { trailer, type Version } from './version.ts'

/**
 * A released stand-in. `version` without a leading v, however it was asked for. All paths are in a cache that outlives the tests: never change what they name.
 * `checksums` is the text of checksums.txt: `<sha256>  <archive name>`.
 */
export type BuiltRelease = {
  version: string
  binary: string
  sha256: string
  archive: string
  archiveName: string
  archiveSha256: string
  checksums: string
}

/**
 * The release of the stand-in with this version and these faults, as a real executable and in goreleaser's packing.
 * Built once and kept; safe to call from several processes at once. The first of all takes some seconds.
 */
export async function buildRelease(asked: Partial<Version> & { version: string }): Promise<BuiltRelease> {
  const { faults = {}, nonce } = asked
  const version = asked.version.replace(/^v/, '')
  const base = await baseExecutable()
  const end = trailer({ version, faults, ...(nonce === undefined ? {} : { nonce }) })
  const id = createHash('sha256').update(end).digest('hex').slice(0, 12)
  const folder = join(dirname(base), `${version}-${id}`)
  if (!existsSync(folder)) await buildInto(folder, { version, base, end })
  const stored: Stored = JSON.parse(await readFile(join(folder, 'release.json'), 'utf8'))
  return { ...stored, binary: join(folder, 'progressdb'), archive: join(folder, stored.archiveName) }
}

type Stored = Omit<BuiltRelease, 'binary' | 'archive'>

/** Only the program of a version, written to `file`: for tests that need many faults and no archives. */
export async function writeBinary(version: Version, file: string): Promise<void> {
  await copyFile(await baseExecutable(), file, constants.COPYFILE_FICLONE)
  await appendFile(file, trailer(version))
}

async function buildInto(
  folder: string,
  build: { version: string; base: string; end: Buffer },
): Promise<void> {
  const scratch = `${folder}.${process.pid}.${Math.random().toString(36).slice(2)}`
  await mkdir(scratch, { recursive: true })
  try {
    await writeRelease(scratch, build)
    await rename(scratch, folder)
  } catch (error) {
    // Another process was first: what it built is the same.
    if (!existsSync(join(folder, 'release.json'))) throw error
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function writeRelease(
  folder: string,
  { version, base, end }: { version: string; base: string; end: Buffer },
): Promise<void> {
  const name = archiveName(version)
  const binary = join(folder, 'progressdb')
  const archive = join(folder, `${name}.tar.gz`)
  await copyFile(base, binary, constants.COPYFILE_FICLONE)
  await appendFile(binary, end)
  await writeArchive(archive, name, { base, end })
  const [sha, archiveSha256] = await Promise.all([sha256(binary), sha256(archive)])
  const checksums = `${archiveSha256}  ${basename(archive)}\n`
  await writeFile(join(folder, 'checksums.txt'), checksums)
  const stored = { version, sha256: sha, archiveName: basename(archive), archiveSha256, checksums }
  await writeFile(join(folder, 'release.json'), JSON.stringify(stored))
}

/** Lays a release out as goreleaser leaves its `dist/`: archive, checksums.txt, artifacts.json, metadata.json. */
export async function writeDist(release: BuiltRelease, dist: string, commit = '0'.repeat(40)): Promise<void> {
  await mkdir(dist, { recursive: true })
  await placeFile(release.archive, join(dist, release.archiveName))
  await writeFile(join(dist, 'checksums.txt'), release.checksums)
  await writeFile(join(dist, 'artifacts.json'), JSON.stringify(artifacts(release)))
  await writeFile(join(dist, 'metadata.json'), JSON.stringify(metadata(release.version, commit)))
}

/** A hard link where possible, since an archive is tens of megabytes. */
async function placeFile(from: string, to: string): Promise<void> {
  await rm(to, { force: true })
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE))
}

function artifacts(release: BuiltRelease): object[] {
  const platform = {
    goos: 'linux',
    goarch: process.arch === 'x64' ? 'amd64' : process.arch,
    target: `linux_${process.arch}`,
  }
  const checksum = `sha256:${release.archiveSha256}`
  const wrapped = archiveName(release.version)
  return [
    { name: 'metadata.json', path: 'dist/metadata.json', internal_type: 30, type: 'Metadata' },
    {
      name: release.archiveName,
      path: `dist/${release.archiveName}`,
      ...platform,
      internal_type: 1,
      type: 'Archive',
      extra: {
        Binaries: ['progressdb'],
        Checksum: checksum,
        Format: 'tar.gz',
        ID: 'default',
        WrappedIn: wrapped,
      },
    },
    { name: 'checksums.txt', path: 'dist/checksums.txt', internal_type: 12, type: 'Checksum', extra: {} },
  ]
}

function metadata(version: string, commit: string): object {
  const runtime = { goos: 'linux', goarch: process.arch === 'x64' ? 'amd64' : process.arch }
  return {
    project_name: 'progressdb',
    tag: `v${version}`,
    previous_tag: 'v0.0.0',
    version,
    commit,
    date: '2025-11-21T05:37:24Z',
    runtime,
  }
}
