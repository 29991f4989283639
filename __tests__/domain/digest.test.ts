import { expect, test } from 'vitest'
import { askedWait, backoff } from '../../src/domain/backoff.ts'
import { expectedDigest, parseChecksums, sha256Of } from '../../src/domain/digest.ts'
import { parseTag, spellings } from '../../src/domain/tag.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

test('sources agree, or the difference is shown with all of them', () => {
  expect(expectedDigest({})).toEqual({ is: 'none' })
  expect(expectedDigest({ checksums: A, build: A })).toEqual({
    is: 'agreed',
    sha256: A,
    source: 'the artifacts output of the build job and checksums.txt',
  })
  const conflict = expectedDigest({ build: A, api: B, checksums: B })
  expect(conflict.is).toBe('conflict')
  if (conflict.is === 'conflict') expect(conflict.text).toMatch(new RegExp(`${A}.*${B}.*${B}`))
})

test('checksums as sha256sum and goreleaser write them', () => {
  const read = parseChecksums(`${A}  one.tar.gz\r\n${B.toUpperCase()} *two.tar.gz\n\n`)
  expect(read.is === 'read' && [...read.of]).toEqual([
    ['one.tar.gz', A],
    ['two.tar.gz', B],
  ])
  expect(parseChecksums(`${A}  x\nnonsense`)).toMatchObject({ is: 'unreadable', line: 2 })
  expect(parseChecksums(`${A}  x\n${B}  x`)).toMatchObject({ is: 'unreadable', line: 2 })
  expect(parseChecksums(`${A}  x\n${A}  x`).is).toBe('read')
})

test('digests of the API', () => {
  expect(sha256Of(`sha256:${A.toUpperCase()}`)).toBe(A)
  for (const none of [null, undefined, '', A, `sha512:${A}`, `sha256:${A}0`])
    expect(sha256Of(none)).toBeUndefined()
})

test('tags', () => {
  expect(parseTag('service-v0.2.1')).toEqual({ version: 'v0.2.1', prerelease: false })
  expect(parseTag('1.0.0-rc.1+linux.2')).toEqual({ version: 'v1.0.0-rc.1+linux.2', prerelease: true })
  for (const none of [
    '',
    'v',
    'vv1.0.0',
    '1.0',
    'v01.0.0',
    'sdk-js-v1.0.0',
    'service-service-v1.0.0',
    '1.0.0/..',
    ' 1.0.0',
  ])
    expect(parseTag(none)).toBeUndefined()
  expect(spellings('0.2.1', 'v0.2.1')).toEqual(['0.2.1', 'v0.2.1', 'service-v0.2.1'])
})

test('waits grow, stay bounded, obey the server, and end', () => {
  const patience = { attempts: 4, first: 100, longest: 1_000 }
  expect([1, 2, 3].map(failed => backoff(failed, 0, { patience }))).toEqual([50, 100, 200])
  expect([1, 2, 3].map(failed => backoff(failed, 1, { patience }))).toEqual([100, 200, 400])
  expect(backoff(4, 0, { patience })).toBe('give-up')
  expect(backoff(1, 0.5, { asked: 900, patience })).toBe(900)
  expect(backoff(1, 0.5, { asked: 1_001, patience })).toBe('give-up')
  const headers = (given: Record<string, string>) => askedWait(name => given[name], 1_000_000)
  expect(headers({})).toBeUndefined()
  expect(headers({ 'retry-after': '2' })).toBe(2_000)
  expect(headers({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1005' })).toBe(5_000)
  expect(headers({ 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '1005' })).toBeUndefined()
})
