import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { UserError } from '../../src/domain/errors.ts'
import { type ArchiveLimits, escapes, extractBinary } from '../../src/releases/archive.ts'
import { END, header, type Member, pax, summed, tar, tarball } from './tarball.ts'

const root = mkdtempSync(join(tmpdir(), 'archive-'))
afterAll(() => rmSync(root, { recursive: true }))

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(root, 'case-'))
})

const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex')

const extract = (bytes: Buffer, limits?: ArchiveLimits) => {
  writeFileSync(join(dir, 'a.tar.gz'), bytes)
  return extractBinary({
    file: join(dir, 'a.tar.gz'),
    name: 'a.tar.gz',
    binary: 'progressdb',
    to: join(dir, 'out'),
    ...(limits && { limits }),
  })
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`)
  const [problem] = error.problems
  expect(problem?.next).not.toBe('')
  return problem?.code ?? ''
}

const refused = async (bytes: Buffer, code: string, limits?: ArchiveLimits): Promise<void> => {
  expect(await codeOf(extract(bytes, limits))).toBe(code)
  expect(readdirSync(dir)).toEqual(['a.tar.gz'])
}

const program: Member = { path: 'p_1/progressdb', content: 'the program' }

describe('what it takes out', () => {
  test('the program in the folder around everything, executable, with its sha256', async () => {
    const found = await extract(
      tarball([{ path: 'p_1/', type: '5' }, { path: 'p_1/LICENSE', content: 'MIT' }, program]),
    )
    expect(found).toEqual({ sha256: sha256('the program'), bytes: 11 })
    expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('the program')
    expect(statSync(join(dir, 'out')).mode & 0o777).toBe(0o755)
    expect(readdirSync(dir).sort()).toEqual(['a.tar.gz', 'out'])
  })

  test('not a deeper file of the same name, and nothing else', async () => {
    await extract(
      tarball([
        { path: 'p_1/completions/progressdb', content: 'complete' },
        program,
        { path: 'p_1/x', content: 'x' },
      ]),
    )
    expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('the program')
  })

  test('an older program at the same place is replaced', async () => {
    writeFileSync(join(dir, 'out'), 'old')
    await extract(tarball([program]))
    expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('the program')
  })

  test.each(['gnu', 'pax', 'ustar', 'v7', 'oldgnu'])('an archive by tar, format %s', async format => {
    const folder = 'progressdb_0.2.1_linux_amd64'
    const content = Buffer.alloc(70_000, 'abc')
    mkdirSync(join(dir, folder, 'docs'), { recursive: true })
    writeFileSync(join(dir, folder, 'progressdb'), content)
    // Long enough for GNU's and pax's own way of writing names, where the format has one.
    if (format === 'gnu' || format === 'pax') writeFileSync(join(dir, folder, 'docs', 'ü'.repeat(100)), 'doc')
    execFileSync('tar', ['-C', dir, `--format=${format}`, '-czf', join(dir, 'b.tar.gz'), folder])
    const found = await extract(readFileSync(join(dir, 'b.tar.gz')))
    expect(found).toEqual({ sha256: sha256(content), bytes: 70_000 })
  })

  test('a name and a size that only the extended header tells', async () => {
    const extended = { path: 'x', type: 'x', content: pax('path', 'p_1/progressdb') + pax('size', '11') }
    const bytes = Buffer.concat([
      tar([{ path: 'g', type: 'g', content: pax('comment', 'abc') }, extended], Buffer.alloc(0)),
      header({ path: 'other', size: 0 }),
      Buffer.alloc(512, 0),
    ])
    bytes.write('the program', bytes.length - 512)
    expect((await extract(gzipSync(Buffer.concat([bytes, END])))).bytes).toBe(11)
  })
})

describe('what it refuses', () => {
  const escaping = [
    '/etc/progressdb',
    '../progressdb',
    'p/../../progressdb',
    'C:/progressdb',
    'p\\progressdb',
    'a\nb',
  ]
  test.each(escaping)('the path %j', async path => {
    await refused(tarball([program, { path, content: 'x' }]), 'ARCHIVE_PATH')
  })

  test('a path that escapes only in the extended header', async () => {
    await refused(
      tarball([
        program,
        { path: 'x', type: 'x', content: pax('path', '../x') },
        { path: 'fine', content: 'x' },
      ]),
      'ARCHIVE_PATH',
    )
  })

  test('a path that escapes only in GNU’s long name', async () => {
    await refused(
      tarball([program, { path: 'x', type: 'L', content: '/abs\0' }, { path: 'fine', content: 'x' }]),
      'ARCHIVE_PATH',
    )
  })

  test('a path that escapes only with its ustar prefix', async () => {
    await refused(tarball([program, { path: 'x', prefix: '/abs' }]), 'ARCHIVE_PATH')
  })

  test('a name that is not UTF-8', async () => {
    const bad = header({ path: 'abc', content: '' })
    bad[1] = 0xff
    await refused(gzipSync(Buffer.concat([summed(bad), END])), 'ARCHIVE_PATH')
  })

  test.each([
    ['a symbolic link', '2', 'ARCHIVE_LINK'],
    ['a hard link', '1', 'ARCHIVE_LINK'],
    ['a long link', 'K', 'ARCHIVE_LINK'],
    ['a sparse file', 'S', 'ARCHIVE_LINK'],
    ['a character device', '3', 'ARCHIVE_KIND'],
    ['a block device', '4', 'ARCHIVE_KIND'],
    ['a named pipe', '6', 'ARCHIVE_KIND'],
    ['an unknown kind', 'Z', 'ARCHIVE_KIND'],
  ])('%s', async (_, type, code) => {
    await refused(tarball([program, { path: 'p_1/x', type, link: '/etc/passwd' }]), code)
  })

  test('a symbolic link made by tar', async () => {
    mkdirSync(join(dir, 'p'))
    symlinkSync('/etc/passwd', join(dir, 'p', 'progressdb'))
    execFileSync('tar', ['-C', dir, '-czf', join(dir, 'a.tar.gz'), 'p'])
    const bytes = readFileSync(join(dir, 'a.tar.gz'))
    rmSync(join(dir, 'p'), { recursive: true })
    await refused(bytes, 'ARCHIVE_LINK')
  })

  test('sparse files and links in extended headers, and global ones that rename', async () => {
    await refused(
      tarball([{ path: 'x', type: 'x', content: pax('GNU.sparse.major', '1') }, program]),
      'ARCHIVE_LINK',
    )
    await refused(
      tarball([{ path: 'x', type: 'x', content: pax('linkpath', '/x') }, program]),
      'ARCHIVE_LINK',
    )
    await refused(tarball([{ path: 'x', type: 'g', content: pax('path', 'y') }, program]), 'ARCHIVE_KIND')
  })

  test('the program twice', async () => {
    await refused(tarball([program, { path: 'progressdb', content: 'another' }]), 'ARCHIVE_DUPLICATE')
    await refused(tarball([program, program]), 'ARCHIVE_DUPLICATE')
  })

  test('no program, a folder of its name, an empty one', async () => {
    await refused(tarball([{ path: 'p_1/LICENSE', content: 'MIT' }]), 'ARCHIVE_NO_BINARY')
    await refused(tarball([{ path: 'progressdb', type: '5' }]), 'ARCHIVE_NO_BINARY')
    await refused(tarball([{ path: 'progressdb', content: '' }]), 'ARCHIVE_NO_BINARY')
  })

  test('more than the limits allow, whatever the headers claim', async () => {
    await refused(tarball([program, program, program]), 'ARCHIVE_TOO_BIG', { entries: 0, bytes: 10_000 })
    await refused(
      tarball([program, { path: 'zeros', content: Buffer.alloc(5_000_000) }]),
      'ARCHIVE_TOO_BIG',
      { entries: 10, bytes: 1_000_000 },
    )
    await refused(tarball([{ path: 'x', type: 'x', size: 100_000_000 }]), 'ARCHIVE_TOO_BIG')
    await refused(gzipSync(Buffer.concat([tar([program]), Buffer.alloc(3_000_000)])), 'ARCHIVE_TOO_BIG', {
      entries: 10,
      bytes: 1_000_000,
    })
  })

  test('truncated and damaged ones', async () => {
    const whole = tar([program])
    for (const length of [0, 300, 512, 515, 1023, 1024])
      await refused(gzipSync(whole.subarray(0, length)), 'ARCHIVE_TRUNCATED')
    await refused(tarball([program]).subarray(0, 60), 'ARCHIVE_DAMAGED')
    await refused(Buffer.from('PK\x03\x04 this is a zip'), 'ARCHIVE_DAMAGED')
    const flipped = Buffer.from(whole)
    flipped[3] = 0x7a
    await refused(gzipSync(flipped), 'ARCHIVE_DAMAGED')
  })

  test('a second archive behind the end mark', async () => {
    await refused(
      gzipSync(Buffer.concat([tar([program]), tar([{ path: 'progressdb', content: 'other' }])])),
      'ARCHIVE_TRAILING',
    )
  })

  test('a size beyond measure', async () => {
    const huge = header({ path: 'progressdb', content: '' })
    huge.fill(0xff, 124, 136)
    await refused(gzipSync(Buffer.concat([summed(huge), END])), 'ARCHIVE_TOO_BIG')
  })
})

test('bytes at random: a UserError or the true program, and never another file', async () => {
  const whole = tar([
    { path: 'p_1/', type: '5' },
    { path: 'x', type: 'x', content: pax('path', 'p_1/README') },
    { path: 'y', content: 'read me' },
    program,
  ])
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), async (flips, resum) => {
      const bytes = Buffer.from(whole)
      for (const [at, value] of flips) bytes[at] = value
      if (resum)
        for (let at = 0; at + 512 <= bytes.length; at += 512)
          if (bytes.toString('latin1', at + 257, at + 262) === 'ustar') summed(bytes.subarray(at, at + 512))
      rmSync(join(dir, 'out'), { force: true })
      const outcome = await extract(gzipSync(bytes, { level: 1 })).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(UserError)
      else expect(outcome).toMatchObject({ sha256: sha256(readFileSync(join(dir, 'out'))) })
      expect(existsSync(join(dir, 'out'))).toBe(!(outcome instanceof Error))
      expect(readdirSync(dir).filter(name => name !== 'out')).toEqual(['a.tar.gz'])
    }),
    { numRuns: 400 },
  )
})

test('a path that is judged harmless stays inside any folder it is joined to', () => {
  const part = fc.constantFrom('..', '.', '', 'a', 'progressdb', 'C:', '\\', ' ', '..a')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), parts => {
      const path = parts.join('/')
      if (escapes(path) === undefined) expect(join('/base/dir', path)).toMatch(/^\/base\/dir/)
    }),
  )
})
