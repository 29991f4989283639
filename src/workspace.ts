import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The commit that is checked out in a folder, read from git's own files (nothing of the workspace is run); `none` without one. */
export function workspaceHead(folder: string): string {
  const git = join(folder, '.git')
  const head = read(join(git, 'HEAD')).trim()
  const ref = /^ref: (\S+)$/.exec(head)?.[1]
  if (ref === undefined) return /^[0-9a-f]{40,64}$/.test(head) ? head : 'none'
  const loose = read(join(git, ref)).trim()
  if (loose !== '') return loose
  const packed = read(join(git, 'packed-refs'))
    .split('\n')
    .find(line => line.endsWith(` ${ref}`))
  return packed?.split(' ')[0] ?? 'none'
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
