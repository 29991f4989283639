import { markdown, printable, Untrusted } from '../domain/text.ts'

/** Shorter values would blank ordinary words; inputs refuse them as secrets. */
const shortest = 4

/** base64 of a value that stands anywhere in a longer text: for each of the three alignments, the characters it alone decides. */
const base64Cores = (secret: string): string[] =>
  [0, 1, 2].map(offset => {
    const padded = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
    const whole = Math.floor((padded.length * 8) / 6)
    return padded.toString('base64').slice(Math.ceil((offset * 8) / 6), whole)
  })

const urlForms = (secret: string): string[] => {
  const escaped = encodeURIComponent(secret.toWellFormed())
  const lower = escaped.replace(/%[0-9A-F]{2}/g, hex => hex.toLowerCase())
  return [escaped, lower, escaped.replaceAll('%20', '+')]
}

const formsOf = (secret: string): string[] => {
  const base64 = base64Cores(secret)
  return [
    secret,
    printable(secret, secret.length * 2),
    markdown(secret, secret.length * 9),
    markdown(new Untrusted(secret), secret.length * 9),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("'", "'\\''"),
    ...urlForms(secret),
    ...base64,
    ...base64.map(core => core.replaceAll('+', '-').replaceAll('/', '_')),
    ...base64.flatMap(core => urlForms(core)),
    Buffer.from(secret).toString('hex'),
  ]
}

/** A key file is recognised by any of its lines, too; its BEGIN and END lines are no secret. */
const partsOf = (secret: string): string[] => [
  secret,
  secret.trim(),
  ...secret.split(/\r?\n/).filter(line => line.length >= 8 && !line.startsWith('-----')),
]

/** Every form in which the secrets are hidden, longest first; also what the runner is told to mask. */
export const secretForms = (secrets: string[]): string[] => {
  const parts = secrets.flatMap(partsOf).filter(part => part.length >= shortest)
  const forms = new Set(parts.flatMap(formsOf).filter(form => form.length >= shortest))
  return [...forms].sort((a, b) => b.length - a.length)
}

/**
 * A function that replaces the secrets by `***` in whatever is about to be written: as they are, escaped for JSON, Markdown,
 * a URL or a shell, and in base64 and hex. Values under four characters are not looked for.
 */
export const redactor = (secrets: string[]): ((text: string) => string) => {
  const forms = secretForms(secrets)
  if (forms.length === 0) return text => text
  const any = new RegExp(forms.map(form => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
  return text => text.replace(any, '***')
}
