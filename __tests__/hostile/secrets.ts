import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every way in which a secret may stand somewhere: as it is, in base64 wherever it begins, in a URL, in hex. */
export function formsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret)
  const aligned = [0, 1, 2].map(offset => {
    const text = Buffer.concat([Buffer.alloc(offset, 'x'), bytes]).toString('base64')
    // the first and the last group also hold bits of what stands around it
    return text.slice(offset === 0 ? 0 : 4, text.length - 4)
  })
  const texts = [
    secret,
    ...aligned,
    ...aligned.map(t => t.replaceAll('+', '-').replaceAll('/', '_')),
    encodeURIComponent(secret),
    bytes.toString('hex'),
  ]
  return [...new Set(texts)].map(text => Buffer.from(text))
}

export type Named = { name: string; forms: Buffer[] }

/** A key file is known by each of its lines. */
export const namedSecrets = (secrets: Record<string, string>): Named[] =>
  Object.entries(secrets).map(([name, secret]) => ({
    name,
    forms: secret
      .split('\n')
      .filter(line => line.length > 8 && !line.startsWith('-----'))
      .flatMap(formsOf),
  }))

/** Which of the secrets a text holds, by name. */
export const held = (bytes: Buffer, secrets: Named[]): string[] =>
  secrets.filter(({ forms }) => forms.some(form => bytes.includes(form))).map(({ name }) => name)

/** Programs and their archives are what was built before any secret was made. */
const PROGRAM = 20_000_000

export type Found = { path: string; mode: string; secrets: string[] }

/** Every file below a folder that holds a secret. */
export function filesWith(folder: string, secrets: Named[]): Found[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.flatMap((path): Found[] => {
    const found = lstatSync(join(folder, path))
    if (!found.isFile() || found.size > PROGRAM) return []
    const which = held(readFileSync(join(folder, path)), secrets)
    return which.length === 0 ? [] : [{ path, mode: (found.mode & 0o777).toString(8), secrets: which }]
  })
}
