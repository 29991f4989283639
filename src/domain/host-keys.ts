import { createHash } from 'node:crypto'

/** One host key, as a line of known_hosts names it. */
export type HostKey = { host: string; port: number; type: string; key: string }

const LINE = /^(?!#)(\S+) (ssh-ed25519|ecdsa-sha2-nistp\d{3}|ssh-rsa) ([A-Za-z0-9+/]{40,3000}={0,2})(?: .*)?$/

/**
 * Keys in the output of ssh-keyscan or ssh-keygen -F for one machine; every other line is left out, and so is a key that a line
 * revokes. The newest kind first.
 */
export const hostKeysIn = (text: string, at: { host: string; port: number }): HostKey[] =>
  linesOf(text)
    .flatMap(line => {
      const [, , type, key] = LINE.exec(line) ?? []
      return type && key && !revokedIn(text).includes(key) ? [{ ...at, type, key }] : []
    })
    .toSorted((a, b) => KINDS.indexOf(kind(a)) - KINDS.indexOf(kind(b)))

const linesOf = (text: string): string[] => text.split('\n').map(line => line.trim())
const revokedIn = (text: string): string[] =>
  linesOf(text).flatMap(line => /^@revoked +\S+ +\S+ +(\S+)/.exec(line)?.[1] ?? [])

const KINDS = ['ed25519', 'ecdsa', 'rsa']
const kind = ({ type }: HostKey): string => KINDS.find(name => type.includes(name)) ?? ''

/** `SHA256:…`, as ssh-keygen -l shows it. */
export const fingerprint = ({ key }: HostKey): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replaceAll('=', '')}`

/** The line that trusts it. */
export const knownHostsLine = ({ host, port, type, key }: HostKey): string =>
  `${port === 22 ? host : `[${host}]:${port}`} ${type} ${key}`

/** How the first line of a file begins that `init` wrote. */
export const WRITTEN = '# Written by progressdb-rollout init'

/** Everything of known_hosts, each key with its fingerprint above it. `trusted`: where the keys are known from. */
export const knownHostsFile = (keys: HostKey[], trusted: string): string =>
  [
    `${WRITTEN}: ${trusted}`,
    '# Compare each fingerprint on the own console of the server:  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    '# Then pass this file as the input ssh-known-hosts:  gh variable set ROLLOUT_KNOWN_HOSTS <this file',
    ...keys.flatMap(key => [`# ${key.host} ${key.type} ${fingerprint(key)}`, knownHostsLine(key)]),
    '',
  ].join('\n')
