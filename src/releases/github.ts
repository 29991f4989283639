import { createHash } from 'node:crypto'
import type { Patience } from '../domain/backoff.ts'
import { parseChecksums, sha256Of } from '../domain/digest.ts'
import { type Problem, UserError } from '../domain/errors.ts'
import { parseTag, type Tag } from '../domain/tag.ts'
import { Untrusted } from '../domain/text.ts'
import type { ArchiveLimits } from './archive.ts'
import { downloadBytes, downloadTo } from './download.ts'
import { fetchedBinary } from './fetched.ts'
import type { GitHubAccess } from './github-access.ts'
import { findRelease, type GitHubRelease } from './github-release.ts'
import { readBuild } from './goreleaser.ts'
import type { BuildOutputs, Product, Releases, ResolvedRelease } from './port.ts'
import { invalidTag, prereleaseRefused } from './refusals.ts'
import { checksumsFile, type Offered, plainlyNamed, selectArchives } from './selection.ts'

/** `bytes` an archive may have at most; `unpacked` what may come out of it. */
export type GitHubLimits = { bytes: number; unpacked?: ArchiveLimits; patience?: Patience }

const ARCHIVE_BYTES = 1024 ** 3
const CHECKSUMS_BYTES = 1024 ** 2

/** Releases of one repository on GitHub, as goreleaser publishes them. */
export const githubReleases = (
  access: GitHubAccess,
  product: Product,
  options: { build: BuildOutputs; limits?: GitHubLimits },
): Releases => {
  const limits = options.limits ?? { bytes: ARCHIVE_BYTES }
  const common = {
    token: access.token,
    dispatcher: access.files,
    ...(limits.patience === undefined ? {} : { patience: limits.patience }),
  }
  const address = (id: string): string => `${access.apiUrl}/repos/${product.repository}/releases/assets/${id}`

  const checksums = async (
    offered: Offered[],
  ): Promise<{ of?: Map<string, string>; problems: Problem[] }> => {
    const file = checksumsFile(offered, product)
    if (file === undefined) return { problems: [] }
    const bytes = await downloadBytes({
      ...common,
      url: address(file.where),
      name: file.name,
      bytes: file.bytes,
      limit: CHECKSUMS_BYTES,
    })
    return readChecksums(bytes, file)
  }

  return {
    resolve: async (asked, platforms) => {
      const tag = parseTag(asked)
      if (tag === undefined) throw new UserError(invalidTag(asked))
      const { build, problems } = readBuild(
        { text: options.build.artifacts, from: 'input artifacts' },
        { text: options.build.metadata, from: 'input metadata' },
      )
      const release = await findRelease(access, product.repository, { asked, version: tag.version }).catch(
        alsoSay(problems),
      )
      const offered = plainlyNamed(release.assets.filter(asset => asset.state === 'uploaded').map(offer))
      const listed = await checksums(offered)
      const selected = selectArchives(
        {
          version: tag.version,
          product,
          offered,
          build,
          recordedBy: 'build',
          ...(listed.of === undefined ? {} : { checksums: listed.of }),
        },
        platforms,
      )
      problems.push(
        ...listed.problems,
        ...prereleaseRefused(release.prerelease, tag, release.tag_name),
        ...selected.problems,
      )
      if (problems.length > 0) throw new UserError(...problems)
      return { ...described(release, tag), archives: selected.archives, images: build.images }
    },

    fetchBinary: (release, platform, into) =>
      fetchedBinary({ release, platform }, into, {
        binary: product.binary,
        ...(limits.unpacked === undefined ? {} : { limits: limits.unpacked }),
        get: (archive, file, { stop, progress }) =>
          downloadTo(file, {
            ...common,
            url: address(archive.where),
            name: archive.name,
            bytes: archive.bytes,
            limit: limits.bytes,
            ...(stop === undefined ? {} : { stop }),
            ...(progress === undefined ? {} : { progress }),
          }),
      }),
  }
}

type Asset = GitHubRelease['assets'][number]

const offer = (asset: Asset): Offered => {
  const api = sha256Of(asset.digest)
  return {
    name: asset.name,
    bytes: asset.size,
    where: String(asset.id),
    ...(api === undefined ? {} : { api }),
  }
}

const described = (release: GitHubRelease, tag: Tag): Omit<ResolvedRelease, 'archives' | 'images'> => ({
  tag: release.tag_name,
  version: tag.version,
  prerelease: tag.prerelease,
  notes: new Untrusted(release.body ?? ''),
  page: URL.canParse(release.html_url) ? new URL(release.html_url).href : '',
})

/** What was already wrong before the release was looked for is said together with what went wrong there. */
const alsoSay =
  (problems: Problem[]) =>
  (error: unknown): never => {
    throw error instanceof UserError ? new UserError(...problems, ...error.problems) : error
  }

const readChecksums = (bytes: Buffer, file: Offered): { of?: Map<string, string>; problems: Problem[] } => {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const next = 'publish the release again under a new version, with the checksums that goreleaser writes'
  if (file.api !== undefined && file.api !== sha256) {
    const because = `its sha256 is ${sha256}, GitHub's asset digest is ${file.api}`
    return {
      problems: [
        { code: 'CHECKSUM_WRONG', what: `${file.name} is not the file that was published`, because, next },
      ],
    }
  }
  const parsed = parseChecksums(bytes.toString('utf8'))
  if (parsed.is === 'read') return { of: parsed.of, problems: [] }
  const because = `line ${parsed.line}: ${parsed.why}`
  return { problems: [{ code: 'CHECKSUMS_UNREADABLE', what: `${file.name} cannot be read`, because, next }] }
}
