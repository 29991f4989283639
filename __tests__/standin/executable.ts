import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const HERE = import.meta.dirname
const ROOT = join(HERE, '..', '..')
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/**
 * The server as one executable file without a version, built once for these sources. Returns its path, inside a folder
 * that holds everything made from it. Safe to call from several processes at once.
 */
export async function baseExecutable(): Promise<string> {
  const cache = join(ROOT, 'node_modules', '.cache', 'standin')
  const folder = join(cache, await sourcesHash())
  const base = join(folder, 'base')
  if (existsSync(base)) return base
  await placed(base, makeExecutable)
  await forgetOld(cache)
  return base
}

/** Makes a file beside `target` and links it there whole. Of several at once the first wins, and stays. */
export async function placed(target: string, make: (scratch: string) => Promise<string>): Promise<void> {
  const scratch = `${target}.${randomUUID()}`
  await mkdir(scratch, { recursive: true })
  try {
    await link(await make(scratch), target)
  } catch (error) {
    if (!existsSync(target)) throw error
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const DAY = 86_400_000

/** Every change of the server's sources leaves hundreds of megabytes behind. */
async function forgetOld(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name)
    if (Date.now() - (await stat(folder)).mtimeMs > DAY) await rm(folder, { recursive: true, force: true })
  }
}

async function makeExecutable(scratch: string): Promise<string> {
  const out = join(scratch, 'progressdb')
  const blob = await makeBlob(scratch)
  await writeFile(out, withoutSymbols(await readFile(node())), { mode: 0o755 })
  const postject = join(dirname(require.resolve('postject/package.json')), 'dist', 'cli.js')
  await run(node(), [postject, out, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE], { env: {} })
  return out
}

/** What Node.js runs instead of a script: the bundled server and the LevelDB binding. */
async function makeBlob(scratch: string): Promise<string> {
  const main = join(scratch, 'server.cjs')
  const output = join(scratch, 'sea.blob')
  const config = join(scratch, 'sea.json')
  await bundleServer(main)
  const sea = {
    main,
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgvExtension: 'none',
    assets: { 'leveldb.node': binding() },
  }
  await writeFile(config, JSON.stringify(sea))
  await run(node(), ['--experimental-sea-config', config], { env: {} })
  return output
}

async function bundleServer(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(HERE, 'server', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    alias: { 'node-gyp-build': join(HERE, 'server', 'native.cjs') },
    logLevel: 'error',
  })
}

/** Node.js 24 of this project, whatever runs the tests. */
const node = (): string => require.resolve(`node-linux-${process.arch}/bin/node`)

/** LevelDB as compiled for this machine's C library. */
function binding(): string {
  const folder = join(
    dirname(require.resolve('classic-level/package.json')),
    'prebuilds',
    `linux-${process.arch}`,
  )
  const found = readdirSync(folder).find(name => name.endsWith('.node') && !name.includes('musl'))
  if (found === undefined)
    throw new Error(`classic-level has no binary for linux-${process.arch} in ${folder}`)
  return join(folder, found)
}

/**
 * A 64-bit ELF file cut after its last loaded byte: debug information, symbols and the section table, which only
 * debuggers read, are an eighth of the file that every release of the stand-in copies and hashes.
 */
function withoutSymbols(elf: Buffer): Buffer {
  const headers = Number(elf.readBigUInt64LE(0x20))
  const [size, count] = [elf.readUInt16LE(0x36), elf.readUInt16LE(0x38)]
  const ends = Array.from({ length: count }, (_, i) => {
    const at = headers + i * size
    return Number(elf.readBigUInt64LE(at + 0x08) + elf.readBigUInt64LE(at + 0x20))
  })
  const cut = Buffer.from(elf.subarray(0, Math.max(...ends)))
  cut.writeBigUInt64LE(0n, 0x28)
  cut.writeUInt32LE(0, 0x3c)
  return cut
}

async function sourcesHash(): Promise<string> {
  const files = [
    ...readdirSync(join(HERE, 'server'))
      .sort()
      .map(name => join('server', name)),
    'version.ts',
    'executable.ts',
  ]
  const hash = createHash('sha256').update(process.arch)
  for (const file of files) hash.update(`\0${file}\0`).update(await readFile(join(HERE, file)))
  for (const name of [`node-linux-${process.arch}`, 'classic-level', 'yaml', 'esbuild', 'postject']) {
    hash.update(await readFile(join(ROOT, 'node_modules', name, 'package.json')))
  }
  return hash.digest('hex').slice(0, 16)
}
