import type { ByteReader } from './bytes.ts'

const BLOCK = 512
/** A name longer than any file system takes; a longer extended header is an attack, not a name. */
const HEADER_LIMIT = 64 * 1024

/** What is wrong with an archive; `code` ends up in the `Problem`. */
export class BadArchive extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'BadArchive'
    this.code = code
  }
}

/**
 * One member: a regular file or a folder, nothing else exists in a release; `other` in what is only searched. `path` is as written, not yet judged.
 * `body` is read whole before the next entry is asked for, or not touched at all: then it is skipped.
 */
export type TarEntry = {
  path: string
  kind: 'file' | 'folder' | 'other'
  size: number
  body: AsyncGenerator<Buffer>
}

type Overrides = { path?: string; size?: number }

/**
 * The members of a ustar, pax or GNU archive. Links, devices, sparse files and anything unknown throw `BadArchive`, unless `others` may
 * `pass`, as in a layer of an image, of which nothing is unpacked.
 */
export async function* tarEntries(
  reader: ByteReader,
  others: 'refuse' | 'pass' = 'refuse',
): AsyncGenerator<TarEntry> {
  let overrides: Overrides = {}
  for (;;) {
    const block = await wholeBlock(reader)
    if (isZero(block)) return await nothingBut(reader)
    const header = readHeader(block)
    if ('xgL'.includes(header.type)) {
      const bytes = await extension(reader, header.size)
      overrides = { ...overrides, ...readExtension(header.type, bytes, others) }
      continue
    }
    // the target of a link with a long name
    if (others === 'pass' && header.type === 'K') {
      await extension(reader, header.size)
      continue
    }
    const size = overrides.size ?? header.size
    const path = overrides.path ?? header.path()
    overrides = {}
    const kind = others === 'pass' && !'05'.includes(header.type) ? 'other' : kindOf(header.type, path)
    if (kind === 'folder' && size !== 0)
      throw new BadArchive('ARCHIVE_DAMAGED', 'a folder in it has contents')
    const body = exactly(reader, size)
    yield { path, kind, size, body }
    for await (const portion of body) void portion
    await padding(reader, size)
  }
}

const wholeBlock = async (reader: ByteReader): Promise<Buffer> => {
  const block = await reader.take(BLOCK)
  if (block.length < BLOCK) throw truncated()
  return block
}

const truncated = (): BadArchive => new BadArchive('ARCHIVE_TRUNCATED', 'it ends before its end mark')

const isZero = (bytes: Buffer): boolean => bytes.every(byte => byte === 0)

/** After the end mark only zeros may follow: a second archive behind it is seen by some programs and not by others. */
const nothingBut = async (reader: ByteReader): Promise<void> => {
  for await (const portion of reader.portions(Number.MAX_SAFE_INTEGER)) {
    if (!isZero(portion)) throw new BadArchive('ARCHIVE_TRAILING', 'something follows its end mark')
  }
}

async function* exactly(reader: ByteReader, size: number): AsyncGenerator<Buffer> {
  let seen = 0
  for await (const portion of reader.portions(size)) {
    seen += portion.length
    yield portion
  }
  if (seen < size) throw truncated()
}

const padding = async (reader: ByteReader, size: number): Promise<void> => {
  const wanted = (BLOCK - (size % BLOCK)) % BLOCK
  if ((await reader.take(wanted)).length < wanted) throw truncated()
}

const extension = async (reader: ByteReader, size: number): Promise<Buffer> => {
  if (size > HEADER_LIMIT)
    throw new BadArchive('ARCHIVE_TOO_BIG', `an extended header in it has ${size} bytes`)
  const bytes = await reader.take(size)
  if (bytes.length < size) throw truncated()
  await padding(reader, size)
  return Buffer.from(bytes)
}

/** `path` is read only where no extended header replaces it: then this one is cut, even within a character. */
type Header = { path: () => string; size: number; type: string }

const readHeader = (block: Buffer): Header => {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  if (number(block.subarray(148, 156)) !== sum)
    throw new BadArchive('ARCHIVE_DAMAGED', 'a header in it has a wrong check sum')
  // The block may be reused once the next one is asked for.
  const names = Buffer.from(block)
  return {
    path: () => pathIn(names),
    size: number(block.subarray(124, 136)),
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
  }
}

const pathIn = (block: Buffer): string => {
  const name = text(block.subarray(0, 100))
  // Only POSIX ustar keeps the front of a long name at 345; GNU keeps times there.
  const isUstar = block.subarray(257, 263).equals(Buffer.from('ustar\0'))
  const prefix = isUstar ? text(block.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

const text = (bytes: Buffer): string => {
  const end = bytes.indexOf(0)
  return utf8(end === -1 ? bytes : bytes.subarray(0, end))
}

const utf8 = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new BadArchive('ARCHIVE_PATH', 'a name in it is not UTF-8')
  }
}

/** Octal, or GNU's base 256 for what does not fit. */
const number = (field: Buffer): number => {
  if (((field[0] ?? 0) & 0x80) !== 0) return base256(field)
  const digits = field.toString('latin1').replaceAll('\0', ' ').trim()
  if (!/^[0-7]*$/.test(digits))
    throw new BadArchive('ARCHIVE_DAMAGED', 'a number in a header of it is unreadable')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

const base256 = (field: Buffer): number => {
  const value = [...field].reduce((sum, byte, at) => sum * 256 + (at === 0 ? byte & 0x7f : byte), 0)
  if ((field[0] ?? 0) !== 0x80 || !Number.isSafeInteger(value))
    throw new BadArchive('ARCHIVE_TOO_BIG', 'a size in it is beyond measure')
  return value
}

const readExtension = (type: string, bytes: Buffer, others: 'refuse' | 'pass'): Overrides => {
  if (type === 'L') return { path: text(bytes) }
  const records = paxRecords(bytes)
  const sparse = [...records.keys()].some(key => key.startsWith('GNU.sparse'))
  if (sparse || (others === 'refuse' && records.has('linkpath')))
    throw new BadArchive('ARCHIVE_LINK', 'it holds a sparse file or a link')
  const size = records.get('size')
  const path = records.get('path')
  // A global header may only comment (git archive does): one that renames members is understood differently everywhere.
  if (type === 'g' && (size !== undefined || path !== undefined))
    throw new BadArchive('ARCHIVE_KIND', 'a global header in it renames members')
  if (size !== undefined && !/^\d{1,15}$/.test(size))
    throw new BadArchive('ARCHIVE_DAMAGED', 'a size in an extended header of it is unreadable')
  return { ...(path === undefined ? {} : { path }), ...(size === undefined ? {} : { size: Number(size) }) }
}

/** `<length> <key>=<value>\n`, the length counting itself. */
const paxRecords = (bytes: Buffer): Map<string, string> => {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space === -1 ? '' : bytes.toString('latin1', at, space)
    const end = at + Number(digits)
    const equals = bytes.indexOf(0x3d, space)
    const sound =
      /^\d{1,6}$/.test(digits) &&
      end <= bytes.length &&
      bytes[end - 1] === 0x0a &&
      equals > space &&
      equals < end
    if (!sound) throw new BadArchive('ARCHIVE_DAMAGED', 'an extended header in it is unreadable')
    records.set(utf8(bytes.subarray(space + 1, equals)), utf8(bytes.subarray(equals + 1, end - 1)))
    at = end
  }
  return records
}

const KINDS: Record<string, string> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
  K: 'a link',
  S: 'a sparse file',
}

const kindOf = (type: string, path: string): 'file' | 'folder' => {
  if (type === '5') return 'folder'
  // Before ustar a folder was a file whose name ends with a slash.
  if (type === '0') return path.endsWith('/') ? 'folder' : 'file'
  const isLink = type === '1' || type === '2' || type === 'K' || type === 'S'
  throw new BadArchive(
    isLink ? 'ARCHIVE_LINK' : 'ARCHIVE_KIND',
    `it holds ${KINDS[type] ?? 'a member of an unknown kind'}`,
  )
}
