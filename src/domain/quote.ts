import { Bug } from './errors.ts'

/** One word of sh that stands for exactly this text. The only quoting there is. */
export const quote = (text: string): string => {
  if (text.includes('\0')) throw new Bug('a NUL byte cannot be passed to a program')
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
