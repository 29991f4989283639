import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { directoryReleases } from '../../src/releases/directory.ts'

/** The real goreleaser, 2.15: `go install github.com/goreleaser/goreleaser/v2@v2.15.0`, or its path in GORELEASER_BIN. */
const places = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')].map(dir =>
  join(dir, 'goreleaser'),
)
const goreleaser = process.env.GORELEASER_BIN ?? places.find(file => existsSync(file))

const PROGRAM = `package main

import "fmt"

var version = "dev"

func main() { fmt.Println(version) }
`

const CONFIG = `version: 2
project_name: progressdb
builds:
  - env: [CGO_ENABLED=0]
    goos: [linux]
    goarch: [amd64, arm64]
    ldflags: ['-s -w -X main.version=v{{ .Version }}']
archives:
  - formats: [tar.gz]
    wrap_in_directory: true
checksum: { name_template: checksums.txt }
snapshot: { version_template: '{{ .Version }}' }
`

describe.skipIf(goreleaser === undefined)('what the real goreleaser writes', () => {
  const root = mkdtempSync(join(tmpdir(), 'goreleaser-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const dist = join(root, 'dist')
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

  beforeAll(() => {
    writeFileSync(join(root, 'go.mod'), 'module example.test/progressdb\n\ngo 1.24\n')
    writeFileSync(join(root, 'main.go'), PROGRAM)
    writeFileSync(join(root, '.goreleaser.yaml'), CONFIG)
    writeFileSync(join(root, 'LICENSE'), 'MIT\n')
    writeFileSync(join(root, '.gitignore'), 'dist/\n')
    run('git', 'init', '-q', '-b', 'main')
    run('git', 'remote', 'add', 'origin', 'https://example.test/acme/progressdb.git')
    run('git', 'add', '-A')
    run('git', '-c', 'user.name=t', '-c', 'user.email=t@example.test', 'commit', '-qm', 'first')
    run('git', 'tag', 'v0.2.2')
    run(goreleaser ?? '', 'release', '--snapshot', '--clean')
  }, 300_000)

  const outputs = () => ({
    artifacts: readFileSync(join(dist, 'artifacts.json'), 'utf8'),
    metadata: readFileSync(join(dist, 'metadata.json'), 'utf8'),
  })

  test('is a release: found, verified, unpacked, and it runs', async () => {
    const releases = directoryReleases(
      dist,
      { binary: 'progressdb', repository: 'acme/progressdb' },
      { build: { artifacts: '', metadata: '' } },
    )
    const platforms = [
      { os: 'linux', arch: 'amd64' },
      { os: 'linux', arch: 'arm64' },
    ]
    const release = await releases.resolve('v0.2.2', platforms)
    expect(release.archives.map(({ name }) => name)).toEqual([
      'progressdb_0.2.2_linux_amd64.tar.gz',
      'progressdb_0.2.2_linux_arm64.tar.gz',
    ])
    expect(release.archives[0]?.digestSource).toBe('artifacts.json beside the archive and checksums.txt')
    const here = process.arch === 'arm64' ? platforms[1] : platforms[0]
    const binary = await releases.fetchBinary(release, here ?? { os: '', arch: '' }, { dir: root })
    expect(run(binary.file).trim()).toBe('v0.2.2')
  })

  test('its two records, handed over as the action does, vouch for the archives', async () => {
    const releases = directoryReleases(
      dist,
      { binary: 'progressdb', repository: 'acme/progressdb' },
      { build: outputs() },
    )
    const release = await releases.resolve('service-v0.2.2', [{ os: 'linux', arch: 'amd64' }])
    expect(release.archives[0]?.digestSource).toBe('the artifacts output of the build job and checksums.txt')
  })
})
