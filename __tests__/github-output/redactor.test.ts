import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markdown, printable } from '../../src/domain/text.ts'
import { redactor } from '../../src/github/redactor.ts'

const secret = 'pk_Live::4f/Q+9 =&_end'
const redact = redactor([secret])

describe('the redactor', () => {
  it.each<[string, string]>([
    ['plain', secret],
    ['URL-encoded', encodeURIComponent(secret)],
    ['URL-encoded in lower case', encodeURIComponent(secret).replace(/%../g, h => h.toLowerCase())],
    ['form-encoded', new URLSearchParams({ k: secret }).toString().slice(2)],
    ['JSON', JSON.stringify({ k: secret })],
    ['made printable', printable(secret)],
    ['Markdown', markdown(secret)],
    ['hex', Buffer.from(secret).toString('hex')],
  ])('hides it %s', (_, form) => {
    const text = redact(`before ${form} after`)
    expect(text).toContain('***')
    expect(text).not.toContain('Live')
    expect(text).not.toContain(form)
    expect(text).toMatch(/^before .*after$/)
  })

  it('hides its base64 wherever it stands in what was encoded', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 9 }),
        fc.string({ maxLength: 9 }),
        fc.constantFrom<BufferEncoding[]>('base64', 'base64url'),
        (a, b, form) => {
          const text = redact(Buffer.from(`${a}${secret}${b}`).toString(form))
          expect(text).toContain('***')
          // At most the characters that it shares with its neighbours remain.
          expect(text.replace('***', '').length).toBeLessThanOrEqual(
            Math.ceil(((Buffer.byteLength(a) + Buffer.byteLength(b)) * 4) / 3) + 8,
          )
        },
      ),
    )
  })

  it('knows a key file by each of its lines, with either line end', () => {
    const key = '-----BEGIN KEY-----\nAAAAB3NzaC1yc2E\nQUJDREVGR0g=\n-----END KEY-----\n'
    const hide = redactor([key])
    expect(hide(`x ${key.replaceAll('\n', '\r\n')} y`)).not.toMatch(/AAAAB3|QUJD/)
    expect(hide(JSON.stringify(key))).toBe('"***"')
    expect(hide('-----BEGIN KEY-----')).toBe('-----BEGIN KEY-----')
  })

  it('takes a secret as text, not as a pattern, and the longer of two first', () => {
    const hide = redactor(['a.c*', 'a.c*d-longer'])
    expect(hide('abcc a.c*d-longer a.c*')).toBe('abcc *** ***')
  })

  it('leaves texts alone where there is no secret, and ignores what is too short to be one', () => {
    expect(redactor([])('as it is')).toBe('as it is')
    expect(redactor(['', 'a', 'is'])('as it is')).toBe('as it is')
  })
})
