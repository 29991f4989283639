import { array, type infer as Infer, looseObject, optional, string } from 'zod/mini'
import { type Archive, isPlainName, platform } from '../domain/asset.ts'
import { sha256Of } from '../domain/digest.ts'
import type { Problem } from '../domain/errors.ts'
import { parseTag } from '../domain/tag.ts'
import type { BuiltImage } from './port.ts'

/** Only what we read of goreleaser's artifacts.json and metadata.json; everything else in them may change. */
const Artifact = looseObject({
  name: string(),
  type: string(),
  goos: optional(string()),
  goarch: optional(string()),
  goamd64: optional(string()),
  goarm: optional(string()),
  extra: optional(
    looseObject({
      Checksum: optional(string()),
      Binaries: optional(array(string())),
      Format: optional(string()),
      Digest: optional(string()),
    }),
  ),
})
const Artifacts = array(Artifact)
const Metadata = looseObject({ project_name: string(), version: string(), tag: string() })

/** Archives with what the build recorded of them; `sha256` where it did. */
export type BuiltArchive = Archive & { sha256?: string }

/** `version` with the v, as the binary will report it. */
export type Build = { version?: string; project?: string; archives: BuiltArchive[]; images: BuiltImage[] }
export type ReadBuild = { build: Build; problems: Problem[] }

/** Who handed them over, e.g. "input artifacts" or "dist/artifacts.json"; for the problems. */
export type BuildText = { text: string; from: string }

/** Reads goreleaser's two files; a text that is '' was not given. Never throws. */
export const readBuild = (artifacts: BuildText, metadata: BuildText): ReadBuild => {
  const problems: Problem[] = []
  const list = read(artifacts, text => Artifacts.safeParse(text), problems) ?? []
  const about = read(metadata, text => Metadata.safeParse(text), problems)
  const version = about === undefined ? undefined : parseTag(about.version)?.version
  if (about !== undefined && version === undefined)
    problems.push(unreadable(metadata, 'its version is not semver'))
  const build: Build = { archives: list.flatMap(archiveOf), images: list.flatMap(imageOf) }
  if (version !== undefined) build.version = version
  if (about !== undefined) build.project = about.project_name
  return { build, problems }
}

type Parsed<T> = { success: boolean; data?: T }

const read = <T>(
  source: BuildText,
  parse: (value: unknown) => Parsed<T>,
  problems: Problem[],
): T | undefined => {
  if (source.text.trim() === '') return undefined
  const parsed = parse(json(source.text))
  if (parsed.success) return parsed.data
  problems.push(unreadable(source, 'it is not the JSON that goreleaser writes'))
  return undefined
}

const json = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const unreadable = (source: BuildText, because: string): Problem => ({
  code: 'BUILD_OUTPUT_UNREADABLE',
  what: `${source.from} cannot be read`,
  because,
  next: 'pass the outputs `artifacts` and `metadata` of goreleaser-action unchanged, or leave both out',
  where: source.from,
})

const archiveOf = (artifact: Infer<typeof Artifact>): BuiltArchive[] => {
  const isOurs =
    artifact.type === 'Archive' && isPlainName(artifact.name) && /\.(?:tar\.gz|tgz)$/.test(artifact.name)
  const built = platform(artifact.goos ?? '', architectureOf(artifact))
  if (!isOurs || built === undefined) return []
  const sha256 = sha256Of(artifact.extra?.Checksum)
  return [
    {
      name: artifact.name,
      project: artifact.name.split('_')[0] ?? '',
      ...built,
      ...(artifact.extra?.Binaries === undefined ? {} : { binaries: artifact.extra.Binaries }),
      ...(sha256 === undefined ? {} : { sha256 }),
    },
  ]
}

const imageOf = ({ type, name, extra }: Infer<typeof Artifact>): BuiltImage[] => {
  const digest = sha256Of(extra?.Digest)
  return /^Docker (?:Image|Manifest)/.test(type) && digest !== undefined ? [{ name, digest }] : []
}

/** A build for newer processors only (`amd64` at level v2 or more) is not one that every amd64 machine can run. */
const architectureOf = (artifact: Infer<typeof Artifact>): string => {
  const { goarch = '', goamd64 = '', goarm = '' } = artifact
  if (goarch === 'amd64' && !['', 'v1'].includes(goamd64)) return `amd64_${goamd64}`
  return goarch === 'arm' ? `armv${goarm}` : goarch
}
