import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serving, type Truth } from '../action/ground-truth.ts'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { workflowCommands } from '../domain/report/readers.ts'
import { shapeOf } from '../hostile/page.ts'
import { saidBy } from '../hostile/rollout.ts'
import { EVIL } from '../hostile/words.ts'
import type { CompositeResult } from '../runner/composite.ts'
import { keyPair, openSshd } from '../shell/sshd.ts'
import { buildRelease } from '../standin/release.ts'

/** The second of three machines over ssh is in somebody else's hands: whatever is run there, that one decides what it answers. */

const folder = mkdtempSync(join(tmpdir(), 'hostile-node-'))
const key = keyPair(folder, 'rollout')
const machines: Awaited<ReturnType<typeof openSshd>>[] = []
let s: Scenario

/** `mode` says how it answers; '' is the truth. `rewrite` passes the truth through `sed`. */
const GATE = `#!/bin/sh
cd ${folder}
in=$(mktemp) && cat >"$in" && trap 'rm -f "$in"' EXIT
mode=$(cat mode)
# the connection itself is let come about
[ "$(head -c 7 "$in")" != 'exit 0
' ] || exit 0
case $mode in
noise) cat evil; sh -c "$SSH_ORIGINAL_COMMAND" <"$in"; code=$?; cat evil >&2; exit $code ;;
noise-behind) sh -c "$SSH_ORIGINAL_COMMAND" <"$in"; cat evil; cat evil >&2 ;;
flood) head -c 100000000 /dev/zero | tr '\\0' x ;;
flood-lines) yes '::error::owned' | head -c 100000000 ;;
binary) head -c 300000 /dev/urandom ;;
cut) sh -c "$SSH_ORIGINAL_COMMAND" <"$in" | head -c 400 ;;
rewrite) sh -c "$SSH_ORIGINAL_COMMAND" <"$in" | sed -f sed ;;
*) sh -c "$SSH_ORIGINAL_COMMAND" <"$in" ;;
esac
`
const behaves = (mode: string, sed = ''): void => {
  writeFileSync(join(folder, 'sed'), sed)
  writeFileSync(join(folder, 'mode'), mode)
}

beforeAll(async () => {
  writeFileSync(join(folder, 'gate'), GATE)
  chmodSync(join(folder, 'gate'), 0o755)
  writeFileSync(join(folder, 'evil'), EVIL)
  behaves('')
  const first = await openSshd('127.0.0.2')
  machines.push(
    first,
    await openSshd('127.0.0.3', first.port, [`ForceCommand ${join(folder, 'gate')}`]),
    await openSshd('127.0.0.4', first.port),
  )
  for (const machine of machines) machine.authorize(key.public)
  const [runs, next] = [await buildRelease({ version: '0.2.1' }), await buildRelease({ version: '0.2.2' })]
  const knownHosts = machines.map(m => m.knownHosts).join('')
  s = await openScenario({
    runs,
    releases: [runs, next],
    ssh: { key: key.private, knownHosts, user: first.user, port: first.port },
  })
}, 120_000)
afterAll(async () => {
  await s?.end()
  for (const machine of machines) await machine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What must not change on the machines that are not its own. */
const others = async (): Promise<{ truth: Truth[]; files: string[] }> => {
  const truth = await s.truth()
  const files = [s.fleet.nodes[0], s.fleet.nodes[2]].flatMap(node =>
    node
      ? readdirSync(node.install, { recursive: true, encoding: 'utf8' }).filter(f => f.startsWith('releases'))
      : [],
  )
  return { truth: truth.filter((_, i) => i !== 1), files: files.toSorted() }
}

/** Nothing that it printed was heard by the runner, or is markup on the page. */
async function unheard(job: CompositeResult, steps: string[]): Promise<void> {
  const said = saidBy(job.lines).filter(line => !/^##\[(?:error|notice)\]/.test(line))
  expect(workflowCommands(said.join('\n'))).toEqual([])
  expect(job.annotations.filter(a => /owned/.test(a.message) && !/evil/.test(a.message))).toEqual([])
  expect(job.annotations.every(a => steps.includes(a.step))).toBe(true)
  expect(said.filter(line => /[\p{Cc}\p{Cf}]/u.test(line))).toEqual([])
  expect(said.join('\n').length).toBeLessThan(200_000)
  const shape = await shapeOf(job.summary)
  expect(shape.headings.filter(text => text.includes('owned'))).toEqual([])
  expect(shape.images).toBe(0)
  expect(shape.links.filter(url => /owned|javascript/.test(url))).toEqual([])
  expect(job.outputs['outcome']).not.toBe('promoted')
}

describe('whatever it prints', () => {
  test.each(['noise', 'noise-behind', 'flood', 'flood-lines', 'binary', 'cut'])(
    '%s: a plan and a status say so, speak no command, and change nothing elsewhere',
    async mode => {
      const before = await others()
      behaves(mode)
      const plan = await s.run({ mode: 'plan', tag: 'v0.2.2' })
      const status = await s.run({ mode: 'status' })
      behaves('')
      for (const job of [plan, status]) await unheard(job, ['report', 'plan'])
      if (mode !== 'noise')
        expect(plan.outputs).toMatchObject({ outcome: 'unchanged', 'reason-code': 'plan-refused' })
      expect(await others()).toEqual(before)
    },
    120_000,
  )

  test('names and folders of its own making lead nowhere', async () => {
    const before = await others()
    behaves(
      'rewrite',
      [
        's#^release=v0.2.1 #release=../../../db-1/install/releases/v0.2.1 #',
        's#^set_aside=.*#&\\nset_aside=/tmp/$(id)#',
        's#^lease_holder=.*##',
        's#^end=ok$#lease_rollout=::error::owned\\nlease_holder=%0A::error::owned\\nlease_left=999999\\nend=ok#',
      ].join('\n'),
    )
    const job = await s.run({ mode: 'plan', tag: 'v0.2.2' })
    behaves('')
    await unheard(job, ['report', 'plan'])
    expectEnd(job, 'failure', { outcome: 'unchanged' })
    expect(await others()).toEqual(before)
  }, 60_000)
})

test('a lease of its own making is told, and links to no page elsewhere', async () => {
  const page = (server: string): string =>
    `s#^end=ok$#lease_rollout=r-evil\\nlease_process=p-1\\nlease_token=9\\nlease_left=99999\\nlease_holder=mallory\\nlease_run=${server}/o/r/actions/runs/1/attempts/1\\nend=ok#`
  behaves('rewrite', page('https://evil.example'))
  const evil = await s.run({ mode: 'status' })
  behaves('rewrite', page('https://github.com'))
  const plausible = await s.run({ mode: 'status' })
  behaves('')
  for (const job of [evil, plausible]) expect(job.summary).toContain('is held by mallory')
  expect(evil.lines.join('\n') + evil.summary).not.toContain('evil.example')
  expect(plausible.summary).toContain('https://github.com/o/r/actions/runs/1/attempts/1')
}, 60_000)

describe('whatever its record says', () => {
  const waits = async (): Promise<void> => {
    const job = await s.run({ tag: 'v0.2.2', 'stop-after': 'canary' })
    expectEnd(job, 'success', { outcome: 'stopped', 'reason-code': 'awaiting-approval' })
  }
  /** Honest again, it is settled with the rest. */
  const mended = async (): Promise<void> => {
    behaves('')
    const job = await s.run({ mode: 'recover' })
    expect(job.outputs['outcome'], job.lines.join('\n')).toMatch(/^(?:rolled-back|unchanged)$/)
    const { truth, said } = await s.status()
    expect(said.code, said.text).toBe(0)
    for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
  }

  test('paths of another node: it is left alone and named, and the others go home', async () => {
    await waits()
    behaves('rewrite', 's#"version":"v0.2.2"#"version":"../../db-1/install/releases/v0.2.2"#g')
    const job = await s.run({ mode: 'recover' })
    expectEnd(job, 'failure', { outcome: 'needs-operator' })
    expect(job.lines.join('\n')).toContain('RECORD_NOT_TRUSTED')
    await unheard(job, ['report'])
    expect((await others()).truth).toMatchObject([
      { ...serving('v0.2.1'), lease: expect.any(String) },
      { runs: 'v0.2.1', ready: true },
    ])
    await mended()
  }, 240_000)

  test('another plan than the others have: it is left alone and named, and the others go home by theirs', async () => {
    await waits()
    behaves('rewrite', 's#"version":"v0.2.1"#"version":"v6.6.6"#g')
    const job = await s.run({ mode: 'recover' })
    expectEnd(job, 'failure', { outcome: 'needs-operator' })
    expect(job.lines.join('\n')).toContain('RECORDS_DIFFER')
    expect(job.summary).not.toContain('v6.6.6')
    expect((await others()).truth).toMatchObject([
      { runs: 'v0.2.1', ready: true },
      { runs: 'v0.2.1', ready: true },
    ])
    await mended()
  }, 240_000)

  test('and a release whose bytes are not those of the record is never started', async () => {
    await waits()
    const [canary] = s.fleet.nodes
    const releases = join(canary?.install ?? '', 'releases')
    const old = readdirSync(releases).find(name => name.startsWith('v0.2.1-'))
    const program = join(releases, old ?? '', 'progressdb')
    chmodSync(join(releases, old ?? ''), 0o755)
    rmSync(program)
    writeFileSync(program, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    const job = await s.run({ mode: 'recover' })
    expectEnd(job, 'failure', { outcome: 'needs-operator' })
    expect(job.lines.join('\n')).toContain('RELEASE_DAMAGED')
    const [first] = await s.truth()
    expect(first?.runs).not.toBe('v0.2.1')
  }, 240_000)
})
