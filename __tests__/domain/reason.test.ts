import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isReasonCode, reasons, reasonTitle } from '../../src/domain/reason.ts'

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
/** The paragraphs of the page by the code in their heading. */
const paragraphs = new Map(
  [...page.matchAll(/^### `([a-z-]+)`\n\n([^#]*?)(?=\n#|$(?![\s\S]))/gm)].map(found => [
    found[1] ?? '',
    found[2] ?? '',
  ]),
)

describe('the reason codes', () => {
  it.each(Object.keys(reasons))('%s is explained: what it means, what was done, what to do', code => {
    const paragraph = paragraphs.get(code)
    expect(paragraph, `docs/operations.md has no paragraph ### \`${code}\``).toBeDefined()
    expect(paragraph).toMatch(/\*\*Means\*\* [^*]{15,}\*\*Done\*\* [^*]{8,}\*\*Do\*\* [^*]{8,}/)
  })
  it('are the only ones explained', () => {
    expect([...paragraphs.keys()].filter(code => !isReasonCode(code))).toEqual([])
    expect(page.match(/^### /gm)?.length).toBe(paragraphs.size)
  })
  it('are told from other texts', () => {
    expect(isReasonCode('toString')).toBe(false)
    expect(reasonTitle('cancelled')).toBe('the run was cancelled')
    expect(reasonTitle('of-a-newer-version')).toBe('of-a-newer-version')
  })
})
