import { StringDecoder } from 'node:string_decoder'

/** More output than this is dropped, and with it the line that says how the program ended. */
export const BOUND = 16 * 1024 * 1024

export type Collector = { add: (chunk: Buffer) => void; text: () => string }

/** Joins chunks (a character may be cut in two) and hands out whole lines. */
export function collector(line?: (line: string) => void): Collector {
  const decoder = new StringDecoder('utf8')
  let text = ''
  let told = 0
  const add = (chunk: Buffer): void => {
    if (text.length < BOUND) text += decoder.write(chunk)
    if (line === undefined) return
    for (let end = text.indexOf('\n', told); end !== -1; end = text.indexOf('\n', told)) {
      line(text.slice(told, end))
      told = end + 1
    }
  }
  return { add, text: () => text }
}
