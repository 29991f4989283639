/** Replaces registered secrets, and the encodings of them that the runner knows, by `***`. */
export type Masker = { add: (secret: string) => void; mask: (text: string) => string }

/** As it appears where the value is the end of a longer encoded text, at each of the three alignments. */
const base64Forms = (value: string): string[] =>
  [0, 1, 2].map(skip => Buffer.from(value, 'utf8').subarray(skip).toString('base64'))

const encodings = (value: string): string[] => [
  value,
  ...base64Forms(value),
  encodeURIComponent(value),
  JSON.stringify(value).slice(1, -1),
  value.replaceAll("'", "''"),
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  value.length > 8 ? value.replace(/^"(.*)"$/s, '$1') : value,
]

/** Each line of a multi-line secret is a secret of its own, as on the runner. */
export const masker = (secrets: string[]): Masker => {
  const known = new Set<string>()
  const add = (secret: string): void => {
    const lines = secret.split(/[\r\n]+/).map(line => line.trim())
    for (const part of [secret, ...lines].filter(p => p !== ''))
      for (const form of encodings(part)) if (form !== '') known.add(form)
  }
  for (const secret of secrets) add(secret)
  const mask = (text: string): string =>
    [...known]
      .sort((a, b) => b.length - a.length)
      .reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
  return { add, mask }
}
