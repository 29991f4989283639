import { constants, copyFile, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseChecksums } from '../domain/digest.ts'
import { type Problem, UserError } from '../domain/errors.ts'
import { parseTag } from '../domain/tag.ts'
import { Untrusted } from '../domain/text.ts'
import { type ArchiveLimits, diskFull } from './archive.ts'
import { fetchedBinary, sha256OfFile } from './fetched.ts'
import { type Build, readBuild } from './goreleaser.ts'
import type { BuildOutputs, Fetching, Product, Releases, ResolvedArchive } from './port.ts'
import { invalidTag } from './refusals.ts'
import { checksumsFile, type Offered, selectArchives } from './selection.ts'

/**
 * Releases from a folder laid out as goreleaser's `dist/`: `artifacts.json`, `metadata.json`, checksums and archives.
 * The folder is one release, or holds one such folder for each version (`<path>/v0.2.1`).
 */
export const directoryReleases = (
  path: string,
  product: Product,
  options: { build: BuildOutputs; limits?: ArchiveLimits },
): Releases => ({
  resolve: async (asked, platforms) => {
    const tag = parseTag(asked)
    if (tag === undefined) throw new UserError(invalidTag(asked))
    const dist = await findDist(path, tag.version)
    if ('problems' in dist) throw new UserError(...dist.problems)
    const given = readBuild(
      { text: options.build.artifacts, from: 'input artifacts' },
      { text: options.build.metadata, from: 'input metadata' },
    )
    const listed = await checksumsOf(dist, product)
    const handedOver = given.build.archives.length > 0
    const selected = selectArchives(
      {
        version: tag.version,
        product,
        offered: dist.offered,
        build: handedOver ? given.build : dist.build,
        recordedBy: handedOver ? 'build' : 'dist',
        ...(listed.of === undefined ? {} : { checksums: listed.of }),
      },
      platforms,
    )
    const problems = [...given.problems, ...listed.problems, ...selected.problems]
    if (problems.length > 0) throw new UserError(...problems)
    return {
      tag: tag.version,
      ...tag,
      notes: await notesOf(dist.folder),
      page: '',
      archives: selected.archives,
      images: (given.build.images.length > 0 ? given.build : dist.build).images,
    }
  },

  fetchBinary: (release, platform, into) =>
    fetchedBinary({ release, platform }, into, {
      binary: product.binary,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      get: copied,
    }),
})

type Dist = { folder: string; build: Build; offered: Offered[] }

/** The folder itself when it is this version, else its subfolder of that name. Only parsed semver becomes a path. */
const findDist = async (path: string, version: string): Promise<Dist | { problems: Problem[] }> => {
  const own = await readDist(path)
  if (own !== undefined && (own.problems.length > 0 || own.build.version === version))
    return answer(path, own)
  for (const folder of [join(path, version), join(path, version.slice(1))]) {
    const sub = await readDist(folder)
    if (sub !== undefined)
      return sub.build.version === version
        ? answer(folder, sub)
        : { problems: [...sub.problems, notFound(path, version, sub.build.version)] }
  }
  return { problems: [notFound(path, version, own?.build.version)] }
}

type Read = ReturnType<typeof readBuild>

const answer = async (folder: string, { build, problems }: Read): Promise<Dist | { problems: Problem[] }> =>
  problems.length > 0 ? { problems } : { folder, build, offered: await offeredIn(folder, build) }

/** `undefined` when there is no such folder, or nothing of goreleaser's in it. */
const readDist = async (folder: string): Promise<Read | undefined> => {
  const artifacts = await textOf(join(folder, 'artifacts.json'))
  const metadata = await textOf(join(folder, 'metadata.json'))
  if (artifacts === undefined || metadata === undefined) return undefined
  return readBuild(
    { text: artifacts, from: join(folder, 'artifacts.json') },
    { text: metadata, from: join(folder, 'metadata.json') },
  )
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

const textOf = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** What the build recorded and what really lies there; the names in the record are one plain component each. */
const offeredIn = async (folder: string, build: Build): Promise<Offered[]> => {
  const names = [...build.archives.map(archive => archive.name), ...checksumsNames(build)]
  const sized = names.map(async name => ({
    name,
    where: join(folder, name),
    bytes: await sizeOf(join(folder, name)),
  }))
  return (await Promise.all(sized)).flatMap(({ bytes, ...file }) =>
    bytes === undefined ? [] : [{ ...file, bytes }],
  )
}

const checksumsNames = ({ project, version }: Build): string[] => [
  'checksums.txt',
  ...(project === undefined || !/^[\w.-]+$/.test(project)
    ? []
    : [`${project}_${version?.slice(1)}_checksums.txt`]),
]

const sizeOf = async (file: string): Promise<number | undefined> => {
  try {
    const found = await stat(file)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

const checksumsOf = async (
  dist: Dist,
  product: Product,
): Promise<{ of?: Map<string, string>; problems: Problem[] }> => {
  const file = checksumsFile(dist.offered, product)
  if (file === undefined) return { problems: [] }
  const parsed = parseChecksums(await readFile(file.where, 'utf8'))
  if (parsed.is === 'read') return { of: parsed.of, problems: [] }
  return {
    problems: [
      {
        code: 'CHECKSUMS_UNREADABLE',
        what: `${file.where} cannot be read`,
        because: `line ${parsed.line}: ${parsed.why}`,
        next: 'use the folder as goreleaser wrote it',
      },
    ],
  }
}

const notesOf = async (folder: string): Promise<Untrusted> =>
  new Untrusted((await textOf(join(folder, 'CHANGELOG.md'))) ?? '')

const copied = async (
  archive: ResolvedArchive,
  file: string,
  { stop, progress }: Fetching,
): Promise<string> => {
  stop?.throwIfAborted()
  try {
    await copyFile(archive.where, file, constants.COPYFILE_FICLONE)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') throw diskFull(file)
    throw error
  }
  progress?.(archive.bytes, archive.bytes)
  return (await sha256OfFile(file)) ?? ''
}

const notFound = (path: string, version: string, there: string | undefined): Problem => ({
  code: 'RELEASE_NOT_FOUND',
  what: `${path} holds no release ${version}`,
  because:
    there === undefined
      ? 'artifacts.json and metadata.json of goreleaser are neither there nor in a subfolder of that name'
      : `it holds ${there}`,
  next: 'build it with goreleaser, or point `releases` to the folder that goreleaser wrote (its `dist`)',
  where: 'tag',
})
