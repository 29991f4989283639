import type { Platform } from '../domain/asset.ts'
import type { Untrusted } from '../domain/text.ts'

/**
 * One archive of a release, with the digest it must have.
 * `name` is from a closed alphabet and may be printed. `sha256` is of the archive. `digestSource` says in words who vouches for it.
 * `where` means something only to the adapter that made it.
 */
export type ResolvedArchive = Platform & {
  name: string
  sha256: string
  bytes: number
  digestSource: string
  where: string
}

/**
 * A published release, checked as far as that goes without downloading it.
 * `tag` as published, `version` its semver with the v (`v0.2.2`). `page` is the address for people, '' when there is none.
 * `archives` has one for each platform that was asked for.
 */
export type ResolvedRelease = {
  tag: string
  version: string
  prerelease: boolean
  notes: Untrusted
  page: string
  archives: ResolvedArchive[]
  /** What the build recorded of images, where it was handed over. */
  images: BuiltImage[]
}

/** `name` with its tag; `digest` in hex, as the registry answered when it was pushed. */
export type BuiltImage = { name: string; digest: string }

/** The program out of its archive. `file` is on this machine; `sha256` is of the program itself, `archive.sha256` of the archive. */
export type FetchedBinary = {
  file: string
  sha256: string
  bytes: number
  archive: { name: string; sha256: string }
  digestSource: string
}

/** Where to put it and whom to tell. `dir` exists and is ours alone. */
export type Fetching = {
  dir: string
  stop?: AbortSignal
  /** Bytes so far of bytes expected. */
  progress?: (done: number, of: number) => void
}

/** Where releases come from. Both calls throw `UserError` with every problem that was found. */
export interface Releases {
  /** `tag`: `v0.2.1`, `0.2.1` or `service-v0.2.1`. Changes nothing, writes nothing. */
  resolve(tag: string, platforms: Platform[]): Promise<ResolvedRelease>
  /** Downloads, compares the digest, unpacks. A second call with the same folder does not download again. */
  fetchBinary(release: ResolvedRelease, platform: Platform, into: Fetching): Promise<FetchedBinary>
}

/** What releases are asked to hold. `binary` is the program's name inside the archive, `repository` is `owner/name`. */
export type Product = { binary: string; repository: string }

/** Outputs of goreleaser-action as given to the action; '' when they are not. They are the strongest source of digests. */
export type BuildOutputs = { artifacts: string; metadata: string }
