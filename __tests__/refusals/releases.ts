import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Member, releaseArchive, tarball } from '../releases/tarball.ts'
import { type BuiltRelease, writeDist } from '../standin/release.ts'

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** An archive of a few bytes: what is refused in the plan never runs. */
export type Tiny = { name: string; bytes: Buffer; checksums: string }

export const tiny = (version: string, program = `program of ${version}`): Tiny => {
  const { name, bytes } = releaseArchive(version, program, process.arch === 'x64' ? 'amd64' : process.arch)
  return { name, bytes, checksums: `${sha256(bytes)}  ${name}\n` }
}

/** The same with these members instead of the program and its licence. */
export const tinyWith = (version: string, members: Member[]): Tiny => {
  const { name } = tiny(version)
  const bytes = tarball(members)
  return { name, bytes, checksums: `${sha256(bytes)}  ${name}\n` }
}

/** Lays it out as goreleaser's `dist/`. */
export async function tinyDist(folder: string, version: string, release = tiny(version)): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const archive = join(folder, `${release.name}.source`)
  writeFileSync(archive, release.bytes)
  const built: BuiltRelease = {
    version: version.replace(/^v/, ''),
    binary: '',
    sha256: '',
    archive,
    archiveName: release.name,
    archiveSha256: sha256(release.bytes),
    checksums: release.checksums,
  }
  await writeDist(built, folder)
  return folder
}
