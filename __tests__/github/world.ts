import { createHash } from 'node:crypto'

/** One release as a test wants it. Contents of `files` by asset name. */
export type GivenRelease = {
  tag: string
  files: Record<string, Buffer | string>
  notes?: string
  draft?: boolean
  prerelease?: boolean
  /** Digest that the API claims for an asset instead of the true one; null: an old asset, without a digest. */
  digests?: Record<string, string | null>
  /** Assets that are still being uploaded. */
  unfinished?: string[]
}

export type Given = {
  owner: string
  repo: string
  releases: GivenRelease[]
  /** Without this token the repository is answered as if it were not there. */
  token?: string
  /** Commits and tags that exist beside the releases' tags, for deployments. */
  refs?: string[]
  runs?: {
    id: number
    status: 'in_progress' | 'completed' | 'queued'
    conclusion?: 'success' | 'failure' | 'cancelled'
    attempt?: number
  }[]
}

const AT = '2026-11-23T22:00:00Z'

const known = new WeakMap<Buffer, string>()

/** As GitHub computes it, once for each upload. */
export const digestOf = (content: Buffer | string): string => {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content)
  const digest = known.get(bytes) ?? `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  known.set(bytes, digest)
  return digest
}

/** The account that everything in the double belongs to, with every field that the description requires. */
export const user = (base: string, login: string) => ({
  login,
  id: 1,
  node_id: 'U_1',
  avatar_url: `${base}/avatars/1`,
  gravatar_id: '',
  url: `${base}/users/${login}`,
  html_url: `${base}/${login}`,
  followers_url: `${base}/users/${login}/followers`,
  following_url: `${base}/users/${login}/following`,
  gists_url: `${base}/users/${login}/gists`,
  starred_url: `${base}/users/${login}/starred`,
  subscriptions_url: `${base}/users/${login}/subscriptions`,
  organizations_url: `${base}/users/${login}/orgs`,
  repos_url: `${base}/users/${login}/repos`,
  events_url: `${base}/users/${login}/events`,
  received_events_url: `${base}/users/${login}/received_events`,
  type: 'User',
  site_admin: false,
})

/** Where the double serves, and whose repository it is. */
export type Place = { base: string; owner: string; repo: string }
const home = ({ base, owner, repo }: Place): string => `${base}/repos/${owner}/${repo}`

export const assetOf = (place: Place, release: GivenRelease, asset: { name: string; id: number }) => {
  const content = release.files[asset.name] ?? ''
  const claimed = release.digests?.[asset.name]
  return {
    url: `${home(place)}/releases/assets/${asset.id}`,
    browser_download_url: `${place.base}/${place.owner}/${place.repo}/releases/download/${encodeURIComponent(release.tag)}/${encodeURIComponent(asset.name)}`,
    id: asset.id,
    node_id: `RA_${asset.id}`,
    name: asset.name,
    label: null,
    state: release.unfinished?.includes(asset.name) === true ? 'open' : 'uploaded',
    content_type: 'application/octet-stream',
    size: Buffer.byteLength(content),
    digest: claimed === undefined ? digestOf(content) : claimed,
    download_count: 0,
    created_at: AT,
    updated_at: AT,
    uploader: user(place.base, place.owner),
  }
}

export const releaseOf = (
  place: Place,
  release: GivenRelease,
  numbers: { id: number; assets: { name: string; id: number }[] },
) => ({
  url: `${home(place)}/releases/${numbers.id}`,
  assets_url: `${home(place)}/releases/${numbers.id}/assets`,
  upload_url: `${home(place)}/releases/${numbers.id}/assets{?name,label}`,
  html_url: `${place.base}/${place.owner}/${place.repo}/releases/tag/${encodeURIComponent(release.tag)}`,
  id: numbers.id,
  node_id: `RE_${numbers.id}`,
  author: user(place.base, place.owner),
  tag_name: release.tag,
  target_commitish: 'main',
  name: release.tag,
  draft: release.draft ?? false,
  prerelease: release.prerelease ?? false,
  created_at: AT,
  published_at: release.draft === true ? null : AT,
  tarball_url: null,
  zipball_url: null,
  body: release.notes ?? '',
  assets: numbers.assets.map(asset => assetOf(place, release, asset)),
})

export type NewDeployment = {
  ref: string
  task?: string
  environment?: string
  description?: string | null
  payload?: object | string
}

export const deploymentOf = (place: Place, id: number, wanted: NewDeployment) => ({
  url: `${home(place)}/deployments/${id}`,
  id,
  node_id: `DE_${id}`,
  sha: createHash('sha1').update(wanted.ref).digest('hex'),
  ref: wanted.ref,
  task: wanted.task ?? 'deploy',
  payload: typeof wanted.payload === 'string' ? wanted.payload : { ...wanted.payload },
  original_environment: wanted.environment ?? 'production',
  environment: wanted.environment ?? 'production',
  description: wanted.description ?? '',
  creator: user(place.base, place.owner),
  created_at: AT,
  updated_at: AT,
  statuses_url: `${home(place)}/deployments/${id}/statuses`,
  repository_url: home(place),
  transient_environment: false,
  production_environment: (wanted.environment ?? 'production') === 'production',
})
export type MadeDeployment = ReturnType<typeof deploymentOf>

export type NewStatus = { state: string; description?: string; log_url?: string; environment?: string }

export const statusOf = (place: Place, deployment: MadeDeployment, made: NewStatus & { id: number }) => ({
  url: `${deployment.url}/statuses/${made.id}`,
  id: made.id,
  node_id: `DES_${made.id}`,
  state: made.state,
  creator: user(place.base, place.owner),
  description: made.description ?? '',
  environment: made.environment ?? deployment.environment,
  target_url: made.log_url ?? `${place.base}/none`,
  log_url: made.log_url ?? `${place.base}/none`,
  created_at: AT,
  updated_at: AT,
  deployment_url: deployment.url,
  repository_url: home(place),
})
export type MadeStatus = ReturnType<typeof statusOf>
