// Says in one line what this machine lacks for the tests and the demo. Plain JavaScript: it must run where nothing else does.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Beside sh: coreutils, util-linux, and what every Debian and Ubuntu has. */
const PROGRAMS = ['sh', 'flock', 'setsid', 'timeout', 'stat', 'sha256sum', 'awk', 'find', 'cmp']

/** @param {string} program */
const found = program =>
  (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const lacking = () => {
  if (process.platform !== 'linux') return `Linux (this is ${process.platform})`
  if (!['x64', 'arm64'].includes(process.arch)) return `an x64 or arm64 machine (this is ${process.arch})`
  if (!existsSync('/proc/self/exe')) return '/proc, which is not mounted'
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 19))
    return `Node.js 24, which \`npm ci\` brings along as an optional dependency (this is ${process.versions.node})`
  const missing = PROGRAMS.filter(program => !found(program))
  return missing.length > 0 ? `these programs: ${missing.join(', ')}` : ''
}

const lack = lacking()
if (lack !== '') {
  console.error(`The tests and the demo start real server processes: they need ${lack}.`)
  process.exit(1)
}
