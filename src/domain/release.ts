/** A release is its bytes; the version is only its name. `sha256` is the lower-case hex digest of the server binary itself. */
export type Release = { version: string; sha256: string }

/** `v0.2.1-9f1c0a3b5d7e`: the one name of a release on a node (folder name) and in answers of programs. */
export type ReleaseId = string

/** The folder name of a release: `<version>-<first 12 hex digits of sha256>`. */
export const releaseId = (release: Release): ReleaseId => `${release.version}-${release.sha256.slice(0, 12)}`

/** Same bytes. A tag may be moved and a version spelt differently; the digest decides. */
export const sameRelease = (a: Release, b: Release): boolean => a.sha256 === b.sha256
