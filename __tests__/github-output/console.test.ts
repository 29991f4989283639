import { describe, expect, it } from 'vitest'
import { Untrusted } from '../../src/domain/text.ts'
import { createConsole } from '../../src/github/console.ts'
import { redactor } from '../../src/github/redactor.ts'
import { workflowCommands } from '../domain/report/readers.ts'

const capture = (secrets: string[] = []) => {
  const written: string[] = []
  return { written, out: createConsole(text => written.push(text), redactor(secrets)) }
}

describe('the console', () => {
  it('prints lines, blocks and problems', () => {
    const { written, out } = capture()
    out.line('plan', 'v0.2.1 -> v0.2.2 on 3 nodes')
    out.problem({ code: 'X', what: 'bad', because: 'so', next: 'mend it' })
    out.lines([])
    expect(written).toEqual([
      'plan      v0.2.1 -> v0.2.2 on 3 nodes\n',
      'error  X  bad\n       because so\n       next  mend it\n',
    ])
  })

  it('sets a remote text off and lets it speak no command, whatever reaches it', () => {
    const { written, out } = capture()
    out.remote('db-1', new Untrusted('\x1b[31mpanic: x\n::error::gone\r##[add-mask]e\nend\n'), 3)
    out.line('note', 'ours ##[error]x\n::set-output name=a::b')
    out.lines(['::warning::y', '  ::stop-commands::z'])
    expect(written[0]).toBe(
      'db-1      | panic: x\ndb-1      | : :error: :gone\ndb-1      | ## [add-mask]e\ndb-1      | … and 1 more line\n',
    )
    expect(workflowCommands(written.join(''))).toEqual([])
  })

  it('hides secrets in all it prints', () => {
    const { written, out } = capture(['s3cr::et/key+='])
    out.line('x', 'key s3cr::et/key+= end')
    out.remote('x', new Untrusted('Authorization: s3cr::et/key+='))
    expect(written).toEqual(['x         key *** end\n', 'x         | Authorization: ***\n'])
  })
})
