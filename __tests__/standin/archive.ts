import { createReadStream, existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { placed } from './executable.ts'

const LICENSE = 'The stand-in is part of progressdb-rollout and has its licence.\n'
const GZIP = { level: 1 } as const

/** One entry of a tar file. `kind` is the ustar type flag: 0 a file, 5 a folder, 1 a hard link, 2 a symbolic link. */
export type TarEntry = {
  name: string
  mode?: number
  kind?: '0' | '1' | '2' | '5'
  size?: number
  link?: string
}

/** A ustar header block. */
export function tarHeader({ name, mode = 0o644, kind = '0', size = 0, link = '' }: TarEntry): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at)
  block.write(name, 0, 100)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(1_763_683_200, 136, 12)
  block.write('        ', 148)
  block.write(kind, 156)
  block.write(link, 157, 100)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** File content filled up to whole blocks. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((512 - (size % 512)) % 512)

/**
 * Writes the archive of one release: a folder with the program and a licence, as goreleaser lays it out. The program is
 * `base` followed by `end`. The base is compressed once and shared: a gzip file may have several members.
 */
export async function writeArchive(
  file: string,
  folder: string,
  program: { base: string; end: Buffer },
): Promise<void> {
  const packed = `${program.base}.gz`
  if (!existsSync(packed)) await placed(packed, scratch => pack(program.base, join(scratch, 'gz')))
  const size = (await stat(program.base)).size + program.end.length
  const head = Buffer.concat([
    tarHeader({ name: `${folder}/`, mode: 0o755, kind: '5' }),
    tarHeader({ name: `${folder}/LICENSE`, size: LICENSE.length }),
    Buffer.from(LICENSE),
    tarPadding(LICENSE.length),
    tarHeader({ name: `${folder}/progressdb`, mode: 0o755, size }),
  ])
  const rest = Buffer.concat([program.end, tarPadding(size), Buffer.alloc(1024)])
  await writeFile(file, [gzipSync(head, GZIP), await readFile(packed), gzipSync(rest, GZIP)])
}

async function pack(base: string, out: string): Promise<string> {
  await writeFile(out, gzipSync(await readFile(base), GZIP))
  return out
}

/** Lower-case hex sha256 of a file. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return hash.digest('hex')
}

export const archiveName = (version: string): string =>
  `progressdb_${version}_linux_${process.arch === 'x64' ? 'amd64' : process.arch}`
