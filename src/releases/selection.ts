import { type Archive, archiveFromName, chooseArchive, isPlainName, type Platform } from '../domain/asset.ts'
import { type Digests, expectedDigest } from '../domain/digest.ts'
import type { Problem } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Build, BuiltArchive } from './goreleaser.ts'
import type { Product, ResolvedArchive } from './port.ts'

/** A file that the release offers. `api` is the digest that its host computed, hex, where it did. */
export type Offered = { name: string; bytes: number; where: string; api?: string }

/** Everything known of a release before its archives are downloaded. `checksums` is absent when the release has no such file. */
export type Offer = {
  version: string
  product: Product
  offered: Offered[]
  build: Build
  /** Handed over by the job that built it, or lying beside the archives. */
  recordedBy: 'build' | 'dist'
  checksums?: Map<string, string>
}

export type Selection = { archives: ResolvedArchive[]; problems: Problem[] }

/** The one archive for each platform with the digest it must have, and all that speaks against it. */
export const selectArchives = (offer: Offer, platforms: Platform[]): Selection => {
  const selection: Selection = { archives: [], problems: versionProblems(offer) }
  for (const platform of distinct(platforms)) {
    const selected = select(offer, platform)
    if ('code' in selected) selection.problems.push(selected)
    else selection.archives.push(selected)
  }
  return selection
}

const distinct = (platforms: Platform[]): Platform[] => [
  ...new Map(platforms.map(p => [`${p.os}/${p.arch}`, p])).values(),
]

const versionProblems = ({ build, version }: Offer): Problem[] =>
  build.version === undefined || build.version === version
    ? []
    : [
        {
          code: 'BUILD_OTHER_RELEASE',
          what: `the build's metadata is of ${build.version}, not of ${version}`,
          because: 'its digests say nothing about this release',
          next: 'pass the outputs of the build job that made this release, or leave `artifacts` and `metadata` out',
          where: 'metadata',
        },
      ]

const select = (offer: Offer, platform: Platform): ResolvedArchive | Problem => {
  const choice = chooseArchive(known(offer), { platform, ...offer.product })
  if (choice.is === 'none') return missing(offer, platform)
  if (choice.is === 'several') return ambiguous(offer, platform, choice.names)
  const file = offer.offered.find(candidate => candidate.name === choice.archive.name)
  return file === undefined ? missing(offer, platform) : expected(offer, platform, file)
}

/** Where the build recorded what it made, its record is read instead of file names. */
const known = (offer: Offer): Archive[] => {
  const names = new Set(offer.offered.map(file => file.name))
  if (offer.build.archives.length > 0) return offer.build.archives.filter(archive => names.has(archive.name))
  return [...names].flatMap(name => archiveFromName(name, offer.version) ?? [])
}

const expected = (offer: Offer, platform: Platform, file: Offered): ResolvedArchive | Problem => {
  if (offer.checksums !== undefined && !offer.checksums.has(file.name)) return unlisted(file.name)
  const digests = expectedDigest(digestsOf(offer, file))
  if (digests.is === 'none') return noDigest(file.name)
  if (digests.is === 'conflict') return conflict(file.name, digests.text)
  return {
    ...platform,
    name: file.name,
    bytes: file.bytes,
    where: file.where,
    sha256: digests.sha256,
    digestSource: digests.source,
  }
}

const digestsOf = (offer: Offer, file: Offered): Digests => {
  const built: BuiltArchive | undefined = offer.build.archives.find(archive => archive.name === file.name)
  const listed = offer.checksums?.get(file.name)
  return {
    ...(built?.sha256 === undefined ? {} : { [offer.recordedBy]: built.sha256 }),
    ...(file.api === undefined ? {} : { api: file.api }),
    ...(listed === undefined ? {} : { checksums: listed }),
  }
}

const CHECKSUMS = /(?:^|_)checksums\.txt$/i

/** The file with the checksums: goreleaser calls it `<project>_<version>_checksums.txt` unless it is told otherwise. */
export const checksumsFile = (offered: Offered[], product: Product): Offered | undefined => {
  const files = offered.filter(file => CHECKSUMS.test(file.name))
  const named = (start: string): Offered | undefined => files.find(file => file.name.startsWith(start))
  const repository = product.repository.split('/').at(-1) ?? ''
  return (
    named('checksums.txt') ??
    named(`${product.binary}_`) ??
    named(`${repository}_`) ??
    (files.length === 1 ? files[0] : undefined)
  )
}

const inWords = ({ os, arch }: Platform): string => `${os}/${arch}`

const listed = (names: string[]): string => {
  const shown = names.slice(0, 8).map(name => printable(new Untrusted(name), 80))
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ')
}

const missing = (offer: Offer, platform: Platform): Problem => {
  const built = chooseArchive(offer.build.archives, { platform, ...offer.product })
  const made =
    built.is === 'one' ? `the build made ${built.archive.name}, but the release does not have it; ` : ''
  const names = offer.offered.map(file => file.name)
  return {
    code: 'ASSET_MISSING',
    what: `${offer.version} has no archive of ${offer.product.binary} for ${inWords(platform)}`,
    because: `${made}${names.length === 0 ? 'the release has no files' : `the release has ${listed(names)}`}`,
    next: `publish ${offer.product.binary}_${offer.version.slice(1)}_${platform.os}_${platform.arch}.tar.gz with the release, or take the nodes of that kind out of the fleet`,
  }
}

const ambiguous = (offer: Offer, platform: Platform, names: string[]): Problem => ({
  code: 'ASSET_AMBIGUOUS',
  what: `${offer.version} has several archives for ${inWords(platform)}`,
  because: `these fit equally well: ${listed(names)}`,
  next: 'name the one with the server after `binary` or the repository, or pass the outputs of goreleaser-action, which say what is inside',
})

const unlisted = (name: string): Problem => ({
  code: 'CHECKSUM_MISSING',
  what: `checksums.txt has no line for ${name}`,
  because: 'the file was added to the release after the checksums were made',
  next: 'publish the release again so that both are made together',
})

const noDigest = (name: string): Problem => ({
  code: 'DIGEST_MISSING',
  what: `nobody says which sha256 ${name} should have`,
  because: 'the release has no checksums.txt, its host computed no digest, and no build outputs were given',
  next: 'publish checksums.txt with the release (goreleaser does it by itself), or pass the output `artifacts` of goreleaser-action',
})

const conflict = (name: string, text: string): Problem => ({
  code: 'DIGEST_CONFLICT',
  what: `the sources of the sha256 of ${name} disagree`,
  because: text,
  next: 'do not install it; find out who replaced a file of this release, and publish the release again under a new version',
})

/** Files whose names we may print, compare and ask for; the rest of what a release offers does not exist for us. */
export const plainlyNamed = (offered: Offered[]): Offered[] => offered.filter(file => isPlainName(file.name))
