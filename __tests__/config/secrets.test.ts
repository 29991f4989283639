import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskable, redactable, takeSecrets } from '../../src/config/secrets.ts'

test('every secret leaves the environment, and nothing else does', () => {
  const env: Record<string, string | undefined> = {
    INPUT_TOKEN: 'a',
    INPUT_KEYS: 'b',
    INPUT_SSH_KEY: '',
    GITHUB_TOKEN: 'c',
    GH_TOKEN: 'd',
    ACTIONS_RUNTIME_TOKEN: 'e',
    INPUT_TAG: 'v1',
    PATH: '/bin',
  }
  expect(takeSecrets(env)).toEqual({
    INPUT_TOKEN: 'a',
    INPUT_KEYS: 'b',
    GITHUB_TOKEN: 'c',
    GH_TOKEN: 'd',
    ACTIONS_RUNTIME_TOKEN: 'e',
  })
  expect(env).toEqual({ INPUT_TAG: 'v1', PATH: '/bin' })
})

test('of keys each value is redacted, not the names', () => {
  const all = redactable({ INPUT_KEYS: 'backend=s3cr3t-one\r\nadmin = two two\r\n', INPUT_TOKEN: 'ghs_x' })
  for (const text of ['s3cr3t-one', 'two two', 'two%20two', 'two+two', 'ghs_x']) expect(all).toContain(text)
  expect(all.filter(text => /backend|admin/.test(text))).toEqual([])
})

const redact = (text: string, secrets: string[]) =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)

test('a secret is found in every spelling, also inside longer base64', () => {
  const secret = fc
    .string({ unit: fc.constantFrom(...'abcXYZ0189+/=&?# "\\\'é'.split('')), minLength: 8, maxLength: 40 })
    .filter(text => text.trim().length >= 8)
  fc.assert(
    fc.property(secret, fc.string({ maxLength: 7 }), fc.string({ maxLength: 7 }), (text, before, after) => {
      const whole = text.trim()
      const all = maskable(text)
      for (const spelt of [
        whole,
        encodeURIComponent(whole),
        Buffer.from(whole).toString('base64'),
        Buffer.from(whole).toString('base64url'),
        JSON.stringify(whole).slice(1, -1),
      ])
        expect(redact(`${before}|${spelt}|${after}`, all)).not.toContain(spelt)
      const within = Buffer.from(`${before}${whole}${after}`).toString('base64')
      expect(redact(within, all)).not.toBe(within)
    }),
  )
})

test('each line of a key is found; an empty secret masks nothing', () => {
  expect(maskable('-----BEGIN X-----\nabcdefgh\n-----END X-----\n')).toContain('abcdefgh')
  expect(maskable('')).toEqual([])
  expect(maskable(' \n')).toEqual([])
  expect(maskable('\ud800broken-surrogate')).toContain('\ud800broken-surrogate')
})
