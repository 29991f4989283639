import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runComposite, startComposite } from './composite.ts'
import { workbench } from './workbench.ts'

const { options, run, step, at } = workbench()

describe('what it refuses, as the runner does', () => {
  const cases: [string, string, RegExp][] = [
    [
      'timeout-minutes',
      '- { run: "true", shell: bash, timeout-minutes: 1 }',
      /Unexpected value 'timeout-minutes'/,
    ],
    ['a missing shell', '- { run: "true" }', /missing: shell/],
    ['shell beside uses', '- { uses: "actions/setup-node@v7", shell: bash }', /Unexpected value 'shell'/],
    ['the secrets context', '- { run: "true", shell: bash, env: { A: "${{ secrets.A }}" } }', /secrets/],
    [
      'a status function outside if',
      '- { run: "true", shell: bash, env: { A: "${{ always() }}" } }',
      /always/,
    ],
    [
      'a duplicate id',
      '- { id: a, run: "true", shell: bash }\n- { id: A, run: "true", shell: bash }',
      /more than once/,
    ],
    ['another nested action', '- { uses: "actions/checkout@v7" }', /emulates/],
    [
      'text beside an expression in if',
      '- { run: "true", shell: bash, if: "${{ false }} x" }',
      /always true/,
    ],
  ]
  test.each(cases)('%s', (_name, steps, problem) => {
    const given = options(steps)
    expect(() => startComposite(given)).toThrow(problem)
  })

  test('env context in an input default', () => {
    const given = options('- { run: "true", shell: bash }', {}, 'inputs: { a: { default: "${{ env.A }}" } }')
    expect(() => startComposite(given)).toThrow(/env/)
  })
})

describe('environment of a run step', () => {
  test('is clean: no INPUT_, no token, nothing of the caller, and what GitHub sets', async () => {
    process.env['LEFT_OVER_SECRET'] = 'x'
    const result = await run(
      '- { id: s, run: "env -0 | tr \'\\\\0\' \'\\\\n\'", shell: bash, env: { GIVEN: "${{ inputs.tag }}" } }',
      { inputs: { tag: 'v1' }, github: { token: 'ghs_abc', sha: 'f'.repeat(40) } },
      'inputs: { tag: { default: none }, token: { default: "${{ github.token }}" } }',
    )
    delete process.env['LEFT_OVER_SECRET']
    const env = result.lines.slice(result.lines.indexOf('##[endgroup]') + 1)
    expect(env.filter(line => line.startsWith('INPUT_'))).toEqual([])
    expect(env.join('\n')).not.toMatch(/ghs_abc|LEFT_OVER|VITEST/)
    expect(env).toEqual(
      expect.arrayContaining([
        'GIVEN=v1',
        'CI=true',
        'GITHUB_ACTIONS=true',
        `GITHUB_SHA=${'f'.repeat(40)}`,
        `GITHUB_ACTION_PATH=${at('action')}`,
        `GITHUB_WORKSPACE=${at('workspace')}`,
        `RUNNER_TEMP=${at('work', '_temp')}`,
      ]),
    )
    expect(env.some(line => line.startsWith('RUNNER_TRACKING_ID=github_'))).toBe(true)
  })

  test('bash -e -o pipefail, in the workspace', async () => {
    const result = await run('- { id: s, run: "pwd; false | true; echo never", shell: bash }')
    expect(result.lines).toContain(at('workspace'))
    expect(result.lines).not.toContain('never')
    expect(step(result, 's')?.outcome).toBe('failure')
  })
})

describe('conditions and statuses', () => {
  test('success and failure look at this composite; continue-on-error forgives; a skipped step says so', async () => {
    const result = await run(`
- { id: soft, run: "exit 3", shell: bash, continue-on-error: true }
- { id: after, run: "true", shell: bash }
- { id: hard, run: "exit 4", shell: bash }
- { id: skipped, run: "true", shell: bash }
- { id: implicit, if: "steps.hard.outcome == 'failure'", run: "true", shell: bash }
- { id: failed, if: "failure() && steps.hard.outcome == 'failure'", run: "true", shell: bash }
- { id: always, if: "always() && steps.soft.conclusion == 'success'", run: "true", shell: bash }`)
    expect(result.steps.map(one => [one.id, one.outcome, one.conclusion])).toEqual([
      ['soft', 'failure', 'success'],
      ['after', 'success', 'success'],
      ['hard', 'failure', 'failure'],
      ['skipped', 'skipped', 'skipped'],
      ['implicit', 'skipped', 'skipped'],
      ['failed', 'success', 'success'],
      ['always', 'success', 'success'],
    ])
    expect(result.conclusion).toBe('failure')
    expect(result.annotations.map(a => a.message)).toContain('Process completed with exit code 4.')
  })

  test('a condition that cannot be evaluated ends the list, guards included', async () => {
    const result = await run(`
- { id: a, run: "true", shell: bash }
- { id: b, if: "fromJSON(steps.a.outputs.none) == 1", run: "true", shell: bash }
- { id: guard, if: always(), run: "true", shell: bash }`)
    expect(result.steps.map(one => one.id)).toEqual(['a', 'b'])
    expect(result.conclusion).toBe('failure')
  })

  test('outputs of the composite come from whichever step had one', async () => {
    const result = await run(
      `
- { id: first, run: "echo x=1 >> $GITHUB_OUTPUT", shell: bash }
- { id: second, run: "true", shell: bash }`,
      {},
      'outputs: { x: { description: d, value: "${{ steps.second.outputs.x || steps.first.outputs.x }}" } }',
    )
    expect(result.outputs).toEqual({ x: '1' })
  })
})

describe('files', () => {
  test('env and path are for the job; a heredoc keeps its lines; NODE_OPTIONS is refused', async () => {
    const bin = at('bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'tool'), '#!/bin/sh\necho from the tool\n', { mode: 0o755 })
    const result = await run(`
- id: a
  shell: bash
  run: |
    printf 'TEXT<<END\\none\\ntwo\\nEND\\n' >> "$GITHUB_ENV"
    echo "${bin}" >> "$GITHUB_PATH"
    echo "# Said" >> "$GITHUB_STEP_SUMMARY"
- { id: b, run: 'tool; echo "$TEXT"; echo "out=\${{ env.TEXT }}"', shell: bash }
- { id: c, run: "echo NODE_OPTIONS=--inspect >> $GITHUB_ENV", shell: bash }`)
    expect(result.lines).toEqual(expect.arrayContaining(['from the tool', 'one', 'two', 'out=one']))
    expect(result.summary).toBe('# Said\n')
    expect(step(result, 'c')?.outcome).toBe('failure')
  })

  test('what was written before SIGKILL counts', async () => {
    const given = options(
      `
- { id: main, run: "echo continue=true >> $GITHUB_OUTPUT; echo '## half' >> $GITHUB_STEP_SUMMARY; echo here; exec sleep 60", shell: bash }
- { id: settle, if: "always() && steps.main.outputs.continue == 'true'", run: "echo \${{ steps.main.outcome }}", shell: bash }`,
      { onLine: (line, job) => (line === 'here' ? setTimeout(() => job.killStep('child'), 50) : undefined) },
    )
    const result = await runComposite(given)
    expect(step(result, 'main')).toMatchObject({
      outcome: 'failure',
      outputs: { continue: 'true' },
      summary: '## half\n',
    })
    expect(step(result, 'settle')?.outcome).toBe('success')
    expect(result.lines).toContain('##[error]Process completed with exit code 137.')
  })

  test('pairs before a line that cannot be read count, and the step fails', async () => {
    const result = await run(
      '- { id: a, run: "printf \'x=1\\\\nbroken\\\\n\' >> $GITHUB_OUTPUT", shell: bash }',
    )
    expect(step(result, 'a')).toMatchObject({ outcome: 'failure', outputs: { x: '1' } })
  })
})

describe('nested actions', () => {
  test('setup-node puts node on the PATH of the whole job; upload-artifact copies, without hidden files', async () => {
    for (const file of ['out/report.md', 'out/logs/db-1.log', 'out/.hidden', 'other.txt']) {
      mkdirSync(dirname(at('workspace', file)), { recursive: true })
      writeFileSync(at('workspace', file), file)
    }
    const result = await run(
      `
- { id: node, uses: "actions/setup-node@0123", with: { node-version: "24" } }
- { id: which, run: "command -v node", shell: bash }
- id: up
  uses: actions/upload-artifact@0123
  with: { name: rollout, path: "out/\\nother.txt", if-no-files-found: error }
- { id: missing, continue-on-error: true, uses: "actions/upload-artifact@0123", with: { name: no, path: nothing, if-no-files-found: error } }`,
      { nodeDir: dirname(process.execPath) },
    )
    expect(result.lines).toContain(process.execPath)
    expect(
      readdirSync(join(result.artifacts, 'rollout'), { recursive: true, encoding: 'utf8' }).toSorted((a, b) =>
        a.localeCompare(b),
      ),
    ).toEqual(['other.txt', 'out', 'out/logs', 'out/logs/db-1.log', 'out/report.md'])
    expect(step(result, 'missing')).toMatchObject({ outcome: 'failure', conclusion: 'success' })
    expect(result.conclusion).toBe('success')
  })
})
