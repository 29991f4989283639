import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ownOrigin, repositoryHere } from '../src/origin.ts'
import { workflowsOf } from '../src/workflows.ts'

let dir = ''
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'origin-'))))
afterEach(() => rmSync(dir, { recursive: true }))

const USES = `ana/progressdb-rollout@${'a'.repeat(40)}`

test.each([
  [{ builds: true, hasRelease: false }, '.github/workflows/release.yml'],
  [{ builds: true, hasRelease: true }, '.github/rollout-jobs.yml'],
  [{ builds: false, hasRelease: true }, '.github/workflows/rollout.yml'],
])('%j: the release in %s; each use has the key, known hosts and the commit', (here, path) => {
  const files = workflowsOf(USES, here)
  expect(files.map(file => file.path)).toEqual([
    path,
    '.github/workflows/rollback.yml',
    '.github/workflows/recover.yml',
    '.github/workflows/rollout-status.yml',
  ])
  for (const { text } of files) {
    const { jobs }: { jobs: Record<string, { steps: { uses: string; with: object }[] }> } = parse(text)
    const uses = Object.values(jobs).flatMap(job => job.steps.filter(({ uses: of }) => of.includes(USES)))
    expect(uses.length).toBeGreaterThan(0)
    for (const use of uses)
      expect(use.with).toMatchObject({
        'ssh-key': '${{ secrets.ROLLOUT_SSH_KEY }}',
        'ssh-known-hosts': '${{ vars.ROLLOUT_KNOWN_HOSTS }}',
        keys: expect.stringContaining('backend=${{'),
      })
    expect(text).not.toMatch(/OWNER|self-hosted, progressdb\]/)
  }
})

test('npm says which commit of which repository it fetched; from anywhere else nothing is said', () => {
  const lock = (resolved: string): string => {
    const root = join(dir, 'node_modules', 'progressdb-rollout', 'dist')
    mkdirSync(root, { recursive: true })
    const packages = { 'node_modules/progressdb-rollout': { resolved } }
    writeFileSync(join(dir, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }))
    return root
  }
  const commit = 'b'.repeat(40)
  expect(ownOrigin(lock(`git+ssh://git@github.com/ana/progressdb-rollout.git#${commit}`))).toBe(
    `ana/progressdb-rollout@${commit}`,
  )
  expect(ownOrigin(lock(`git+file:///tmp/clone#${commit}`))).toBeUndefined()
  expect(ownOrigin(dir)).toBeUndefined()
})

test('a repository that builds releases rolls out its own; any other those of the service', () => {
  expect(repositoryHere(dir)).toMatchObject({ is: 'progressdb/ProgressDB', builds: false })
  mkdirSync(join(dir, '.git'))
  writeFileSync(
    join(dir, '.git', 'config'),
    '[remote "origin"]\n\turl = git@github.com:ana/db.git\n\tfetch = x\n',
  )
  expect(repositoryHere(dir)).toMatchObject({ is: 'progressdb/ProgressDB', builds: false })
  writeFileSync(join(dir, '.goreleaser.yaml'), '')
  expect(repositoryHere(dir)).toMatchObject({ is: 'ana/db', builds: true })
})
