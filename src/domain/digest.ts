/** Who says which sha256 an archive should have, strongest first. */
export const DIGEST_SOURCES = ['build', 'dist', 'api', 'checksums'] as const
export type DigestSource = (typeof DIGEST_SOURCES)[number]
export type Digests = Partial<Record<DigestSource, string>>

const WORDS: Record<DigestSource, string> = {
  build: 'the artifacts output of the build job',
  dist: 'artifacts.json beside the archive',
  api: "GitHub's asset digest",
  checksums: 'checksums.txt',
}

const inWords = (sources: DigestSource[]): string => sources.map(source => WORDS[source]).join(' and ')

export type Expected =
  | { is: 'agreed'; sha256: string; source: string }
  | { is: 'conflict'; text: string }
  | { is: 'none' }

/** The expected digest and, in words, everyone who vouches for it. Sources that disagree are never outvoted. */
export const expectedDigest = (digests: Digests): Expected => {
  const given = DIGEST_SOURCES.filter(source => digests[source] !== undefined)
  const [first] = given
  if (first === undefined) return { is: 'none' }
  const sha256 = digests[first] ?? ''
  if (given.every(source => digests[source] === sha256))
    return { is: 'agreed', sha256, source: inWords(given) }
  return { is: 'conflict', text: given.map(source => `${WORDS[source]}: ${digests[source]}`).join(', ') }
}

/** `sha256:<hex>` as GitHub and goreleaser write it, as lower-case hex; `undefined` for anything else. */
export const sha256Of = (text: string | null | undefined): string | undefined =>
  /^sha256:([0-9a-f]{64})$/i.exec(text ?? '')?.[1]?.toLowerCase()

export type Checksums =
  | { is: 'read'; of: Map<string, string> }
  | { is: 'unreadable'; line: number; why: string }

/** Reads goreleaser's `checksums.txt`, in the format of sha256sum. One line it cannot read makes all of it unreadable. */
export const parseChecksums = (text: string): Checksums => {
  const of = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [, hex, name] = /^([0-9a-fA-F]{64}) [ *](\S.*)$/.exec(line) ?? []
    if (hex === undefined || name === undefined)
      return { is: 'unreadable', line: index + 1, why: 'it is not "<sha256>  <file name>"' }
    const known = of.get(name)
    if (known !== undefined && known !== hex.toLowerCase())
      return {
        is: 'unreadable',
        line: index + 1,
        why: 'the same file stands there twice with different digests',
      }
    of.set(name, hex.toLowerCase())
  }
  return { is: 'read', of }
}
