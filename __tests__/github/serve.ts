/**
 * The double as a program of its own, for a demo: `node __tests__/github/serve.ts <owner/repo> <folder>`, where each subfolder
 * is a release, called like its tag, with the files it has (`NOTES.md` becomes its notes). Prints one line of JSON with the address
 * and serves until standard input ends.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GivenRelease, startGitHubDouble } from './double.ts'

const NOTES = 'NOTES.md'

/** The releases that lie in a folder, oldest tag first by name. */
export const releasesIn = (folder: string): GivenRelease[] =>
  readdirSync(folder)
    .sort()
    .map(tag => {
      const names = readdirSync(join(folder, tag))
      const files = names
        .filter(name => name !== NOTES)
        .map(name => [name, readFileSync(join(folder, tag, name))] as const)
      const notes = names.includes(NOTES) ? readFileSync(join(folder, tag, NOTES), 'utf8') : ''
      return { tag, files: Object.fromEntries(files), notes }
    })

if (import.meta.main) {
  const [repository = '', folder = ''] = process.argv.slice(2)
  const [owner = '', repo = ''] = repository.split('/')
  const double = await startGitHubDouble({ owner, repo, releases: releasesIn(folder) })
  process.stdout.write(`${JSON.stringify({ url: double.url })}\n`)
  process.stdin.resume().on('end', () => void double.close())
}
