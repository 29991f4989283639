/** Reads a stream in exact portions. A chunk that was handed out may be reused by nobody else. */
export type ByteReader = {
  /** Exactly `length` bytes, or fewer when the stream ended first. */
  take(length: number): Promise<Buffer>
  /** `length` bytes in the portions they arrive in; ends early when the stream does. */
  portions(length: number): AsyncGenerator<Buffer>
}

export const byteReader = (source: AsyncIterable<Uint8Array>): ByteReader => {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  const some = async (most: number): Promise<Buffer | undefined> => {
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done === true) return undefined
      rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    }
    const portion = rest.subarray(0, most)
    rest = rest.subarray(portion.length)
    return portion
  }

  async function* portions(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const portion = await some(left)
      if (portion === undefined) return
      left -= portion.length
      yield portion
    }
  }

  const take = async (length: number): Promise<Buffer> => {
    const parts: Buffer[] = []
    for await (const portion of portions(length)) parts.push(portion)
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  return { take, portions }
}
