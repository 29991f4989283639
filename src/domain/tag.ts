import { parse } from 'semver'

/**
 * A tag or version as a person writes it, reduced to semver: the only part of a tag that may ever become a path.
 * `version` has the leading v and the build metadata, e.g. `v0.2.1` or `v0.3.0-rc.1+linux`.
 */
export type Tag = { version: string; prerelease: boolean }

/** Tags that name a release of the service: `service-v0.2.1` beside `v0.2.1`. Others (`sdk-js-v1.0.0`) name other products. */
const PREFIX = 'service-'

/** `v0.2.1`, `0.2.1` and `service-v0.2.1` name the same version; everything else is no tag of ours. */
export const parseTag = (text: string): Tag | undefined => {
  const bare = (text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text).replace(/^v/, '')
  if (!/^\d/.test(bare)) return undefined
  const parsed = parse(bare)
  if (parsed === null) return undefined
  const build = parsed.build.length > 0 ? `+${parsed.build.join('.')}` : ''
  return { version: `v${parsed.version}${build}`, prerelease: parsed.prerelease.length > 0 }
}

/** Every spelling under which a release of this version may be published; the one that was asked for comes first. */
export const spellings = (asked: string, version: string): string[] => {
  const bare = version.slice(1)
  return [...new Set([asked, version, `${PREFIX}${version}`, bare])]
}
