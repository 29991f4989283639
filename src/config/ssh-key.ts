import type { Problem } from '../domain/errors.ts'
import type { Read } from './keys.ts'

const ARMOUR =
  /^-----BEGIN (?<kind>[A-Z0-9 ]*)PRIVATE KEY-----\n(?<body>[\s\S]+?)\n-----END \k<kind>PRIVATE KEY-----\n$/

/** A private key in PEM or OpenSSH form. Mends CRLF and a missing final newline; refuses one with a passphrase. '' where none was given. */
export const readSshKey = (text: string): Read<string> => {
  if (text.trim() === '') return { value: '' }
  const key = `${text.replaceAll(/\r\n?/g, '\n').trim()}\n`
  const armour = ARMOUR.exec(key)?.groups
  if (armour === undefined)
    return { problems: [/^(?:ssh|ecdsa|sk)-\S+ AAAA/.test(key) ? publicKey : notAKey] }
  const { kind = '', body = '' } = armour
  return isEncrypted(kind, body) ? { problems: [encrypted] } : { value: key }
}

const isEncrypted = (kind: string, body: string): boolean =>
  kind.startsWith('ENCRYPTED') ||
  /^Proc-Type:.*ENCRYPTED/m.test(body) ||
  (kind.startsWith('OPENSSH') && cipherOf(body) !== 'none')

/** The name of the cipher follows the magic as a string with a length of four bytes. */
const cipherOf = (body: string): string => {
  const bytes = Buffer.from(body.replaceAll('\n', ''), 'base64')
  const start = 'openssh-key-v1\0'.length
  if (bytes.length < start + 4) return 'unreadable'
  const length = bytes.readUInt32BE(start)
  return bytes.subarray(start + 4, start + 4 + length).toString('latin1')
}

const where = 'ssh-key'

const encrypted: Problem = {
  code: 'SSH_KEY_ENCRYPTED',
  what: 'the key is protected by a passphrase, or cut short',
  because: 'nobody is there to type it',
  next: 'make a key of its own for the rollout: ssh-keygen -t ed25519 -N "" -C rollout -f rollout_key, and store rollout_key whole as the secret',
  where,
}

const publicKey: Problem = {
  code: 'SSH_KEY_PUBLIC',
  what: 'this is the public half of a key',
  next: 'store the private half, the file without .pub, as the secret',
  where,
}

const notAKey: Problem = {
  code: 'SSH_KEY_INVALID',
  what: 'this is not a private key in PEM or OpenSSH form',
  because:
    'it must reach from -----BEGIN … PRIVATE KEY----- to -----END … PRIVATE KEY-----, with its line breaks',
  next: 'store the file whole: gh secret set ROLLOUT_SSH_KEY < rollout_key',
  where,
}
