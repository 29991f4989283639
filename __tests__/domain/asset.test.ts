import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { archiveFromName, chooseArchive, platform } from '../../src/domain/asset.ts'

const ARM64 = { os: 'linux', arch: 'arm64' }
const AMD64 = { os: 'linux', arch: 'amd64' }
const chosen = (names: string[], wanted = AMD64, binary = 'progressdb') =>
  chooseArchive(
    names.flatMap(name => archiveFromName(name, 'v0.2.1') ?? []),
    { platform: wanted, binary, repository: 'Acme/ProgressDB' },
  )

describe('names of archives', () => {
  test.each([
    ['progressdb_0.2.1_linux_amd64.tar.gz', AMD64],
    ['progressdb_v0.2.1_linux_amd64_v1.tar.gz', AMD64],
    ['progressdb_Linux_x86_64.tar.gz', AMD64],
    ['progressdb-0.2.1-linux-aarch64.tgz', ARM64],
    ['progressdb_0.2.1_linux_arm64_v8.0.tar.gz', ARM64],
    ['progressdb_0.2.1_linux_armv7.tar.gz', { os: 'linux', arch: 'armv7' }],
    ['progressdb_0.2.1_darwin_arm64.tar.gz', { os: 'darwin', arch: 'arm64' }],
  ])('%s', (name, wanted) =>
    expect(archiveFromName(name, 'v0.2.1')).toMatchObject({ name, project: 'progressdb', ...wanted }),
  )

  test.each([
    'progressdb_0.2.0_linux_amd64.tar.gz',
    'progressdb_0.2.1_linux_amd64.zip',
    'progressdb_0.2.1_linux_amd64.tar.gz.sig',
    'progressdb_0.2.1_linux_amd64v3.tar.gz',
    'progressdb_0.2.1_plan9_amd64.tar.gz',
    '../progressdb_0.2.1_linux_amd64.tar.gz',
    'a b_0.2.1_linux_amd64.tar.gz',
  ])('%s is not taken for one of this version', name => {
    const found = archiveFromName(name, 'v0.2.1')
    // Another version in the name ends up in the project's name, which then is not ours.
    expect(found?.project ?? 'other').not.toBe('progressdb')
  })

  test('what a machine calls itself', () => {
    expect(platform('Linux', 'x86_64')).toEqual(AMD64)
    expect(platform('linux', 'aarch64')).toEqual(ARM64)
    expect(platform('Linux', 'amd64')).toEqual(AMD64)
    expect(platform('Linux', 'mips')).toBeUndefined()
    expect(platform('SunOS', 'x86_64')).toBeUndefined()
  })
})

describe('the one for a node', () => {
  const all = [
    'prgcli_0.2.1_linux_amd64.tar.gz',
    'prgkms_0.2.1_linux_amd64.tar.gz',
    'progressdb_0.2.1_linux_amd64.tar.gz',
    'progressdb_0.2.1_linux_arm64.tar.gz',
  ]

  test('is named like the program, else like the repository, else the only one', () => {
    expect(chosen(all)).toMatchObject({ is: 'one', archive: { name: all[2] } })
    expect(chosen(all, ARM64)).toMatchObject({ is: 'one', archive: { name: all[3] } })
    expect(chosen(all, AMD64, 'pdb')).toMatchObject({ is: 'one', archive: { name: all[2] } })
    expect(chosen(['server_0.2.1_linux_amd64.tar.gz'], AMD64, 'pdb')).toMatchObject({ is: 'one' })
  })

  test('is never guessed', () => {
    expect(chosen(all, AMD64, 'other').is).toBe('one')
    expect(chosen(['a_0.2.1_linux_amd64.tar.gz', 'b_0.2.1_linux_amd64.tar.gz'])).toMatchObject({
      is: 'several',
    })
    expect(
      chosen(['progressdb_0.2.1_linux_amd64.tar.gz', 'progressdb_0.2.1_linux_x86_64.tar.gz']),
    ).toMatchObject({ is: 'several' })
    expect(chosen(all, { os: 'linux', arch: 's390x' })).toEqual({ is: 'none' })
    expect(chosen(['progressdb_0.2.0_linux_amd64.tar.gz', 'x_0.2.1_linux_amd64.tar.gz'])).toMatchObject({
      is: 'one',
    })
  })

  test('is the one that the build says holds the program', () => {
    const archive = (project: string, binaries: string[]) => ({
      ...AMD64,
      name: `${project}.tar.gz`,
      project,
      binaries,
    })
    const wanted = { platform: AMD64, binary: 'progressdb', repository: 'a/b' }
    expect(
      chooseArchive([archive('progressdb', ['prgcli']), archive('bundle', ['progressdb', 'prgcli'])], wanted),
    ).toMatchObject({ archive: { project: 'bundle' } })
    expect(chooseArchive([archive('progressdb', ['prgcli'])], wanted)).toEqual({ is: 'none' })
  })

  test('does not depend on the order of the files', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 1 }), names => {
        expect(chosen(names)).toEqual(chosen([...names].sort()))
      }),
    )
  })
})
