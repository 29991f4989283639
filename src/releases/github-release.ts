import { rcompare } from 'semver'
import { type Problem, UserError } from '../domain/errors.ts'
import { parseTag, spellings } from '../domain/tag.ts'
import { type GitHubAccess, apiProblem, statusOf } from './github-access.ts'

type Rest = GitHubAccess['api']['rest']['repos']
export type GitHubRelease = Awaited<ReturnType<Rest['getReleaseByTag']>>['data']

/** `asked` is the tag as a person wrote it, `version` its semver with the v. */
export type Asked = { asked: string; version: string }

/**
 * The published release of a version, under any spelling of its tag; the spelling that was asked for wins over others.
 * Throws `UserError`: not found, a draft, several that fit, not allowed to see.
 */
export const findRelease = async (
  access: GitHubAccess,
  repository: string,
  wanted: Asked,
): Promise<GitHubRelease> => {
  const [exact, ...others] = spellings(wanted.asked, wanted.version)
  const found = await byTag(access, repository, exact ?? wanted.version)
  if (found !== undefined) return found
  const near = (await Promise.all(others.map(tag => byTag(access, repository, tag)))).filter(
    release => release !== undefined,
  )
  const [release] = near
  if (release === undefined)
    throw new UserError(notFound(access, repository, wanted, await newest(access, repository)))
  if (near.length === 1) return release
  throw new UserError(
    several(
      wanted,
      near.map(candidate => candidate.tag_name),
    ),
  )
}

const named = (repository: string): { owner: string; repo: string } => {
  const [owner = '', repo = ''] = repository.split('/')
  return { owner, repo }
}

/** `undefined` when there is no published release with exactly this tag. */
const byTag = async (
  access: GitHubAccess,
  repository: string,
  tag: string,
): Promise<GitHubRelease | undefined> => {
  try {
    const { data } = await access.api.rest.repos.getReleaseByTag({ ...named(repository), tag })
    // A release that answers to another tag than it was asked for is never taken.
    return data.tag_name === tag ? data : undefined
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw new UserError(apiProblem(error, `the release ${tag} of ${repository}`, access))
  }
}

/** The newest hundred, drafts among them where the token may see them; 'hidden' when the repository itself is not there for us. */
const newest = async (access: GitHubAccess, repository: string): Promise<GitHubRelease[] | 'hidden'> => {
  try {
    const { data } = await access.api.rest.repos.listReleases({ ...named(repository), per_page: 100 })
    return data
  } catch (error) {
    if (statusOf(error) === 404) return 'hidden'
    throw new UserError(apiProblem(error, `the releases of ${repository}`, access))
  }
}

const notFound = (
  access: GitHubAccess,
  repository: string,
  wanted: Asked,
  there: GitHubRelease[] | 'hidden',
): Problem => {
  if (there === 'hidden') return hidden(access, repository)
  const tags = new Set(spellings(wanted.asked, wanted.version))
  const draft = there.find(release => release.draft && tags.has(release.tag_name))
  return draft === undefined ? unknown(repository, wanted, there) : drafted(wanted)
}

const hidden = ({ token }: GitHubAccess, repository: string): Problem => ({
  code: token === '' ? 'REPOSITORY_HIDDEN' : 'REPOSITORY_NOT_FOUND',
  what: `the repository ${repository} cannot be seen`,
  because:
    token === ''
      ? 'there is none of this name, or it is private and no token was given'
      : 'there is none of this name, or the token may not see it',
  next:
    token === ''
      ? 'check `repository`; for a private one pass `token: ${{ github.token }}`, or a token of an app that may read it'
      : 'check `repository`; the job token only sees its own repository: for another private one pass a token that may read it (`contents: read`)',
})

const drafted = (wanted: Asked): Problem => ({
  code: 'RELEASE_DRAFT',
  what: `the release ${wanted.version} is a draft`,
  because: 'the files of a draft may still change, and nobody else can see it',
  next: 'publish it, then run again',
})

const unknown = (repository: string, wanted: Asked, there: GitHubRelease[]): Problem => {
  const versions = there
    .filter(release => !release.draft)
    .flatMap(release => parseTag(release.tag_name)?.version ?? [])
  const [first, ...rest] = versions.sort(rcompare).slice(0, 5)
  const known =
    first === undefined
      ? 'it has no release of the service yet'
      : `the newest there are ${[first, ...rest].join(', ')}`
  return {
    code: 'RELEASE_NOT_FOUND',
    what: `${repository} has no release ${wanted.version}`,
    because: `none of the tags ${spellings(wanted.asked, wanted.version).join(', ')} has a published release; ${known}`,
    next: 'check the tag; if the release job is still running, let the rollout job need it (`needs: goreleaser`)',
    where: 'tag',
  }
}

const several = (wanted: Asked, tags: string[]): Problem => ({
  code: 'RELEASE_AMBIGUOUS',
  what: `several releases are called ${wanted.version}`,
  because: `there are ${tags.join(' and ')}`,
  next: `pass the one that is meant, e.g. tag: ${tags[0]}`,
  where: 'tag',
})
