import { gzipSync } from 'node:zlib'

/** One member of an archive made byte by byte, so that it can be as wrong as a test wants. */
export type Member = {
  path: string
  content?: Buffer | string
  type?: string
  size?: number
  mode?: number
  link?: string
  prefix?: string
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`

export const header = (member: Member): Buffer => {
  const block = Buffer.alloc(512)
  const size = member.size ?? Buffer.byteLength(member.content ?? '')
  block.write(member.path, 0, 100, 'utf8')
  block.write(octal(member.mode ?? 0o755, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write(member.type ?? '0', 156)
  block.write(member.link ?? '', 157, 100, 'utf8')
  block.write('ustar\x0000', 257)
  block.write(member.prefix ?? '', 345, 155, 'utf8')
  return summed(block)
}

export const summed = (block: Buffer): Buffer => {
  block.fill(' ', 148, 156)
  block.write(
    octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  )
  return block
}

const padded = (content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

export const END = Buffer.alloc(1024)

export const tar = (members: Member[], end: Buffer = END): Buffer =>
  Buffer.concat([...members.flatMap(member => [header(member), padded(member.content ?? '')]), end])

export const tarball = (members: Member[]): Buffer => gzipSync(tar(members), { level: 1 })

/** A pax record with its own length in front. */
export const pax = (key: string, value: string): string => {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  const length = [1, 2, 3, 4, 5]
    .map(digits => rest + digits)
    .find((total, at) => String(total).length === at + 1)
  return `${length} ${key}=${value}\n`
}

/** An archive as goreleaser writes it, and its name. */
export const releaseArchive = (
  version: string,
  program: Buffer | string,
  arch = 'amd64',
): { name: string; bytes: Buffer } => {
  const folder = `progressdb_${version.replace(/^v/, '')}_linux_${arch}`
  const members = [
    { path: `${folder}/LICENSE`, content: 'MIT' },
    { path: `${folder}/progressdb`, content: program },
  ]
  return { name: `${folder}.tar.gz`, bytes: tarball(members) }
}
