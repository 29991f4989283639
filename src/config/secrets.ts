import { INPUTS, inputVariable } from './input-table.ts'

/** Values by the name of the variable that held them. */
export type Secrets = Readonly<Record<string, string>>

/** Beside our own inputs, what a runner may have left in the environment. */
const PLATFORM = ['GITHUB_TOKEN', 'GH_TOKEN', 'ACTIONS_RUNTIME_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN']
const VARIABLES = [
  ...INPUTS.filter(input => input.secret).map(input => inputVariable(input.name)),
  ...PLATFORM,
]

/** Takes every secret out of the environment, so that no child can inherit one. Call it first, with `process.env`. */
export const takeSecrets = (env: Record<string, string | undefined>): Secrets => {
  const taken: Record<string, string> = {}
  for (const variable of VARIABLES) {
    const value = env[variable]
    delete env[variable]
    if (value !== undefined && value !== '') taken[variable] = value
  }
  return taken
}

/** Everything that must never be seen of what was taken, before anything has been parsed: each value, and of `keys` each line's. */
export const redactable = (taken: Secrets): string[] => {
  const values = Object.entries(taken).flatMap(([variable, value]) =>
    variable === inputVariable('keys') ? keyValues(value) : [value],
  )
  return [...new Set(values.flatMap(maskable))]
}

const keyValues = (lines: string): string[] =>
  lines.split(/\r\n|[\r\n]/).map(line => line.slice(line.indexOf('=') + 1).trim())

const SHORTEST_LINE = 4

/** The spellings in which a secret can turn up: itself, its lines, base64 on its own or inside longer text, URL-encoded, JSON. Longest first. */
export const maskable = (secret: string): string[] => {
  const whole = secret.trim()
  if (whole === '') return []
  const lines = secret.split(/\r\n|[\r\n]/).map(line => line.trim())
  const all = [
    secret,
    whole,
    ...lines.filter(line => line.length >= SHORTEST_LINE),
    ...[secret, whole].flatMap(base64),
    ...urlEncoded(whole),
    JSON.stringify(whole).slice(1, -1),
  ]
  return [...new Set(all)].filter(text => text.trim() !== '').sort((a, b) => b.length - a.length)
}

const base64 = (secret: string): string[] => {
  const bytes = Buffer.from(secret)
  const plain = bytes.toString('base64')
  return [
    plain,
    plain.replace(/=+$/, ''),
    bytes.toString('base64url'),
    ...(bytes.length < 8 ? [] : base64Within(bytes)),
  ]
}

/** The part of base64 that does not depend on what stands before or after, for each of the three alignments. */
const base64Within = (bytes: Buffer): string[] =>
  [0, 1, 2].map(offset => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const wholeEnd = Math.floor(((offset + bytes.length) * 8) / 6)
    return encoded.slice(Math.ceil((offset * 8) / 6), wholeEnd)
  })

const urlEncoded = (secret: string): string[] => {
  const component = encodeURIComponent(secret.toWellFormed())
  return [
    component,
    component.replaceAll('%20', '+'),
    component.toLowerCase(),
    encodeURI(secret.toWellFormed()),
  ]
}
