import { describe, expect, it } from 'vitest'
import { ending } from '../../../src/domain/report/headline.ts'
import type { NodeReport, ReportInput, Segment } from '../../../src/domain/report/input.ts'
import { report } from '../../../src/domain/report.ts'
import { at, failed, needsOperator, node, promoted, rolledBack, waiting } from './fixtures.ts'
import { nodesOf, parseGfm, readChart, readGfm, textOf, type Tree, workflowCommands } from './readers.ts'

/** That the texts stand in the page in this order. */
const inOrder = (page: string, ...texts: string[]): void => {
  let from = 0
  for (const text of texts) {
    const found = page.indexOf(text, from)
    expect(found, `"${text}" after position ${from} of\n${page}`).toBeGreaterThanOrEqual(from)
    from = found + text.length
  }
}

const charts = (tree: Tree): string[] =>
  nodesOf(tree, 'code').flatMap(c => (c.lang === 'mermaid' ? [c.value ?? ''] : []))
const rows = (tree: Tree): string[][] =>
  nodesOf(tree, 'tableRow').map(row => (row.children ?? []).map(textOf))

const point = { name: '000017', kind: 'rollback-point' } as const

describe('a promoted release', () => {
  const page = report(promoted)
  it('says so first, then the evidence, the data and that nothing is owed', () => {
    expect(page.headline).toBe('✓ Promoted — all 3 nodes serve v0.2.2')
    inOrder(
      page.markdown,
      '## ✓ Promoted — all 3 nodes serve v0.2.2\n',
      '**Evidence** db-1 watched 10:00: 2 of 3,002 probe requests failed (0.07 %)',
      'Then db-1 and db-2 watched 2:00.',
      '**Data** 3 rollback points, each proven by restoring it; counts equal before and after on every node',
      'v0.2.1 opened what v0.2.2 wrote (on a copy of db-1): a rollback keeps data',
      '**Next** nothing is owed.',
      'kept until 6 Dec 2026',
      '| db-1 (canary) | v0.2.1 | **v0.2.2** | ready, 3 ms | 1.8 s upgrade | 1.4 s | `000042` proven by restoring | 48,211 = 48,211 messages |',
      '```mermaid',
      '<details>',
      '- [x] Artifacts: progressdb',
      '- [ ] Staging: not reached',
      '- [ ] One retention period: until 6 Dec 2026',
      'switch: none',
    )
  })
  it('claims equal counts and proofs only where all were counted and proven', () => {
    const unsure = report({
      ...promoted,
      nodes: [
        node('db-1', {
          counts: { what: 'messages', before: 48211, after: 'unknown' },
          point: { ...point, proven: true },
        }),
        node('db-2', { point: { ...point, proven: false } }),
        node('db-3', { point: { ...point, proven: true } }),
      ],
    }).plain
    expect(unsure).toContain('3 rollback points, 2 of them proven by restoring')
    expect(unsure).toContain('db-1 48,211 → unknown messages')
    expect(unsure).not.toContain('counts equal')
  })
  it('does not say what the nodes do not show', () => {
    const nodes = promoted.nodes.map(
      (n, i): NodeReport => (i === 1 ? { ...n, state: 'not-serving', now: 'stopped' } : n),
    )
    expect(report({ ...promoted, nodes }).headline).toBe(
      '✓ Promoted — db-2 does not serve; db-1 and db-3 serve v0.2.2',
    )
    expect(report({ ...promoted, nodes }).outputs.version).toBe('unknown')
  })
})

describe('a release rolled back', () => {
  const page = report(rolledBack)
  it('says what failed, beside its limit, and what happened to the data', () => {
    expect(page.headline).toBe(
      '⟲ Rolled back — v0.2.2 failed on canary db-1; all 3 nodes serve v0.2.1, data kept',
    )
    inOrder(
      page.markdown,
      '**Why** `error-rate-higher`: 38 of 412 probe requests failed on the canary (9.2 %)',
      'allowed is 1 % above the baseline. First seen 22:16:13 UTC, decided 22:16:52.',
      '**Data** db-1 went back in place: v0.2.1 runs on the data directory as it was; nothing was restored or set aside',
      'db-1 48,211 → 49,415 messages',
      '**Next** nothing is owed.',
      '| db-1 (canary) | v0.2.1 | **v0.2.1** ⟲ |',
      '1.6 s snapshot + 1.9 s upgrade + 1.7 s way back',
      '| db-2 (wave 2) | v0.2.1 | v0.2.1 | ready, 3 ms | – | – | – | untouched |',
      '    v0.2.2 canary     :crit, 2026-11-22 22:15:32, 82s',
      '| failed probe requests | 38 / 412 = 9.2 % | 1 / 824 = 0.1 % | baseline + 1 % | **fail** |',
      '| p95 of probe requests |',
      'Which probe requests failed',
      '| create thread | 38 | 1 | 122 |',
      '- [x] Canary: db-1, watched 1:20 of 10:00',
    )
  })
  it('gives the block as plain text', () => {
    expect(page.plain.split('\n')[0]).toBe(page.headline)
    expect(page.plain).toContain('Why: error-rate-higher: 38 of 412')
    expect(page.plain).not.toMatch(/\*\*|`|\\|&\w+;|\u200b/)
  })
  it('names the person of a rollback by hand', () => {
    const byHand = report({ ...rolledBack, mode: 'rollback', code: 'by-hand', from: 'v0.2.2', to: 'v0.2.1' })
    expect(byHand.headline).toMatch(
      /^⟲ Rolled back — from v0.2.2 to v0.2.1, asked for by @ana; all 3 nodes serve v0.2.1/,
    )
  })
  it('says a loss in writes, or that it is unknown, never 0', () => {
    const lost = (writes: number | 'unknown'): string =>
      report({
        ...rolledBack,
        data: 'restored',
        nodes: rolledBack.nodes.map((n, i) =>
          i === 0 ? { ...n, restoredFrom: '000042', setAside: { path: '/d/x', writes, line: 'serve' } } : n,
        ),
      }).plain
    expect(lost(1204)).toContain(
      'its snapshot 000042 is back; the data it had until then, with 1,204 writes made since, lies untouched in /d/x',
    )
    expect(lost('unknown')).toContain('with an unknown number of writes made since')
    expect(lost(1204)).not.toContain('nothing was restored')
  })
})

describe('a release that needs a person', () => {
  const page = report(needsOperator)
  it('opens with the lost node and ends the block with lines to paste, in order', () => {
    expect(page.headline).toBe(
      '✗ Needs you — db-2 is unreachable and may serve v0.2.2; db-1 serves v0.2.1 from its snapshot; db-3 serves v0.2.1',
    )
    inOrder(
      page.markdown,
      '**Why** `node-unreachable`: link to db-2 lost',
      '**Data** db-1: its snapshot `000042` is back',
      'db-2 could not be asked: what became of the data there is unknown',
      '**Next** 2 things, in this order:',
      '\n1. Make the node reachable: `ssh deploy@db-2.internal`',
      '\n2. Settle db-2 and free the lease: `progressdb-rollout recover`',
      '| db-2 (canary) | v0.2.1 | **maybe v0.2.2** | **unreachable**, no answer since 22:31:07 UTC | unknown | unknown |',
      '| db-1 (canary)',
      '**Data set aside**',
      '`progressdb --data /var/lib/copy | tee "x"`',
    )
  })
  it('leaves a line to paste as it is', () => {
    const owed = [{ what: 'Look at it', line: "ssh deploy@fe80::1 'tail -n 5 log | grep x'" }]
    const given = report({ ...needsOperator, owed })
    expect(given.plain).toContain("Look at it: ssh deploy@fe80::1 'tail -n 5 log | grep x'")
    expect(given.markdown).toContain("`ssh deploy@fe80::1 'tail -n 5 log | grep x'`")
  })
  it('keeps the steps a list of their own', () => {
    const lists = nodesOf(parseGfm(page.markdown), 'list')
    expect(lists[0]?.children?.map(textOf)).toEqual([
      'Make the node reachable: ssh deploy@db-2.internal',
      'Settle db-2 and free the lease: progressdb-rollout recover',
    ])
  })
})

describe('a plan to approve', () => {
  it('says what is agreed to, until when, and the hash', () => {
    inOrder(
      report(waiting).markdown,
      '## Plan — v0.2.1 → v0.2.2 on 3 nodes; no node runs v0.2.2 yet',
      '**You approve** canary db-1 for 10:00, then db-2, then db-3: 14:00 of watching; each node once out of service. Approve before 23:15:00 UTC.',
      "**Data** rehearsed on db-1's copy: v0.2.2 ready in 2.1 s, counts equal, disk grew 3 %",
      '**Release** sha256 `9f1c0a3b5d7e` from the build job; 1 breaking line in its notes:',
      `**Plan** \`${waiting.planHash}\`; it stops if anything in it has changed`,
      'intake WAL and recovery on',
      '38 MB needed now, 4.7 GB at worst, 71 GB free',
    )
  })
  it('does not forecast before the rehearsal', () => {
    const { rehearsed: _, ...before } = waiting
    const { plain } = report({ ...before, mode: 'plan', code: 'planned', stopped: { after: 'plan' } })
    expect(plain).toContain('the canary twice, the others once out of service')
    expect(plain).toContain('Data: not rehearsed yet')
    expect(plain).not.toContain('Approve before')
  })
})

describe('the other endings', () => {
  const three = [node('db-1'), node('db-2'), node('db-3')]
  it.each<[string, Partial<ReportInput>, string]>([
    [
      'there already',
      { outcome: 'unchanged', code: 'already-there', to: 'v0.2.1' },
      '= Unchanged — nothing to do: all 3 nodes serve v0.2.1',
    ],
    [
      'superseded',
      { outcome: 'unchanged', code: 'superseded' },
      '= Unchanged — a newer release is already running; all 3 nodes serve v0.2.1',
    ],
    [
      'refused',
      { outcome: 'unchanged', code: 'plan-refused' },
      '= Unchanged — v0.2.2 was not rolled out: the plan found problems; all 3 nodes serve v0.2.1, data untouched',
    ],
    [
      'a status',
      { outcome: 'stopped', mode: 'status', code: 'nothing-owed' },
      '= Status — nothing is owed; all 3 nodes serve v0.2.1',
    ],
    [
      'parked',
      { outcome: 'stopped', code: 'awaiting-approval', stopped: { after: 'canary', until: at('02:15:00') } },
      '⏸ Stopped — waiting for your approval until 02:15:00 UTC; all 3 nodes serve v0.2.1',
    ],
  ])('%s', (_, more, headline) => {
    expect(report({ ...waiting, data: 'untouched', nodes: three, ...more }).headline).toBe(headline)
  })
  it('lists every problem of a refusal with its next step', () => {
    const problems = [1, 2].map(n => ({
      code: 'NO_ASSET',
      what: `nothing for linux/${n}`,
      because: 'the release has none',
      next: 'build it',
      where: 'db-1',
    }))
    inOrder(
      report({ ...waiting, outcome: 'unchanged', code: 'plan-refused', problems }).markdown,
      '**2 problems**',
      '`NO_ASSET` db-1: nothing for linux/1, because the release has none. Next: build it',
      'linux/2',
    )
  })
})

const evil =
  '</details><script>x</script> | `a` ``` ::error::x ##[group]y **b** [l](http://e.x) @ana #1 $x$ www.e.x\n# h\n---\n\u202e %%{init}%% :;'
const hostileNode = node('db-1', {
  serving: evil,
  note: evil,
  point: { name: evil, kind: 'rollback-point', proven: true },
  counts: { what: evil, before: 1, after: 2 },
  setAside: { path: evil, writes: 1, line: evil },
  restoredFrom: evil,
  gaps: [{ what: evil, ms: 1 }],
})
const hostile = (input: ReportInput): ReportInput => ({
  ...input,
  why: evil,
  who: evil,
  nodes: [hostileNode, ...input.nodes.slice(1)],
  watches: input.watches.map(w => ({
    ...w,
    verdict: { ...w.verdict, text: evil, signals: [{ ...(failed.signals[0] ?? never()), name: evil }] },
  })),
  probes: [{ step: evil, of: 2, failed: 1, errors: 0, firstFailure: { text: evil, at: 0 } }],
  timeline: [{ section: evil, label: evil, start: at('22:00:00'), end: at('22:00:01'), crit: true }],
  checklist: { artifacts: { done: true, evidence: evil } },
  owed: [{ what: evil, line: evil }, { what: evil }],
  problems: [{ code: evil, what: evil, because: evil, next: evil, where: evil }],
  warnings: [evil],
  links: [{ label: evil, url: evil }],
  ...(input.plan === undefined
    ? {}
    : {
        plan: {
          ...input.plan,
          notes: { ...input.plan.notes, breaking: [evil], digestSource: evil, defaults: [evil] },
        },
      }),
})
const never = (): never => {
  throw new Error('the fixture has no signal')
}

describe.each([
  ['promoted', promoted],
  ['rolled back', rolledBack],
  ['needs you', needsOperator],
  ['plan', waiting],
])('the page of %s', (_, input) => {
  it.each([
    ['as it is', input],
    ['with hostile text everywhere', hostile(input)],
  ])('is whole GFM with readable charts, %s', async (_, given) => {
    const page = report(given).markdown
    const tree = await readGfm(page)
    const html = nodesOf(tree, 'html').map(h => h.value ?? '')
    expect(
      html.every(h => /^<details><summary>[A-Za-z ,]+<\/summary>$|^<\/details>$/.test(h)),
      html.join('\n'),
    ).toBe(true)
    expect(html.filter(h => h.startsWith('<details>')).length).toBe(
      html.filter(h => h === '</details>').length,
    )
    for (const table of nodesOf(tree, 'table'))
      expect(new Set((table.children ?? []).map(row => row.children?.length)).size).toBe(1)
    expect(nodesOf(tree, 'heading').length).toBe(1)
    expect(nodesOf(tree, 'image').length).toBe(0)
    expect(nodesOf(tree, 'link').every(l => textOf(l) === 'this run')).toBe(true)
    expect(workflowCommands(page)).toEqual([])
    expect(charts(tree).length).toBe(given.timeline.length > 0 ? 1 : 0)
    for (const chart of charts(tree)) expect(await readChart(chart)).toBe('gantt')
    expect(page.indexOf('```mermaid')).toBeLessThan(page.indexOf('<details>'))
  })
  it('has everything of its chart in text too', () => {
    const text = rows(parseGfm(report(input).markdown)).map(row => row.join(' '))
    for (const s of input.timeline)
      expect(
        text.some(row => row.includes(s.section) && row.includes(s.label)),
        s.label,
      ).toBe(true)
  })
})

const firstCell = (row: Tree | undefined): string => (row?.children ?? []).map(textOf)[0] ?? ''

describe('a large fleet', () => {
  const nodes = Array.from({ length: 45 }, (_, i) =>
    node(`db-${i + 2}`, i === 40 ? { state: 'unreachable', now: 'v0.2.2' } : {}),
  )
  const segments = Array.from(
    { length: 400 },
    (_, i): Segment => ({
      section: `db-${i}`,
      label: 'x'.repeat(200),
      start: i * 1000,
      end: i * 1000 + 900,
      crit: i === 7,
    }),
  )
  it('shows 30 rows, the lost node first, and says what is left', () => {
    const table = nodesOf(parseGfm(report({ ...needsOperator, nodes }).markdown), 'table')[0]
    expect(table?.children?.length).toBe(31)
    expect(firstCell(table?.children?.[1])).toBe('db-42 (wave 42)')
    expect(report({ ...needsOperator, nodes }).markdown).toContain('and 15 more nodes, all serving')
    expect(report({ ...needsOperator, nodes }).headline).toBe(
      '✗ Needs you — db-42 is unreachable and may serve v0.2.2; 44 nodes serve v0.2.1',
    )
  })
  it('stays within 200 kB, leaves out whole parts, and names them', async () => {
    const long = 'é'.repeat(1900)
    const page = report({
      ...needsOperator,
      nodes: nodes.map(n => ({ ...n, note: long })),
      timeline: segments,
      warnings: Array.from({ length: 50 }, () => long),
      probes: Array.from({ length: 60 }, () => ({
        step: long,
        of: 1,
        failed: 1,
        errors: 0,
        firstFailure: { text: long, at: 0 },
      })),
    }).markdown
    expect(new TextEncoder().encode(page).length).toBeLessThanOrEqual(200_001)
    expect(page).toMatch(/Left out, because this page would be too long: .*Timeline as text/)
    expect(page).toContain('**Next** 2 things')
    for (const chart of charts(parseGfm(page))) expect(await readChart(chart)).toBe('gantt')
  })
  it('draws what failed when there are too many bars', () => {
    const chart = charts(parseGfm(report({ ...needsOperator, timeline: segments }).markdown))[0] ?? ''
    expect(chart.split('\n').filter(l => /:(done|crit),/.test(l)).length).toBe(100)
    expect(chart).toContain(':crit')
  })
})

describe('how the job ends', () => {
  it.each([
    ['promoted', 'release', 'all-passed', 0],
    ['stopped', 'release', 'awaiting-approval', 0],
    ['rolled-back', 'rollback', 'by-hand', 0],
    ['rolled-back', 'release', 'error-rate-higher', 2],
    ['rolled-back', 'recover', 'runner-lost', 2],
    ['unchanged', 'release', 'already-there', 0],
    ['unchanged', 'release', 'superseded', 0],
    ['unchanged', 'release', 'plan-refused', 3],
    ['unchanged', 'release', 'cancelled', 3],
    ['needs-operator', 'release', 'node-unreachable', 4],
  ] as const)('%s in mode %s for %s exits %d', (outcome, mode, code, exit) => {
    expect(ending({ outcome, mode, code })).toEqual({ exit, level: exit === 0 ? 'notice' : 'error' })
  })
})

describe('the outputs', () => {
  it('come from closed alphabets', () => {
    const { outputs } = report(
      { ...hostile(rolledBack), rollout: 'r-1`$(x)`', planHash: '4b;e0' },
      'out/report.md',
    )
    expect(outputs).toMatchObject({
      outcome: 'rolled-back',
      verdict: 'fail',
      'reason-code': 'error-rate-higher',
      version: 'v0.2.1',
      data: 'kept',
    })
    for (const value of Object.values(outputs)) expect(value).not.toMatch(/[`$;"'\\<>|&\n]/)
    expect(outputs['rollout-id']).toBe('r-1x')
    expect(outputs.report).toBe('out/report.md')
  })
})
