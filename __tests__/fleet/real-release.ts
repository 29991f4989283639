import { copyFile, link, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { archiveName, sha256, writeArchive } from '../standin/archive.ts'
import type { BuiltRelease } from '../standin/release.ts'

/** A release of a binary that somebody else built, packed as goreleaser packs it, in a folder of its own. */
export async function realRelease(binary: string, version: string, folder: string): Promise<BuiltRelease> {
  await mkdir(folder, { recursive: true })
  const name = archiveName(version)
  const own = join(folder, 'progressdb')
  const archive = join(folder, `${name}.tar.gz`)
  await link(binary, own).catch(() => copyFile(binary, own))
  await writeArchive(archive, name, { base: own, end: Buffer.alloc(0) })
  const archiveSha256 = await sha256(archive)
  const checksums = `${archiveSha256}  ${basename(archive)}\n`
  await writeFile(join(folder, 'checksums.txt'), checksums)
  return {
    version,
    binary: own,
    sha256: await sha256(own),
    archive,
    archiveName: basename(archive),
    archiveSha256,
    checksums,
  }
}
