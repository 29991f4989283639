import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { UserError } from '../domain/errors.ts'
import { printable } from '../domain/text.ts'
import { byteReader } from './bytes.ts'
import { BadArchive, type TarEntry, tarEntries } from './tar.ts'

/** `entries` members at most, `bytes` unpacked at most, headers and everything we do not keep included. */
export type ArchiveLimits = { entries: number; bytes: number }

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 10_000, bytes: 2 * 1024 ** 3 }

/** `file` is the .tar.gz, `name` what people call it, `binary` the program wanted, `to` the file that will hold it. */
export type Extraction = { file: string; name: string; binary: string; to: string; limits?: ArchiveLimits }

/**
 * Takes exactly the named program out of an archive: in its root or in the one folder around everything. The whole archive
 * is read and judged before `to` appears, executable and synced. Nothing else is ever written.
 * Answers the sha256 (hex) and size of the program. Throws `UserError` with an ARCHIVE_* code.
 */
export const extractBinary = async (extraction: Extraction): Promise<{ sha256: string; bytes: number }> => {
  const temporary = `${extraction.to}.part`
  await rm(temporary, { force: true })
  try {
    const found = await extractTo(temporary, extraction)
    await rename(temporary, extraction.to)
    return found
  } catch (error) {
    throw explained(error, extraction)
  } finally {
    await rm(temporary, { force: true })
  }
}

const extractTo = async (
  temporary: string,
  extraction: Extraction,
): Promise<{ sha256: string; bytes: number }> => {
  const limits = extraction.limits ?? ARCHIVE_LIMITS
  let found: { sha256: string; bytes: number } | undefined
  await pipeline(createReadStream(extraction.file), createGunzip(), async source => {
    for await (const entry of judged(bounded(source, limits.bytes), limits.entries)) {
      if (!isWanted(entry, extraction.binary)) continue
      if (found !== undefined)
        throw new BadArchive('ARCHIVE_DUPLICATE', `it holds ${extraction.binary} more than once`)
      found = await write(temporary, entry)
    }
  })
  if (found === undefined)
    throw new BadArchive('ARCHIVE_NO_BINARY', `it holds no program ${extraction.binary}`)
  if (found.bytes === 0)
    throw new BadArchive('ARCHIVE_NO_BINARY', `the program ${extraction.binary} in it is empty`)
  return found
}

/** Counts what really comes out of the decompressor; sizes in headers are only claims. */
export async function* bounded(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let seen = 0
  for await (const chunk of source) {
    seen += chunk.length
    if (seen > limit) throw new BadArchive('ARCHIVE_TOO_BIG', `unpacked it has more than ${limit} bytes`)
    yield chunk
  }
}

async function* judged(source: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<TarEntry> {
  let count = 0
  for await (const entry of tarEntries(byteReader(source))) {
    count += 1
    if (count > most) throw new BadArchive('ARCHIVE_TOO_BIG', `it has more than ${most} members`)
    const escape = escapes(entry.path)
    if (escape !== undefined)
      throw new BadArchive(
        'ARCHIVE_PATH',
        `the name ${printable(JSON.stringify(entry.path), 80)} in it ${escape}`,
      )
    yield entry
  }
}

/** Why this name must not be in a release, or `undefined`. */
export const escapes = (path: string): string | undefined => {
  if (path === '') return 'is empty'
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute'
  if (path.includes('\\')) return 'has a backslash'
  if (/\p{Cc}/u.test(path)) return 'has control characters'
  if (path.split('/').includes('..')) return 'leaves its folder'
  return undefined
}

/** Deeper files of the same name are something else: shell completions are often called like the program. */
const isWanted = (entry: TarEntry, binary: string): boolean => {
  const parts = entry.path.split('/').filter(part => part !== '' && part !== '.')
  return entry.kind === 'file' && parts.length <= 2 && parts.at(-1) === binary
}

const write = async (file: string, entry: TarEntry): Promise<{ sha256: string; bytes: number }> => {
  const handle = await open(file, 'wx', 0o700)
  try {
    const written = await writeAll(handle, entry)
    await handle.chmod(0o755)
    await handle.sync()
    return written
  } finally {
    await handle.close()
  }
}

const writeAll = async (handle: FileHandle, entry: TarEntry): Promise<{ sha256: string; bytes: number }> => {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const portion of entry.body) {
    hash.update(portion)
    bytes += portion.length
    await handle.writeFile(portion)
  }
  return { sha256: hash.digest('hex'), bytes }
}

const NEXT: Record<string, string> = {
  ARCHIVE_NO_BINARY: 'set `binary` to the name of the program inside the archive',
  ARCHIVE_TOO_BIG: 'publish an archive with the program and its licence only',
  ARCHIVE_TRUNCATED: 'publish the release again: the archive was damaged before its checksum was taken',
  ARCHIVE_DAMAGED: 'publish the release again: the archive was damaged before its checksum was taken',
}

/** This machine, not a node: archives are unpacked where the engine runs. */
export const diskFull = (file: string): UserError =>
  new UserError({
    code: 'RUNNER_DISK_FULL',
    what: 'the disk of the machine that runs the rollout is full',
    because: `there was no space left for ${file}`,
    next: 'free space there (an archive and the program inside it must fit) and run again',
  })

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const explained = (error: unknown, extraction: Extraction): unknown => {
  if (codeOf(error) === 'ENOSPC') return diskFull(extraction.to)
  const damaged = codeOf(error).startsWith('Z_')
  if (!damaged && !(error instanceof BadArchive)) return error
  const code = damaged ? 'ARCHIVE_DAMAGED' : codeOf(error)
  const because = damaged
    ? 'it is no gzip file, or its data are damaged'
    : error instanceof BadArchive
      ? error.message
      : ''
  const next =
    NEXT[code] ?? 'do not install it; find out how the archive was made, and publish the release again'
  return new UserError({
    code,
    what: `the archive ${printable(extraction.name, 120)} is refused`,
    because,
    next,
  })
}
