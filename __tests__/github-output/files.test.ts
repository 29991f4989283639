import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { annotate, maskSecrets } from '../../src/github/annotations.ts'
import { writeOutputs } from '../../src/github/outputs.ts'
import { redactor } from '../../src/github/redactor.ts'
import { writeReport, writeSummary } from '../../src/github/summary.ts'

const redact = redactor(['hunter2hunter2'])
let dir = ''
let printed: string[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'says-'))
  printed = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    printed.push(String(text))
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('the summary', () => {
  it('replaces what the step wrote before, without secrets', async () => {
    const file = join(dir, 'summary')
    writeFileSync(file, 'old')
    await writeSummary('## new hunter2hunter2\n', redact, { GITHUB_STEP_SUMMARY: file })
    expect(readFileSync(file, 'utf8')).toBe('## new ***\n')
  })
  it('is left out where no runner asks for it', async () => {
    await writeSummary('x', redact, {})
    expect(readdirSync(dir)).toEqual([])
  })
  it('goes to any file as the report, and leaves nothing beside it', async () => {
    await writeReport(join(dir, 'deep/er/report.md'), 'a hunter2hunter2', redact)
    expect(readFileSync(join(dir, 'deep/er/report.md'), 'utf8')).toBe('a ***')
    expect(readdirSync(join(dir, 'deep/er'))).toEqual(['report.md'])
  })
})

describe('the outputs', () => {
  it('go to the output file, redacted', () => {
    const file = join(dir, 'output')
    writeFileSync(file, '')
    vi.stubEnv('GITHUB_OUTPUT', file)
    writeOutputs({ outcome: 'promoted', headline: 'x hunter2hunter2' }, redact, process.env)
    const written = readFileSync(file, 'utf8')
    expect(written).toMatch(/^outcome<<(\S+)\npromoted\n\1\nheadline<<(\S+)\nx \*\*\*\n\2\n$/)
    expect(printed).toEqual([])
  })
  it('are not printed as commands where there is no output file', () => {
    writeOutputs({ outcome: 'promoted' }, redact, {})
    expect(printed).toEqual([])
  })
  it('have one line', () => {
    expect(() => writeOutputs({ outcome: 'a\nb' }, redact, { GITHUB_OUTPUT: join(dir, 'o') })).toThrow(
      'output outcome has a control character',
    )
  })
})

describe('workflow commands', () => {
  const actions = { GITHUB_ACTIONS: 'true' }
  it('annotate with the headline, escaped', () => {
    annotate(
      { level: 'error', headline: '✗ Needs you: a, b', text: 'Why: hunter2hunter2\nNext: y' },
      redact,
      actions,
    )
    annotate({ level: 'notice', headline: '✓ Promoted', text: 'z' }, redact, actions)
    expect(printed.join('')).toBe(
      '::error title=✗ Needs you%3A a%2C b::Why: ***%0ANext: y\n::notice title=✓ Promoted::z\n',
    )
  })
  it('mask a secret, its forms and its lines', () => {
    maskSecrets(['first-line\nsecond-line'], actions)
    expect(printed).toContain('::add-mask::first-line\n')
    expect(printed).toContain('::add-mask::second-line\n')
    expect(printed).toContain(`::add-mask::${Buffer.from('first-line').toString('hex')}\n`)
    expect(printed.every(command => /^::add-mask::[^\n]+\n$/.test(command))).toBe(true)
  })
  it('print nothing, least of all a secret, outside of Actions', () => {
    maskSecrets(['hunter2hunter2'], {})
    annotate({ level: 'error', headline: 'x', text: 'y' }, redact, {})
    expect(printed).toEqual([])
  })
})
