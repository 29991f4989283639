import { describe, expect, test } from 'vitest'
import { listen, openLog, shownAnnotations } from './log.ts'

const hear = (lines: string[], secrets: string[] = []) => {
  const log = openLog(secrets, () => undefined)
  const { line, heard } = listen(log, 's')
  lines.forEach(line)
  return { ...log, heard }
}

describe('workflow commands', () => {
  test('annotations carry their properties, unescaped', () => {
    const { annotations, lines } = hear([
      '  ::error title=a%3Ab,file=x.go::one%0Atwo',
      'x ##[warning]old form',
    ])
    expect(annotations).toEqual([
      { level: 'error', step: 's', message: 'one\ntwo', properties: { title: 'a:b', file: 'x.go' } },
      { level: 'warning', step: 's', message: 'old form', properties: {} },
    ])
    expect(lines[0]).toBe('##[error]one\ntwo')
  })

  test('the new form counts only at the start of a line', () => {
    expect(hear(['db-1 says ::error::no', ': :error::no', '::nonsense::x']).annotations).toEqual([])
  })

  test('stopped commands are plain text until the token, which is masked', () => {
    const { lines, annotations } = hear([
      '::stop-commands::token-1234',
      '::error::not me',
      '##[add-mask]hello',
      '::token-1234::',
      '::notice::me',
      'hello token-1234',
    ])
    expect(annotations.map(a => a.message)).toEqual(['me'])
    expect(lines).toEqual([
      '::stop-commands::***',
      '::error::not me',
      '##[add-mask]hello',
      '::***::',
      '##[notice]me',
      'hello ***',
    ])
  })

  test('a stop token that is a command is refused', () => {
    expect(hear(['::stop-commands::error']).heard.failed).toBe(true)
  })

  test('set-env is disabled, set-output still speaks', () => {
    const { heard } = hear(['::set-output name=a::1', '::set-env name=PATH::/tmp'])
    expect(heard).toEqual({ failed: true, outputs: { a: '1' } })
  })

  test('groups', () => {
    expect(hear(['::group::Copying', 'x', '::endgroup::']).lines).toEqual([
      '##[group]Copying',
      'x',
      '##[endgroup]',
    ])
  })
})

describe('masking', () => {
  test('a secret, its lines and its encodings', () => {
    const secret = 's3cr&t"value'
    const { lines } = hear(
      [
        `plain ${secret}`,
        `base64 ${Buffer.from(secret).toString('base64')}`,
        `inside ${Buffer.from(`u:${secret}`).toString('base64')}`,
        `url ${encodeURIComponent(secret)}`,
        `json ${JSON.stringify({ secret })}`,
        '::add-mask::first%0Asecond',
        'the second line',
      ],
      [secret],
    )
    expect(lines.join('\n')).not.toContain('s3cr')
    expect(lines[1]).toBe('base64 ***')
    expect(lines[2]).toMatch(/^inside [\w+]{1,4}\*{3}/)
    expect(lines[3]).toBe('url ***')
    expect(lines.at(-1)).toBe('the *** line')
  })

  test('ten annotations of a level are shown, and 4096 characters of each', () => {
    const { annotations } = hear([
      ...Array.from({ length: 12 }, (_, i) => `::error::e${i}`),
      '::notice::n',
      `::error::${'x'.repeat(5000)}`,
    ])
    expect(annotations).toHaveLength(14)
    expect(annotations[13]?.message).toHaveLength(4096)
    expect(shownAnnotations(annotations).map(a => a.message)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `e${i}`),
      'n',
    ])
  })
})
