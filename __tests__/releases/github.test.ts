import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Problem, UserError } from '../../src/domain/errors.ts'
import { Untrusted } from '../../src/domain/text.ts'
import { type GitHubClient, githubClient } from '../../src/github/client.ts'
import { githubReleases } from '../../src/releases/github.ts'
import type { BuildOutputs, Releases } from '../../src/releases/port.ts'
import { type Given, type GitHubDouble, type GivenRelease, startGitHubDouble } from '../github/double.ts'
import { releaseArchive, tarball } from './tarball.ts'

const root = mkdtempSync(join(tmpdir(), 'releases-'))
afterAll(() => rmSync(root, { recursive: true }))

let double: GitHubDouble
let client: GitHubClient
afterEach(async () => {
  await client.close()
  await double.close()
  expect(double.violations).toEqual([])
})

const patience = { attempts: 3, first: 1, longest: 5_000 }
const NO_BUILD = { artifacts: '', metadata: '' }
const AMD64 = { os: 'linux', arch: 'amd64' }
const ARM64 = { os: 'linux', arch: 'arm64' }
const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex')

const published = (tag: string, changed: Partial<GivenRelease> = {}): GivenRelease => {
  const version = tag.replace(/^service-/, '')
  const archives = [
    releaseArchive(version, `program ${version} amd64`),
    releaseArchive(version, `program ${version} arm64`, 'arm64'),
  ]
  const files = Object.fromEntries(archives.map(({ name, bytes }) => [name, bytes]))
  const sums = archives.map(({ name, bytes }) => `${sha256(bytes)}  ${name}\n`).join('')
  return { tag, files: { ...files, 'checksums.txt': sums }, notes: '', ...changed }
}

const given = async (
  releases: GivenRelease[],
  more: Partial<Given> & { ask?: string; build?: BuildOutputs; unpacked?: number; bytes?: number } = {},
): Promise<Releases> => {
  double = await startGitHubDouble({ owner: 'acme', repo: 'progressdb', releases, ...more })
  client = githubClient({
    apiUrl: double.url,
    token: more.ask ?? '',
    proxy: { https: '', except: '' },
    patience,
  })
  const limits = {
    bytes: more.bytes ?? 10_000_000,
    patience,
    ...(more.unpacked === undefined ? {} : { unpacked: { entries: 100, bytes: more.unpacked } }),
  }
  return githubReleases(
    client,
    { binary: 'progressdb', repository: 'acme/progressdb' },
    { build: more.build ?? NO_BUILD, limits },
  )
}

const problemsOf = async (promise: Promise<unknown>): Promise<Problem[]> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`)
  for (const problem of error.problems) expect(problem.next).not.toBe('')
  return error.problems
}
const codesOf = async (promise: Promise<unknown>): Promise<string[]> =>
  (await problemsOf(promise)).map(({ code }) => code)

describe('which release a tag names', () => {
  const spelt = ['v0.2.1', '0.2.1', 'service-v0.2.1'].flatMap(asked =>
    ['v0.2.1', 'service-v0.2.1'].map((tag): [string, string] => [asked, tag]),
  )
  test.each(spelt)('%s finds %s', async (asked, tag) => {
    const releases = await given([published('sdk-js-v0.2.1'), published(tag), published('v0.2.0')])
    expect(await releases.resolve(asked, [AMD64])).toMatchObject({
      tag,
      version: 'v0.2.1',
      prerelease: false,
    })
  })

  test('the spelling that was asked for wins; a choice between others is refused', async () => {
    const releases = await given([published('v0.2.1'), published('service-v0.2.1')])
    expect((await releases.resolve('service-v0.2.1', [])).tag).toBe('service-v0.2.1')
    expect((await releases.resolve('v0.2.1', [])).tag).toBe('v0.2.1')
    expect(await codesOf(releases.resolve('0.2.1', []))).toEqual(['RELEASE_AMBIGUOUS'])
  })

  test.each(['', 'latest', 'sdk-js-v0.2.1', 'v0.2', '../../etc', 'v0.2.1/../x', '::error::x\nv0.2.1'])(
    '%j is no tag of a release',
    async asked => {
      const releases = await given([published('v0.2.1')])
      const [problem] = await problemsOf(releases.resolve(asked, [AMD64]))
      expect(problem).toMatchObject({ code: 'TAG_INVALID', where: 'tag' })
      expect(JSON.stringify(problem)).not.toMatch(/::error|\\n/)
      expect(double.requests).toEqual([])
    },
  )

  test('one that is not there: which are', async () => {
    const releases = await given([published('v0.2.0'), published('v0.10.0'), published('sdk-js-v9.0.0')])
    const [problem] = await problemsOf(releases.resolve('v0.3.0', [AMD64]))
    expect(problem?.code).toBe('RELEASE_NOT_FOUND')
    expect(problem?.because).toContain('v0.10.0, v0.2.0')
    expect(problem?.because).not.toContain('9.0.0')
  })

  test('a draft and a pre-release are refused in words', async () => {
    const releases = await given(
      [
        published('v0.3.0', { draft: true }),
        published('v0.4.0', { prerelease: true }),
        published('v0.5.0-rc.1', { prerelease: true }),
      ],
      { token: 't0k3n', ask: 't0k3n' },
    )
    expect(await codesOf(releases.resolve('v0.3.0', [AMD64]))).toEqual(['RELEASE_DRAFT'])
    expect(await codesOf(releases.resolve('v0.4.0', [AMD64]))).toEqual(['RELEASE_PRERELEASE'])
    expect(await releases.resolve('v0.5.0-rc.1', [AMD64])).toMatchObject({
      version: 'v0.5.0-rc.1',
      prerelease: true,
    })
  })

  test('a private repository without a token, and with a wrong one', async () => {
    const without = await given([published('v0.2.1')], { token: 't0k3n' })
    const [problem] = await problemsOf(without.resolve('v0.2.1', [AMD64]))
    expect(problem?.code).toBe('REPOSITORY_HIDDEN')
    expect(problem?.next).toContain('token')
    const wrong = githubClient({
      apiUrl: double.url,
      token: 'wrong-secret',
      proxy: { https: '', except: '' },
      patience,
    })
    const releases = githubReleases(
      wrong,
      { binary: 'progressdb', repository: 'acme/progressdb' },
      { build: NO_BUILD },
    )
    const [invalid] = await problemsOf(releases.resolve('v0.2.1', [AMD64]))
    expect(invalid?.code).toBe('GITHUB_TOKEN_INVALID')
    expect(JSON.stringify(invalid)).not.toContain('wrong-secret')
    await wrong.close()
  })
})

describe('which archive a node gets', () => {
  test('the digests and who vouches for them', async () => {
    const release = published('v0.2.1')
    const releases = await given([release])
    const { archives, notes } = await releases.resolve('v0.2.1', [AMD64, ARM64, AMD64])
    const name = 'progressdb_0.2.1_linux_amd64.tar.gz'
    expect(archives).toHaveLength(2)
    expect(archives[0]).toMatchObject({
      ...AMD64,
      name,
      sha256: sha256(release.files[name] ?? ''),
      digestSource: "GitHub's asset digest and checksums.txt",
    })
    expect(Untrusted.raw(notes)).toBe('')
  })

  test('every problem at once', async () => {
    const release = published('v0.2.1', { prerelease: true })
    delete release.files['progressdb_0.2.1_linux_arm64.tar.gz']
    release.digests = { 'progressdb_0.2.1_linux_amd64.tar.gz': `sha256:${'a'.repeat(64)}` }
    const releases = await given([release], {
      build: {
        artifacts: '{',
        metadata: JSON.stringify({ project_name: 'p', tag: 'v0.2.0', version: '0.2.0' }),
      },
    })
    const codes = await codesOf(releases.resolve('v0.2.1', [AMD64, ARM64]))
    expect(codes.sort()).toEqual([
      'ASSET_MISSING',
      'BUILD_OTHER_RELEASE',
      'BUILD_OUTPUT_UNREADABLE',
      'DIGEST_CONFLICT',
      'RELEASE_PRERELEASE',
    ])
  })

  test('what is wrong with the inputs is said together with a missing release', async () => {
    const releases = await given([], { build: { artifacts: 'x', metadata: '' } })
    expect(await codesOf(releases.resolve('v0.2.1', [AMD64]))).toEqual([
      'BUILD_OUTPUT_UNREADABLE',
      'RELEASE_NOT_FOUND',
    ])
  })

  test('an asset still being uploaded is not there', async () => {
    const name = 'progressdb_0.2.1_linux_amd64.tar.gz'
    const releases = await given([published('v0.2.1', { unfinished: [name] })])
    expect(await codesOf(releases.resolve('v0.2.1', [AMD64]))).toEqual(['ASSET_MISSING'])
  })

  test('checksums: wrong, unreadable, without the line, absent', async () => {
    const other = published('v0.2.5')
    delete other.files['checksums.txt']
    const none = { ...published('v0.2.6'), digests: { 'progressdb_0.2.6_linux_amd64.tar.gz': null } }
    delete none.files['checksums.txt']
    const lines = (tag: string, text: string): GivenRelease => {
      const release = published(tag)
      release.files['checksums.txt'] = text
      return release
    }
    const releases = await given([
      lines('v0.2.1', `${'0'.repeat(64)}  progressdb_0.2.1_linux_amd64.tar.gz\n`),
      lines('v0.2.2', '<html>not found</html>'),
      lines('v0.2.3', `${'0'.repeat(64)}  another.tar.gz\n`),
      published('v0.2.4', { digests: { 'checksums.txt': `sha256:${'0'.repeat(64)}` } }),
      other,
      none,
    ])
    expect(await codesOf(releases.resolve('v0.2.1', [AMD64]))).toEqual(['DIGEST_CONFLICT'])
    expect(await codesOf(releases.resolve('v0.2.2', [AMD64]))).toEqual(['CHECKSUMS_UNREADABLE'])
    expect(await codesOf(releases.resolve('v0.2.3', [AMD64]))).toEqual(['CHECKSUM_MISSING'])
    expect(await codesOf(releases.resolve('v0.2.4', [AMD64]))).toEqual(['CHECKSUM_WRONG'])
    expect((await releases.resolve('v0.2.5', [AMD64])).archives[0]?.digestSource).toBe(
      "GitHub's asset digest",
    )
    expect(await codesOf(releases.resolve('v0.2.6', [AMD64]))).toEqual(['DIGEST_MISSING'])
  })

  test('the build’s own record beats names, and must agree', async () => {
    const release = published('v0.2.1')
    const name = 'progressdb_0.2.1_linux_amd64.tar.gz'
    const built = (sum: string): BuildOutputs => ({
      artifacts: JSON.stringify([
        {
          name,
          type: 'Archive',
          goos: 'linux',
          goarch: 'amd64',
          goamd64: 'v1',
          extra: { Checksum: `sha256:${sum}`, Binaries: ['progressdb'], Format: 'tar.gz' },
        },
      ]),
      metadata: JSON.stringify({ project_name: 'progressdb', tag: 'v0.2.1', version: '0.2.1' }),
    })
    const good = await given([release], { build: built(sha256(release.files[name] ?? '')) })
    expect((await good.resolve('v0.2.1', [AMD64])).archives[0]?.digestSource).toBe(
      "the artifacts output of the build job and GitHub's asset digest and checksums.txt",
    )
    const bad = githubReleases(
      client,
      { binary: 'progressdb', repository: 'acme/progressdb' },
      { build: built('b'.repeat(64)) },
    )
    expect(await codesOf(bad.resolve('v0.2.1', [AMD64, ARM64]))).toEqual(['DIGEST_CONFLICT', 'ASSET_MISSING'])
  })

  test('hostile asset names are not there, and speak no command in errors', async () => {
    const files = {
      '::error::progressdb_0.2.1_linux_amd64.tar.gz': 'x',
      '../progressdb_0.2.1_linux_amd64.tar.gz': 'x',
      '</details>|`': 'x',
    }
    const releases = await given([{ tag: 'v0.2.1', files }])
    const [problem] = await problemsOf(releases.resolve('v0.2.1', [AMD64]))
    expect(problem?.code).toBe('ASSET_MISSING')
    expect(JSON.stringify(problem)).not.toMatch(/::error|<\/details>/)
  })
})

describe('fetching', () => {
  const fetched = async (releases: Releases, dir: string, progress?: (done: number, of: number) => void) => {
    const release = await releases.resolve('v0.2.1', [AMD64])
    return releases.fetchBinary(release, AMD64, { dir, ...(progress && { progress }) })
  }
  const fresh = (): string => mkdtempSync(join(root, 'into-'))

  test('the program, its digests, with progress; the token stays with the API', async () => {
    const release = published('service-v0.2.1')
    const releases = await given([release], { token: 't0k3n', ask: 't0k3n' })
    const dir = fresh()
    const seen: number[] = []
    const name = 'progressdb_0.2.1_linux_amd64.tar.gz'
    const binary = await fetched(releases, dir, (done, of) => seen.push(done / of))
    expect(binary).toMatchObject({
      sha256: sha256('program v0.2.1 amd64'),
      archive: { name, sha256: sha256(release.files[name] ?? '') },
    })
    expect(readFileSync(binary.file, 'utf8')).toBe('program v0.2.1 amd64')
    expect(readdirSync(dir).sort()).toEqual(['v0.2.1-linux-amd64', 'v0.2.1-linux-amd64.tar.gz'])
    expect(seen.at(-1)).toBe(1)
    expect(double.downloaded.length).toBeGreaterThan(0)
    for (const { headers } of double.downloaded) expect(headers).not.toHaveProperty('authorization')
    for (const { headers } of double.requests) expect(headers.authorization).toMatch(/t0k3n$/)
  })

  test('a second time does not download, unless the file was touched', async () => {
    const releases = await given([published('v0.2.1')])
    const dir = fresh()
    const first = await fetched(releases, dir)
    const asked = double.downloaded.length
    expect(await fetched(releases, dir)).toEqual(first)
    expect(double.downloaded.filter(({ path }) => path.includes('.tar.gz'))).toHaveLength(1)
    writeFileSync(join(dir, 'v0.2.1-linux-amd64.tar.gz'), 'touched')
    expect(await fetched(releases, dir)).toEqual(first)
    expect(double.downloaded.length).toBeGreaterThan(asked)
  })

  test('bytes that are not the published ones', async () => {
    const release = published('v0.2.1')
    const releases = await given([release])
    const resolved = await releases.resolve('v0.2.1', [AMD64])
    release.files['progressdb_0.2.1_linux_amd64.tar.gz'] = releaseArchive('v0.2.1', 'something else').bytes
    const dir = fresh()
    const [problem] = await problemsOf(releases.fetchBinary(resolved, AMD64, { dir }))
    expect(problem?.code).toBe('CHECKSUM_WRONG')
    expect(problem?.because).toContain(resolved.archives[0]?.sha256)
    expect(readdirSync(dir)).toEqual([])
  })

  test('an archive that escapes, one that is too big, one that unpacks too big', async () => {
    const name = 'progressdb_0.2.1_linux_amd64.tar.gz'
    const evil = { tag: 'v0.2.1', files: { [name]: tarball([{ path: '../progressdb', content: 'x' }]) } }
    const dir = fresh()
    expect(await codesOf(fetched(await given([evil]), dir))).toEqual(['ARCHIVE_PATH'])
    await double.close()
    expect(await codesOf(fetched(await given([published('v0.2.1')], { bytes: 100 }), dir))).toEqual([
      'DOWNLOAD_TOO_BIG',
    ])
    await double.close()
    expect(await codesOf(fetched(await given([published('v0.2.1')], { unpacked: 1_000 }), dir))).toEqual([
      'ARCHIVE_TOO_BIG',
    ])
    expect(readdirSync(dir).filter(file => !file.endsWith('.tar.gz'))).toEqual([])
  })
})

describe('when GitHub has a bad day', () => {
  const hostile = '::error::gone\u001b[2J</details>'

  test('5xx, resets, half answers and rate limits pass', async () => {
    const releases = await given([published('v0.2.1')])
    double.faults.push(
      { on: '/releases/tags/', times: 1, answer: { status: 502, body: hostile } },
      { on: '/releases/tags/', times: 1, answer: 'reset' },
      {
        on: 'GET /repos/acme/progressdb/releases/assets/',
        times: 1,
        answer: { status: 429, headers: { 'retry-after': '1' } },
      },
      { on: 'checksums.txt', times: 1, answer: 'half' },
      { on: '_amd64.tar.gz', times: 1, answer: 'half' },
      { on: '_amd64.tar.gz', times: 1, answer: { status: 503 } },
    )
    const dir = mkdtempSync(join(root, 'bad-'))
    const release = await releases.resolve('v0.2.1', [AMD64])
    const binary = await releases.fetchBinary(release, AMD64, { dir })
    expect(binary.sha256).toBe(sha256('program v0.2.1 amd64'))
    expect(double.faults.every(({ times }) => times === 0)).toBe(true)
  })

  test.each([
    ['GITHUB_UNREACHABLE', { status: 500, body: hostile }],
    [
      'GITHUB_FORBIDDEN',
      {
        status: 403,
        body: JSON.stringify({ message: hostile }),
        headers: { 'content-type': 'application/json' },
      },
    ],
    [
      'GITHUB_RATE_LIMIT',
      {
        status: 403,
        body: '{"message":"API rate limit exceeded"}',
        headers: {
          'content-type': 'application/json',
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': '99999999999',
        },
      },
    ],
  ])('%s', async (code, answer) => {
    const releases = await given([published('v0.2.1')])
    double.faults.push({ on: '/releases/tags/', times: 99, answer })
    const [problem] = await problemsOf(releases.resolve('v0.2.1', [AMD64]))
    expect(problem?.code).toBe(code)
    // oxlint-disable-next-line eslint/no-control-regex -- it is what must not be there
    expect(`${problem?.what}${problem?.because}`).not.toMatch(/::error|\u001b/)
    expect(double.requests.length).toBeLessThanOrEqual(3)
  })

  test('a download that never succeeds, a redirect without end, one that is refused', async () => {
    const releases = await given([published('v0.2.1')])
    const release = await releases.resolve('v0.2.1', [AMD64])
    const dir = mkdtempSync(join(root, 'never-'))
    const fetching = () => codesOf(releases.fetchBinary(release, AMD64, { dir }))
    double.faults.push({ on: '_amd64.tar.gz', times: 3, answer: 'half' })
    expect(await fetching()).toEqual(['DOWNLOAD_FAILED'])
    double.faults.push({
      on: '/assets/',
      times: 4,
      answer: { status: 302, headers: { location: `${double.url}/repos/acme/progressdb/releases/assets/1` } },
    })
    expect(await fetching()).toEqual(['DOWNLOAD_REDIRECT'])
    double.faults.push({
      on: '/assets/',
      times: 1,
      answer: { status: 302, headers: { location: 'file:///etc/passwd' } },
    })
    expect(await fetching()).toEqual(['DOWNLOAD_REDIRECT'])
    double.faults.push({ on: '/assets/', times: 1, answer: { status: 404 } })
    expect(await fetching()).toEqual(['DOWNLOAD_REFUSED'])
    expect(readdirSync(dir)).toEqual([])
  })

  test('a stop ends it at once', async () => {
    const releases = await given([published('v0.2.1')])
    const release = await releases.resolve('v0.2.1', [AMD64])
    const stop = AbortSignal.abort(new Error('stopped'))
    await expect(
      releases.fetchBinary(release, AMD64, { dir: mkdtempSync(join(root, 'stop-')), stop }),
    ).rejects.toThrow('stopped')
  })
})
