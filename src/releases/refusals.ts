import type { Problem } from '../domain/errors.ts'
import type { Tag } from '../domain/tag.ts'
import { printable, Untrusted } from '../domain/text.ts'

/** The tag is not one that names a release of the service. */
export const invalidTag = (asked: string): Problem => ({
  code: 'TAG_INVALID',
  what: `${printable(new Untrusted(asked), 80) || 'an empty tag'} names no release of the service`,
  because: 'a release is named v1.2.3, 1.2.3 or service-v1.2.3',
  next: 'pass the tag of a release of the service, e.g. v0.2.2',
  where: 'tag',
})

/** A pre-release runs only where its tag says so, so that a tick on a web page alone never decides. */
export const prereleaseRefused = (marked: boolean, tag: Tag, name: string): Problem[] =>
  marked && !tag.prerelease
    ? [
        {
          code: 'RELEASE_PRERELEASE',
          what: `${name} is marked as a pre-release`,
          because: 'a pre-release is rolled out only when its version says so, e.g. v1.2.3-rc.1',
          next: 'take the mark off the release if it is meant for production, or release it under such a version',
        },
      ]
    : []
