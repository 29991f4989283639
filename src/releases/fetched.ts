import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Platform } from '../domain/asset.ts'
import { Bug, UserError } from '../domain/errors.ts'
import { type ArchiveLimits, extractBinary } from './archive.ts'
import type { FetchedBinary, Fetching, ResolvedArchive, ResolvedRelease } from './port.ts'

/** Puts the archive at `file` and answers the sha256 of what arrived. */
export type Get = (archive: ResolvedArchive, file: string, into: Fetching) => Promise<string>
export type Unpacking = { binary: string; limits?: ArchiveLimits }

/**
 * Archive to disk, digest compared, program taken out. An archive that lies there already with the expected digest is used,
 * so later steps on the same machine do not download again. File names come from the version and the platform alone.
 */
export const fetchedBinary = async (
  what: { release: ResolvedRelease; platform: Platform },
  into: Fetching,
  how: Unpacking & { get: Get },
): Promise<FetchedBinary> => {
  const archive = archiveFor(what.release, what.platform)
  const stem = join(into.dir, `${what.release.version}-${archive.os}-${archive.arch}`)
  const file = `${stem}.tar.gz`
  const sha256 =
    (await sha256OfFile(file)) === archive.sha256 ? archive.sha256 : await how.get(archive, file, into)
  if (sha256 !== archive.sha256) {
    await rm(file, { force: true })
    throw wrong(archive, sha256)
  }
  const program = await extractBinary({ ...how, file, name: archive.name, to: stem })
  return {
    file: stem,
    ...program,
    archive: { name: archive.name, sha256 },
    digestSource: archive.digestSource,
  }
}

const archiveFor = (release: ResolvedRelease, { os, arch }: Platform): ResolvedArchive => {
  const archive = release.archives.find(candidate => candidate.os === os && candidate.arch === arch)
  if (archive === undefined) throw new Bug(`${release.version} was not resolved for ${os}/${arch}`)
  return archive
}

const wrong = (archive: ResolvedArchive, sha256: string): UserError =>
  new UserError({
    code: 'CHECKSUM_WRONG',
    what: `${archive.name} is not the file that was published`,
    because: `its sha256 is ${sha256}, expected is ${archive.sha256} (${archive.digestSource})`,
    next: 'do not install it; run again, and if it stays so publish the release again under a new version',
  })

/** Lower-case hex; `undefined` when there is no such file. */
export const sha256OfFile = async (file: string): Promise<string | undefined> => {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file), hash)
    return hash.digest('hex')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
