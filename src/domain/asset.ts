/** Operating system and processor in Go's words, e.g. `{ os: 'linux', arch: 'amd64' }`. */
export type Platform = { os: string; arch: string }

/**
 * A release archive as far as it is known: from what the build recorded, else from its file name.
 * `binaries` names the programs inside where the build recorded them.
 */
export type Archive = Platform & { name: string; project: string; binaries?: string[] }

const SYSTEMS = ['linux', 'darwin', 'freebsd', 'windows']
/** goreleaser's spellings, those of its much-copied sample configuration, and what `uname -m` says. */
const SPELLINGS: Record<string, string[]> = {
  amd64: ['amd64', 'amd64_v1', 'amd64v1', 'x86_64', 'x64'],
  arm64: ['arm64', 'aarch64', 'arm64_v8.0', 'arm64v8.0', 'arm64v8', 'armv8l'],
  '386': ['386', 'i386', 'i486', 'i586', 'i686', 'x86', '386_sse2'],
  armv7: ['armv7', 'armv7l', 'arm_7'],
  armv6: ['armv6', 'armv6l', 'arm_6'],
  riscv64: ['riscv64', 'riscv64_rva20u64'],
  ppc64le: ['ppc64le', 'ppc64le_power8'],
  s390x: ['s390x'],
}

const architecture = (text: string): string | undefined => {
  const wanted = text.toLowerCase()
  return Object.keys(SPELLINGS).find(arch => SPELLINGS[arch]?.includes(wanted))
}

/** What a machine says of itself (`uname -s`, `uname -m`, or Go's words) in Go's words; `undefined` when we do not know it. */
export const platform = (os: string, arch: string): Platform | undefined => {
  const system = SYSTEMS.find(name => name === os.toLowerCase())
  const processor = architecture(arch)
  return system === undefined || processor === undefined ? undefined : { os: system, arch: processor }
}

/** The names that may be printed and compared as they are: a closed alphabet, one path component. */
export const isPlainName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,199}$/.test(name)

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** Reads goreleaser's `<project>_<version>_<os>_<arch>.tar.gz`; the version may be missing or have a v, but not be another one. */
export const archiveFromName = (name: string, version: string): Archive | undefined => {
  if (!isPlainName(name)) return undefined
  const spelt = Object.values(SPELLINGS)
    .flat()
    .sort((a, b) => b.length - a.length)
  const pattern = new RegExp(
    `^(.+?)[_-](?:v?${literal(version.replace(/^v/, ''))}[_-])?(${SYSTEMS.join('|')})[_-](${spelt.map(literal).join('|')})\\.(?:tar\\.gz|tgz)$`,
    'i',
  )
  const [, project, os = '', arch = ''] = pattern.exec(name) ?? []
  const found = platform(os, arch)
  const isOther = /[_-]v?\d+\.\d+\.\d+/.test(project ?? '')
  return project === undefined || found === undefined || isOther ? undefined : { name, project, ...found }
}

/** Who may be meant by the archive's name: the program itself, else the repository. */
export type Wanted = { platform: Platform; binary: string; repository: string }
export type Choice = { is: 'one'; archive: Archive } | { is: 'none' } | { is: 'several'; names: string[] }

/** The one archive for a platform. Several that fit equally well are never chosen between. */
export const chooseArchive = (archives: Archive[], wanted: Wanted): Choice => {
  const fitting = archives.filter(a => a.os === wanted.platform.os && a.arch === wanted.platform.arch)
  const holding = fitting.filter(a => a.binaries?.includes(wanted.binary))
  const pool = holding.length > 0 ? holding : fitting.filter(a => a.binaries === undefined)
  const named = (name: string): Archive[] => pool.filter(a => a.project.toLowerCase() === name.toLowerCase())
  const best =
    [named(wanted.binary), named(wanted.repository.split('/').at(-1) ?? ''), pool].find(
      set => set.length > 0,
    ) ?? []
  const [archive] = best
  if (archive === undefined) return { is: 'none' }
  return best.length === 1 ? { is: 'one', archive } : { is: 'several', names: best.map(a => a.name).sort() }
}
