import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/file.ts'
import { EXAMPLE_FLEET } from '../../src/config/help.ts'
import { keyNames, missingKeys, readKeys } from '../../src/config/keys.ts'
import { readSshKey } from '../../src/config/ssh-key.ts'

const codes = (read: ReturnType<typeof readKeys> | ReturnType<typeof readSshKey>) =>
  'problems' in read ? read.problems.map(problem => `${problem.code} ${problem.where}`) : []

describe('keys', () => {
  test.each<[text: string, expected: Record<string, string>]>([
    ['', {}],
    ['\n\n', {}],
    ['backend=abc\nadmin=def\n', { backend: 'abc', admin: 'def' }],
    ['backend=abc\r\nadmin=def\r\n', { backend: 'abc', admin: 'def' }],
    ['  backend = abc  \n', { backend: 'abc' }],
    ['backend=a=b==', { backend: 'a=b==' }],
    ['constructor=x', { constructor: 'x' }],
  ])('%j', (text, value) => {
    expect(readKeys(text)).toEqual({ value })
  })

  test.each<[text: string, expected: string[]]>([
    ['backend=', ['KEY_EMPTY keys, line 1']],
    ['backend=a\nadmin=\nfrontend= ', ['KEY_EMPTY keys, line 2', 'KEY_EMPTY keys, line 3']],
    ['backend=a\nbackend=b', ['KEY_TWICE keys, line 2']],
    ['s3cret', ['KEY_WITHOUT_NAME keys, line 1']],
    ['=s3cret', ['KEY_NAME_INVALID keys, line 1']],
    ['Back End=s3cret', ['KEY_NAME_INVALID keys, line 1']],
    ['__proto__=s3cret', ['KEY_NAME_INVALID keys, line 1']],
    ['backend=s3cret\u0001', ['KEY_NOT_PRINTABLE keys, line 1']],
    ['backend=s3crét', ['KEY_NOT_PRINTABLE keys, line 1']],
  ])('%j is refused without being shown', (text, expected) => {
    expect(codes(readKeys(text))).toEqual(expected)
    expect(JSON.stringify(readKeys(text))).not.toContain('s3cr')
  })

  test('an empty one names the expression to check', () => {
    const read = readKeys('backend=')
    expect('problems' in read && read.problems[0]?.because).toMatch(/\$\{\{ secrets\./)
  })

  test('that the fleet file uses must be given', () => {
    const config = parseConfig(
      `${EXAMPLE_FLEET}\nmetrics: [{ name: a, series: b, max: 1 }]\nexposition: { key: scrape }\nrehearse: { tests: { command: make smoke, keys: [smoke] } }`,
      'f.yml',
    )
    expect(keyNames(config)).toEqual(['backend', 'admin', 'scrape', 'smoke'])
    expect(
      missingKeys(config, { backend: 'x', scrape: 'y', smoke: 'z' }).map(problem => problem.what),
    ).toEqual(['the key admin is not given'])
    expect(missingKeys(config, { backend: 'x', admin: 'a', scrape: 'y', smoke: 'z' })).toEqual([])
  })
})

const pem = (options: { cipher?: string; passphrase?: string } = {}, type: 'pkcs1' | 'pkcs8' = 'pkcs8') =>
  generateKeyPairSync('rsa', {
    modulusLength: 1024,
    privateKeyEncoding: { type, format: 'pem', ...options },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey

const openSsh = (cipher: string) => {
  const name = Buffer.from(cipher)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(name.length)
  const bytes = Buffer.concat([Buffer.from('openssh-key-v1\0'), length, name, Buffer.alloc(200, 7)])
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

describe('ssh-key', () => {
  test('none given is none', () => {
    expect(readSshKey(' \n')).toEqual({ value: '' })
  })

  test.each([pem(), pem({}, 'pkcs1'), openSsh('none')])(
    'a key is kept; CRLF and a missing final newline are mended (%#)',
    key => {
      expect(readSshKey(key)).toEqual({ value: key })
      expect(readSshKey(key.replaceAll('\n', '\r\n'))).toEqual({ value: key })
      expect(readSshKey(key.trimEnd())).toEqual({ value: key })
      expect(readSshKey(`\n\n${key}\n`)).toEqual({ value: key })
    },
  )

  test.each([
    ['PKCS8 with a passphrase', pem({ cipher: 'aes-256-cbc', passphrase: 'x' }), 'SSH_KEY_ENCRYPTED'],
    [
      'PKCS1 with a passphrase',
      pem({ cipher: 'aes-256-cbc', passphrase: 'x' }, 'pkcs1'),
      'SSH_KEY_ENCRYPTED',
    ],
    ['OpenSSH with a passphrase', openSsh('aes256-ctr'), 'SSH_KEY_ENCRYPTED'],
    ['the public half', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB rollout', 'SSH_KEY_PUBLIC'],
    ['something else', 'hello', 'SSH_KEY_INVALID'],
    ['a key without line breaks', pem().replaceAll('\n', ' '), 'SSH_KEY_INVALID'],
    ['half a key', pem().slice(0, 300), 'SSH_KEY_INVALID'],
  ])('%s is refused', (_, key, code) => {
    expect(codes(readSshKey(key))).toEqual([`${code} ssh-key`])
  })
})
