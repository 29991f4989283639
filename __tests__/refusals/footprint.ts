import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Fleet } from '../local-fleet/fleet.ts'
import { processesUnder } from '../local-fleet/server-process.ts'

/** What a running server writes by itself, and a cache of digests that looking fills. */
const OWN =
  /(?:^|\/)(?:data\/(?:store|index|wal|state)(?:\/.*)?|server\.log|scratch\/.*|\.data-notes\/digests)$/

/** One line for every folder, link and file of ours on a fleet's nodes, with its mode and content, and one for every process. */
export function footprint(fleet: Fleet): string[] {
  const names = readdirSync(fleet.dir, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter(name => !OWN.test(name)).map(name => lineOf(fleet.dir, name))
  const pids = processesUnder(fleet.dir).sort((a, b) => a - b)
  return [...files, ...pids.map(pid => `process ${pid}`)]
}

/** Of a program the size and the time of its last change stand for its bytes. */
const BIG = 4_000_000

function lineOf(dir: string, name: string): string {
  const path = join(dir, name)
  const found = lstatSync(path)
  const head = `${relative(dir, path)} ${(found.mode & 0o7777).toString(8)}`
  if (found.isSymbolicLink()) return `${head} -> ${readlinkSync(path)}`
  if (!found.isFile()) return `${head} folder`
  if (found.size > BIG) return `${head} ${found.size} ${found.mtimeMs} ${found.ino}`
  return `${head} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`
}
