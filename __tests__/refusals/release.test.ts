import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type GitHubDouble, type GivenRelease, startGitHubDouble } from '../github/double.ts'
import type { Tree } from '../local-fleet/rollout-yaml.ts'
import { refused } from './expect.ts'
import { type Tiny, tiny, tinyDist, tinyWith } from './releases.ts'
import { openRig, type Rig, type Use } from './rig.ts'

// A busy machine takes ten times as long as an idle one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** What can be wrong with the release that was asked for, through the program itself. */

let rig: Rig
const doubles: GitHubDouble[] = []

beforeAll(async () => void (rig = await openRig({ nodes: 1 })))
afterAll(async () => {
  await rig.close()
  for (const double of doubles) await double.close()
})

const given = (
  tag: string,
  { name, bytes, checksums }: Tiny,
  more: Partial<GivenRelease> = {},
): GivenRelease => ({
  tag,
  files: { [name]: bytes, 'checksums.txt': checksums },
  ...more,
})

/** Releases on GitHub instead of in a folder. */
async function onGitHub(
  releases: GivenRelease[],
  token?: string,
): Promise<{ use: Use; double: GitHubDouble }> {
  const double = await startGitHubDouble({
    owner: 'progressdb',
    repo: 'ProgressDB',
    releases,
    ...(token === undefined ? {} : { token }),
  })
  doubles.push(double)
  return { double, use: { fleet: { releases: null }, env: { GITHUB_API_URL: double.url } } }
}

const inFolder = async (tag: string, release: Tiny): Promise<Use> => {
  const folder = mkdtempSync(join(rig.dir, 'dist-'))
  const fleet: Tree = { releases: { directory: await tinyDist(folder, tag, release) } }
  return { tag, fleet }
}

describe('on GitHub', () => {
  test('an unknown tag names the newest there are', async () => {
    const { use, double } = await onGitHub([given('v0.2.2', tiny('v0.2.2'))])
    const [told] = await refused(rig, () => rig.release({ ...use, tag: 'v9.9.9' }), ['RELEASE_NOT_FOUND'])
    expect(told?.because).toContain('v0.2.2')
    expect(double.violations).toEqual([])
  })
  test('no asset for this platform', async () => {
    const other = { ...tiny('v0.2.2'), name: 'progressdb_0.2.2_darwin_arm64.tar.gz' }
    const { use } = await onGitHub([
      given('v0.2.2', { ...other, checksums: `${'0'.repeat(64)}  ${other.name}\n` }),
    ])
    const [told] = await refused(rig, () => rig.release(use), ['ASSET_MISSING'])
    expect(`${told?.what} ${told?.because}`).toContain('linux')
  })
  test('checksums.txt disagrees with the bytes', async () => {
    const release = tiny('v0.2.2')
    const { use } = await onGitHub([
      given('v0.2.2', { ...release, checksums: `${'a'.repeat(64)}  ${release.name}\n` }),
    ])
    await refused(rig, () => rig.release(use), ['DIGEST_CONFLICT'])
  })
  test("the API's digest disagrees with the bytes", async () => {
    const release = tiny('v0.2.2')
    const digests = { [release.name]: `sha256:${'b'.repeat(64)}` }
    const { use } = await onGitHub([given('v0.2.2', release, { digests })])
    await refused(rig, () => rig.release(use), ['DIGEST_CONFLICT'])
  })
  test('both agree with each other, and neither with the bytes', async () => {
    const release = tiny('v0.2.2')
    const wrong = 'c'.repeat(64)
    const { use } = await onGitHub([
      given(
        'v0.2.2',
        { ...release, checksums: `${wrong}  ${release.name}\n` },
        { digests: { [release.name]: `sha256:${wrong}` } },
      ),
    ])
    await refused(rig, () => rig.release(use), ['CHECKSUM_WRONG'])
  })
  test('a private repository without a token, and with a wrong one', async () => {
    const { use } = await onGitHub([given('v0.2.2', tiny('v0.2.2'))], 'ghs_right-token')
    await refused(rig, () => rig.release(use), ['REPOSITORY_HIDDEN'])
    const [told] = await refused(rig, () => rig.release({ ...use, token: 'ghs_wrong-token' }), [
      'GITHUB_TOKEN_INVALID',
    ])
    expect(JSON.stringify(told)).not.toContain('ghs_wrong-token')
  })
  test('the tag was moved: the running version, in other bytes', async () => {
    const { use } = await onGitHub([given('v0.2.1', tiny('v0.2.1'))])
    await refused(rig, () => rig.release({ ...use, tag: 'v0.2.1' }), ['SAME_VERSION_OTHER_BYTES'])
  })
  test('a lower version is told how to go back', async () => {
    const { use } = await onGitHub([given('v0.2.0', tiny('v0.2.0'))])
    const [told] = await refused(rig, () => rig.release({ ...use, tag: 'v0.2.0' }), ['LOWER_VERSION'])
    expect(told?.next).toContain('progressdb-rollout rollback --tag v0.2.0')
  })
})

describe('in a folder', () => {
  test('an unknown tag', async () => {
    await refused(rig, () => rig.release({ tag: 'v9.9.9' }), ['RELEASE_NOT_FOUND'])
  })
  test('a wrong checksum', async () => {
    const release = tiny('v0.2.2')
    const use = await inFolder('v0.2.2', { ...release, checksums: `${'d'.repeat(64)}  ${release.name}\n` })
    await refused(rig, () => rig.release(use), ['DIGEST_CONFLICT'])
  })
  test.each([
    ['leaves its folder', '../../etc/cron.d/progressdb', '0'],
    ['is absolute', '/usr/local/bin/progressdb', '0'],
    ['hides behind a folder', 'progressdb/../../progressdb', '0'],
  ])('an archive with a name that %s', async (_, path, type) => {
    const members = [
      { path: 'a/progressdb', content: 'program' },
      { path, type, content: 'evil' },
    ]
    const use = await inFolder('v0.2.2', tinyWith('v0.2.2', members))
    await refused(rig, () => rig.release(use), ['ARCHIVE_PATH'])
  })
  test.each([
    ['a symbolic link', '2', 'ARCHIVE_LINK'],
    ['a hard link', '1', 'ARCHIVE_LINK'],
    ['a device', '3', 'ARCHIVE_KIND'],
  ])('an archive with %s', async (_, type, code) => {
    const members = [
      { path: 'a/progressdb', content: 'program' },
      { path: 'a/evil', type, link: '/etc/passwd' },
    ]
    const use = await inFolder('v0.2.2', tinyWith('v0.2.2', members))
    const [told] = await refused(rig, () => rig.release(use), [code])
    expect(told?.what).toContain(tiny('v0.2.2').name)
  })
})

test('through action.yml: red, one annotation of ours, and outputs that say that nothing was changed', async () => {
  const job = await rig.job({ tag: 'v9.9.9' })
  expect(job.conclusion).toBe('failure')
  expect(job.outputs).toMatchObject({
    outcome: 'unchanged',
    'reason-code': 'plan-refused',
    data: 'untouched',
  })
  const own = job.annotations.filter(a => !a.message.startsWith('Process completed with exit code'))
  expect(own.map(a => a.level)).toEqual(['error'])
  expect(job.annotations).toContainEqual(
    expect.objectContaining({ message: 'Process completed with exit code 3.', step: 'report' }),
  )
  expect(job.steps.filter(s => s.outcome === 'success').map(s => s.id)).toEqual(
    expect.arrayContaining(['plan', 'settle']),
  )
  expect(job.summary).toContain('v9.9.9')
})
