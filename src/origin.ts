import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Known } from './domain/fleet-file.ts'

const GITHUB =
  /^(?:git\+)?(?:https:\/\/|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?(?:#([0-9a-f]{40}))?$/

/** Where this program was installed from, as a step names it: `owner/name@commit`; `undefined` where npm did not fetch it from GitHub. */
export function ownOrigin(from = dirname(fileURLToPath(import.meta.url))): string | undefined {
  const lock = join(from, '..', '..', '.package-lock.json')
  if (!existsSync(lock)) return undefined
  const found: unknown = JSON.parse(readFileSync(lock, 'utf8'))
  const [, repository, commit] = GITHUB.exec(resolvedIn(found)) ?? []
  return repository && commit ? `${repository}@${commit}` : undefined
}

const resolvedIn = (lock: unknown): string => {
  const of = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).find(([name]) => name === key)?.[1]
      : undefined
  const resolved = of(of(of(lock, 'packages'), 'node_modules/progressdb-rollout'), 'resolved')
  return typeof resolved === 'string' ? resolved : ''
}

const SERVICE = 'progressdb/ProgressDB'

/** Whose releases are rolled out: those of this repository where goreleaser makes some here, else the service's own. */
export function repositoryHere(cwd: string): Known<string> & { builds: boolean } {
  const builds = ['.goreleaser.yaml', '.goreleaser.yml'].find(file => existsSync(join(cwd, file)))
  const config = join(cwd, '.git', 'config')
  const url = existsSync(config)
    ? (/\[remote "origin"\][^[]*?\n\s*url\s*=\s*(\S+)/.exec(readFileSync(config, 'utf8'))?.[1] ?? '')
    : ''
  const own = GITHUB.exec(url)?.[1]
  if (builds !== undefined && own !== undefined)
    return { is: own, from: `whose releases: this repository makes them (${builds})`, builds: true }
  return { is: SERVICE, from: 'whose releases: those of ProgressDB itself', builds: false }
}
