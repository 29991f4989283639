import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  code,
  markdown,
  mermaid,
  printable,
  printableLines,
  safeLine,
  Untrusted,
} from '../../src/domain/text.ts'
import {
  nodesOf,
  parseGfm,
  readChart,
  readGfm,
  textOf,
  type Tree,
  workflowCommands,
} from './report/readers.ts'

const ESC = '\x1b'
/** Pieces that attackers and accidents are made of, mixed with anything else. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        ':',
        '##[',
        '##',
        '[',
        ']',
        '::error::',
        '##[command]',
        '\n',
        '\r',
        '\t',
        ' ',
        `${ESC}[31m`,
        `${ESC}]8;;http://x\x07`,
        `${ESC}]0;t`,
        ESC,
        '\x9b2J',
        '\u202e',
        '\u2066',
        '\u200b',
        '\ufeff',
        '\u2028',
        '\x00',
        '|',
        '`',
        '``',
        '```',
        '*',
        '**',
        '_',
        '~~',
        '<',
        '>',
        '</details>',
        '<!--',
        '<b>',
        '&',
        '&lt;',
        '&#64;',
        '$',
        '$$',
        '\\',
        '\\|',
        '@',
        '@ana',
        'a@b.co',
        'http://a.b/c',
        'www.a.b',
        '#',
        '# h',
        '- ',
        '1. ',
        '1)',
        '+ ',
        '> ',
        '---',
        '===',
        '![a](b)',
        '[a](b)',
        '[^1]',
        '[x]: y',
        ':-',
        '%%{init: {}}%%',
        ';',
        'click a',
        'section',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 12 },
  )
  .map(parts => parts.join(''))

describe('printable', () => {
  it('drops colours, titles, links, cursor moves and unfinished sequences', () => {
    const text = `${ESC}[1;31mred${ESC}[0m ${ESC}]8;;http://x${ESC}\\link${ESC}]8;;\x07 ${ESC}]0;title\x07 \x9b2Jend${ESC}`
    expect(printable(new Untrusted(text))).toBe('red link  end')
  })

  it('keeps an unfinished title from hiding the line after it', () => {
    expect(printable(new Untrusted(`a${ESC}]0;never ended\nthe error`))).toBe('a the error')
  })

  it('breaks commands wherever they stand, also when something invisible held them apart', () => {
    expect(printable(new Untrusted('x ::error::y'))).toBe('x : :error: :y')
    expect(printable(new Untrusted(':\u200b:set-env name=A:\x00:b'))).toBe(': :set-env name=A: :b')
    expect(printable(new Untrusted('a ##\u2060[group]b'))).toBe('a ## [group]b')
  })

  it('drops what turns text around, keeps joiners and other scripts', () => {
    expect(printable(new Untrusted('a\u202eb\u2066c\u200ed'))).toBe('abcd')
    expect(printable(new Untrusted('Größe 日本 👩\u200d💻'))).toBe('Größe 日本 👩\u200d💻')
  })

  it('leaves our own text as it is, an address too, but lets it open no command either', () => {
    expect(safeLine('ssh deploy@fe80::1')).toBe('ssh deploy@fe80::1')
    expect(safeLine(' ::error::x ##[y]')).toBe(': :error::x ## [y]')
    expect(safeLine(new Untrusted('a::b'))).toBe('a: :b')
    expect(code('ssh deploy@fe80::1')).toBe('`ssh deploy@fe80::1`')
  })

  it('is bounded, and cuts between characters', () => {
    expect(printable(new Untrusted('x'.repeat(2_000_000))).length).toBe(500)
    expect(printable(new Untrusted('😀😀😀'), 4)).toBe('😀…')
  })

  it('is one clean line whatever comes in, and the same when made printable again', () => {
    fc.assert(
      fc.property(hostile, text => {
        const line = printable(new Untrusted(text))
        expect(line).not.toMatch(/\p{Cc}|\p{Surrogate}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
        expect(workflowCommands(line)).toEqual([])
        expect(line).not.toContain('::')
        expect(line).not.toContain('##[')
        expect(line.length).toBeLessThanOrEqual(500)
        expect(printable(line)).toBe(line)
      }),
    )
  })

  it('has no other way out: untrusted text in a template does not show', () => {
    const text = new Untrusted('secret')
    expect(JSON.stringify({ text })).toBe('{"text":{}}')
  })

  it('prints several lines, bounded', () => {
    expect(printableLines(new Untrusted('a\r\n\n::warning::b\nc\nd'), 3)).toEqual([
      'a',
      ': :warning: :b',
      'c',
      '… and 1 more line',
    ])
  })
})

const typesOf = (tree: Tree): Set<string> =>
  new Set([tree.type, ...(tree.children ?? []).flatMap(child => [...typesOf(child)])])
const flat = (text: string): string =>
  text
    .replace(/\u200b/g, '')
    .replace(/\s+/g, ' ')
    .trim()

describe('markdown', () => {
  const contexts: { name: string; page: (text: string) => string; types: string[] }[] = [
    { name: 'a paragraph', page: t => t, types: ['root', 'paragraph', 'text'] },
    { name: 'a heading', page: t => `## x ${t}`, types: ['root', 'heading', 'text'] },
    { name: 'a list item', page: t => `- ${t}`, types: ['root', 'list', 'listItem', 'paragraph', 'text'] },
    {
      name: 'a table cell',
      page: t => `| a | b |\n|---|---|\n| ${t} | z |`,
      types: ['root', 'table', 'tableRow', 'tableCell', 'text'],
    },
    {
      name: 'a folded part',
      page: t => `<details><summary>s</summary>\n\nx ${t}\n\n</details>`,
      types: ['root', 'html', 'paragraph', 'text'],
    },
  ]
  it.each(contexts)('adds nothing but text to $name', async ({ page, types }) => {
    await fc.assert(
      fc.asyncProperty(hostile, async text => {
        const tree = await readGfm(page(markdown(new Untrusted(text))))
        expect([...typesOf(tree)].filter(type => !types.includes(type))).toEqual([])
        expect(nodesOf(tree, 'html').length).toBe(types.includes('html') ? 2 : 0)
        expect(nodesOf(tree, 'tableRow').every(row => row.children?.length === 2)).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('shows what was said', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async text => {
        const shown = textOf(await readGfm(`x ${markdown(new Untrusted(text))}`))
        expect(flat(shown)).toBe(flat(`x ${printable(new Untrusted(text))}`))
      }),
      { numRuns: 400 },
    )
  })

  it('mentions nobody and starts no formula', () => {
    expect(markdown(new Untrusted('@ana owes $5$'))).toBe('@\u200bana owes &#36;5&#36;')
  })
})

describe('code', () => {
  it('is one code span in a paragraph and in a cell, with every character shown', () => {
    fc.assert(
      fc.property(hostile, text => {
        const plain = printable(new Untrusted(text))
        fc.pre(plain !== '')
        const spans = nodesOf(parseGfm(`x ${code(new Untrusted(text))} y`), 'inlineCode')
        expect(spans.map(textOf)).toEqual([plain])
        const cells = parseGfm(`| a | b |\n|---|---|\n| ${code(new Untrusted(text), 'cell')} | z |`)
        expect(nodesOf(cells, 'inlineCode').map(span => textOf(span).replace(/\u200b/g, ''))).toEqual([plain])
        expect(nodesOf(cells, 'tableCell').length).toBe(4)
      }),
    )
  })
})

describe('mermaid', () => {
  const chart = (name: string): string =>
    `gantt\n  title ${name}\n  dateFormat YYYY-MM-DD HH:mm:ss\n  section ${name}\n    ${name} :crit, 2026-11-22 22:15:32, 82s\n`

  it('gives names that a gantt can read as title, section and bar', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async text => {
        const name = mermaid(new Untrusted(text))
        expect(name).not.toMatch(/[:;#%{}<>"'`\n]/)
        expect(await readChart(chart(name))).toBe('gantt')
      }),
      { numRuns: 150 },
    )
  })

  it.each([
    'title a',
    'section a',
    'click a href b',
    'dateFormat x',
    '2026-11-22',
    'excludes weekends',
    'accTitle x',
  ])('keeps Mermaid from taking %s for its own word', async word => {
    expect(mermaid(word)).toMatch(/^· /)
    expect(await readChart(chart(mermaid(word)))).toBe('gantt')
  })

  it('is never empty', () => {
    expect(mermaid(new Untrusted(':;#'))).toBe('unnamed')
  })
})
