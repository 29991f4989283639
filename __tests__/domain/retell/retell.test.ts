import { describe, expect, it } from 'vitest'
import type { Conclusion, Standing } from '../../../src/domain/event.ts'
import type { Observed } from '../../../src/domain/node.ts'
import { report } from '../../../src/domain/report.ts'
import { retell } from '../../../src/domain/retell.ts'
import { failed, passed, plan, proof } from '../report/fixtures.ts'
import { context, told } from './context.ts'
import { fresh, Notes, observed, old, point, ROLLOUT, shown } from './journal.ts'

const hash = 'f'.repeat(64)
const one = {
  ...plan,
  nodes: plan.nodes.slice(0, 2),
  waves: [['db-1'], ['db-2']],
  leaseOrder: ['db-1', 'db-2'],
}
const after = (opens: number): Observed['data'] => ({ opens, openedBy: fresh, swap: 'none', setAside: [] })
const stopped = observed({ running: 'stopped', ready: false, checked: false })
const upgraded = observed({
  running: fresh,
  active: fresh,
  data: after(8),
  snapshots: [point({ proven: ['v0.2.1-aaaaaaaaaaaa'] })],
})
const said = (more: Partial<Conclusion>): { type: 'concluded' } & Conclusion => ({
  type: 'concluded',
  outcome: 'promoted',
  code: 'all-passed',
  why: 'good',
  version: 'v0.2.2',
  data: 'kept',
  owed: [],
  ...more,
})
const serving: Standing[] = ['db-1', 'db-2', 'db-3'].map(node => ({
  node,
  state: 'serving',
  version: 'v0.2.1',
  says: 'ready',
}))

/** Planned, snapshot taken (1.6 s) and rehearsed, the canary upgraded. */
function upToWatch(): Notes {
  const n = new Notes().opened('plan')
  n.did(
    { kind: 'plan' },
    {
      is: 'planned',
      plan: one,
      hash,
      standing: [
        ...serving.slice(0, 2),
        { node: 'db-3', state: 'serving', version: 'v0.2.2', says: 'ready' },
      ],
    },
    4000,
  )
  n.add({ type: 'decided', what: 'planned', plan: one, hash }).opened('snapshot')
  for (const id of ['db-1', 'db-2']) n.inspected(id, observed())
  n.step('db-1', { do: 'snapshot', kind: 'rehearsal', name: `${ROLLOUT}.rehearsal.7` }, observed(), {
    took: 1600,
  })
  n.step('db-1', { do: 'prove', name: `${ROLLOUT}.rehearsal.7`, with: [old, fresh, old] }, observed(), {
    took: 21_000,
    proof,
  })
  n.add({ type: 'decided', what: 'rehearsed', class: 'keeps-data', proofs: { 'db-1': proof }, hash }).opened(
    'canary',
  )
  for (const id of ['db-1', 'db-2']) n.inspected(id, observed())
  return upgrade(n, 'db-1')
}

/** Stop, rollback point, start, ready: out of service from the stop to the answer that is ready. */
function upgrade(n: Notes, id: string): Notes {
  n.step(id, { do: 'stop' }, stopped, {
    took: 400,
    witness: { counts: { messages: 48_211, keys: 9 }, quiet: true },
  })
  n.step(
    id,
    { do: 'snapshot', kind: 'rollback-point', name: point().name },
    { ...stopped, snapshots: [point()] },
  )
  n.step(id, { do: 'start', release: fresh }, { ...upgraded, ready: false, checked: false }, { took: 200 })
  n.step(id, { do: 'wait-ready', release: fresh }, { ...upgraded, checked: false }, { took: 300 })
  return n.step(id, { do: 'check', release: fresh }, upgraded, { counts: { messages: 48_211, keys: 9 } })
}

function watched(n: Notes, bad: number): Notes {
  const from = n.at
  return n.measured({ from, to: from + 80_000, canary: [shown('db-1', bad)], baseline: [shown('db-2', 0)] })
}

describe('a rollout that was promoted', () => {
  const n = watched(upToWatch(), 0).add({
    type: 'decided',
    what: 'verdict',
    wave: 0,
    verdict: passed,
    before: [],
  })
  n.opened('promote').inspected('db-1', upgraded).inspected('db-2', observed())
  upgrade(n, 'db-2')
  n.measured({ from: n.at, to: n.at + 120_000, canary: [shown('db-1', 0), shown('db-2', 0)], baseline: [] })
  n.add({ type: 'decided', what: 'verdict', wave: 1, verdict: passed, before: [] })
  n.opened('settle').inspected('db-1', upgraded).inspected('db-2', upgraded).add(said({}))
  const input = told(n.events)

  it('has both nodes with what was measured of them', () => {
    expect(input.nodes[0]).toEqual({
      name: 'db-1',
      role: 'canary',
      before: 'v0.2.1',
      state: 'serving',
      now: 'v0.2.2',
      serving: 'ready, data checked',
      wentBack: false,
      // stop 400 ms, then three commands, each a second after the one before
      gaps: [
        { what: 'snapshot', ms: 1600 },
        { what: 'upgrade', ms: 400 + 1000 + 1000 + 1000 + 200 + 1000 + 300 },
      ],
      point: { name: point().name, kind: 'rollback-point', proven: true },
      counts: { what: 'messages', before: 48_211, after: 48_211 },
    })
    expect(input.nodes[1]).toMatchObject({ name: 'db-2', role: { wave: 2 }, state: 'serving', now: 'v0.2.2' })
  })

  it('has a node that the plan left alone, as it was found', () => {
    expect(input.nodes[2]).toMatchObject({
      name: 'db-3',
      role: 'left-alone',
      before: 'v0.2.2',
      now: 'v0.2.2',
      state: 'serving',
    })
  })

  it('has the watches with their lengths, and the probe requests of the one that decided', () => {
    expect(input.watches.map(w => [w.nodes, w.watched, w.of, w.verdict.is])).toEqual([
      [['db-1'], 80_000, 600_000, 'pass'],
      [['db-1', 'db-2'], 120_000, 120_000, 'pass'],
    ])
    expect(input.probes).toEqual([{ step: 'post', of: 100, failed: 0, errors: 0 }])
  })

  it('ticks what was done, with evidence', () => {
    const items = Object.entries(input.checklist).map(
      ([name, item]) => `${name} ${item.done}: ${item.evidence}`,
    )
    expect(items).toEqual([
      'artifacts true: progressdb_v0.2.2_linux_amd64.tar.gz (sha256 cccccccccccc), digests from the build job',
      'backup true: 2 rollback points, 2 of 2 proven by restoring; no copy off the node',
      'staging true: on a copy of db-1: v0.2.1 ready in 900 ms, then v0.2.2 ready in 2.1 s, then v0.2.1 ready in 900 ms',
      'canary true: db-1, watched 1:20 of 10:00: pass',
      'remainder true: 1 of 1 further node on v0.2.2',
    ])
  })

  it('lasts until what was kept goes', () => expect(input.keptUntil).toBe(n.at + 1000))

  it('reads as a page', () => {
    const page = report(input).markdown
    expect(page).toContain('48,211 = 48,211 messages')
    expect(page).toContain('v0.2.2 canary')
  })
})

describe('a rollout that was rolled back', () => {
  const aside = '/var/lib/progressdb.failed-r-7f3a.rollback-point.7'
  const back = observed({
    data: {
      opens: 9,
      openedBy: old,
      from: point().name,
      swap: 'none',
      setAside: ['/var/lib/progressdb.failed-before', aside],
    },
    snapshots: [point()],
  })
  const n = watched(upToWatch(), 40).add({
    type: 'decided',
    what: 'verdict',
    wave: 0,
    verdict: failed,
    before: [],
  })
  n.add({ type: 'decided', what: 'going-back', code: failed.code, why: failed.text, cause: 'fault' }).opened(
    'settle',
  )
  n.inspected('db-1', upgraded).inspected('db-2', observed())
  n.step('db-1', { do: 'stop' }, { ...stopped, data: after(8) }).step(
    'db-1',
    { do: 'restore', name: point().name },
    { ...stopped, data: back.data },
  )
  n.step('db-1', { do: 'start', release: old }, { ...back, ready: false }).step(
    'db-1',
    { do: 'wait-ready', release: old },
    back,
  )
  n.add(
    said({
      outcome: 'rolled-back',
      code: failed.code,
      why: failed.text,
      version: 'v0.2.1',
      data: 'restored',
    }),
  )
  const input = told(n.events)
  const node = input.nodes[0]

  it('says where the data came from and where the other lies', () => {
    expect(node).toMatchObject({
      now: 'v0.2.1',
      state: 'serving',
      wentBack: true,
      restoredFrom: point().name,
    })
    expect(node?.setAside).toEqual({
      path: aside,
      writes: 'unknown',
      line: `cp -a --reflink=auto ${aside} ${aside}.copy, then start /opt/progressdb/releases/v0.2.2-9f1c0a3b5d7e/progressdb with a configuration that names ${aside}.copy and another port`,
    })
  })

  it('does not take a count of the new version for one after the way back', () => {
    expect(node?.counts).toEqual({ what: 'messages', before: 48_211, after: 'unknown' })
  })

  it('has the way back as a gap and as a part of the timeline', () => {
    expect(node?.gaps.map(g => g.what)).toEqual(['snapshot', 'upgrade', 'way back'])
    const parts = input.timeline.filter(s => s.section === 'db-1').map(s => [s.label, s.crit])
    expect(parts).toEqual([
      ['snapshot', false],
      ['verify, rehearse', false],
      ['v0.2.2 canary', true],
      ['back to v0.2.1', false],
    ])
  })

  it('leaves the box of the canary open', () => expect(input.checklist.canary).toMatchObject({ done: false }))

  it('has the failed probe requests', () =>
    expect(input.probes).toEqual([{ step: 'post', of: 100, failed: 40, errors: 0 }]))
})

describe('a node that is lost', () => {
  const n = upToWatch().opened('settle').inspected('db-2', observed())
  for (let i = 0; i < 3; i++) n.failed({ kind: 'inspect', node: 'db-1' })
  n.add(
    said({
      outcome: 'needs-operator',
      code: 'node-unreachable',
      why: 'db-1: no answer',
      owed: [{ what: 'Settle', line: 'recover' }],
    }),
  )
  const input = told(n.events)

  it('may serve what was last seen on it', () => {
    expect(input.nodes[0]).toMatchObject({
      state: 'unreachable',
      now: 'v0.2.2',
      wentBack: false,
      note: 'no answer',
    })
    expect(input.nodes[0]?.serving).toMatch(/^no answer since 22:\d\d:\d\d UTC$/)
    expect(input.nodes[1]).toMatchObject({ state: 'serving', now: 'v0.2.1' })
  })
  it('is a problem of its own', () =>
    expect(input.problems).toEqual([{ code: 'GONE', what: 'no answer', next: 'look', where: 'db-1' }]))
})

describe('a journal that nobody concluded', () => {
  it('belongs to a person, with the line to type', () => {
    const input = told(upToWatch().events)
    expect(input).toMatchObject({ outcome: 'needs-operator', code: 'unfinished-rollout', data: 'kept' })
    expect(input.owed.map(o => o.line)).toEqual(['progressdb-rollout recover'])
  })

  it('says of a node with a command in flight only what it may serve', () => {
    const n = upToWatch().begin({ kind: 'step', node: 'db-1', step: { do: 'back', release: old, name: 'x' } })
    expect(told(n.events).nodes[0]).toMatchObject({ state: 'unreachable', now: 'v0.2.1' })
  })

  it('has changed nothing where nothing was started', () => {
    const n = new Notes().opened('plan').begin({ kind: 'plan' }, 'plan')
    expect(told(n.events)).toMatchObject({ outcome: 'needs-operator', data: 'untouched', nodes: [] })
  })

  it('tells a watch that was cut short as undecided', () => {
    const [only] = told(watched(upToWatch(), 0).events).watches
    expect([only?.watched, only?.verdict.is]).toEqual([80_000, 'pending'])
  })
})

describe('a rollback by hand', () => {
  const back = {
    ...one,
    mode: 'rollback' as const,
    version: 'v0.2.1',
    nodes: [{ ...one.nodes[0]!, from: fresh, to: old }],
    waves: [['db-1']],
  }
  const name = `${ROLLOUT}.return-point.8`
  const n = new Notes()
    .opened('plan', { mode: 'rollback' })
    .did({ kind: 'plan' }, { is: 'planned', plan: back, hash })
  n.add({ type: 'decided', what: 'planned', plan: back, hash }).opened('snapshot', { mode: 'rollback' })
  n.inspected('db-1', observed({ running: fresh, active: fresh, data: after(8) }))
  n.step(
    'db-1',
    { do: 'prove', name: `${ROLLOUT}.rehearsal.8`, with: [old] },
    observed({ running: fresh, active: fresh, data: after(8) }),
    { proof },
  )
  n.add({ type: 'decided', what: 'rehearsed', class: 'keeps-data', proofs: { 'db-1': proof }, hash }).opened(
    'promote',
    { mode: 'rollback' },
  )
  n.inspected('db-1', observed({ running: fresh, active: fresh, data: after(8) }))
  const there = observed({
    data: { ...after(9), openedBy: old },
    snapshots: [point({ name, kind: 'return-point' })],
  })
  n.step('db-1', { do: 'back', release: old, name }, there, {
    took: 900,
    witness: { counts: { keys: 12 }, quiet: false },
  })
  n.opened('settle', { mode: 'rollback' }).inspected('db-1', there)
  n.add(said({ outcome: 'rolled-back', code: 'by-hand', why: 'bad release', version: 'v0.2.1' }))
  const input = told(n.events)

  it('went back, says where the data before lies, and claims no canary, class or checklist', () => {
    expect(input.nodes[0]).toMatchObject({
      role: { wave: 1 },
      before: 'v0.2.2',
      now: 'v0.2.1',
      wentBack: true,
      gaps: [{ what: 'way back', ms: 900 }],
    })
    expect(input.nodes[0]?.note).toBe(`its data before the way back: checkpoint ${name}`)
    expect(input.nodes[0]?.point).toBeUndefined()
    expect([input.rehearsed, input.checklist]).toEqual([undefined, {}])
    expect(input.timeline.map(s => s.label)).toEqual(['plan', 'try v0.2.1 on a copy', 'back to v0.2.1'])
  })
  it('opens with who asked for it', () =>
    expect(report(input).headline).toContain(
      'from v0.2.2 to v0.2.1, asked for by @ana; db-1 serves v0.2.1, data kept',
    ))
})

describe('what never changed a node', () => {
  it('tells a refusal with every problem, and what the nodes were', () => {
    const problems = ['A', 'B'].map(code => ({ code, what: `${code} is wrong`, next: `mend ${code}` }))
    const n = new Notes()
      .opened('plan')
      .did({ kind: 'plan' }, { is: 'refused', code: 'plan-refused', problems, plan: one, standing: serving })
    const end = said({
      outcome: 'unchanged',
      code: 'plan-refused',
      why: 'A is wrong; B is wrong',
      data: 'untouched',
      version: '',
    })
    const input = told(n.opened('settle').add(end).events)
    expect(input.problems).toEqual(problems)
    expect(input.owed).toEqual([{ what: 'mend A' }, { what: 'mend B' }])
    expect(report(input).headline).toContain('all 3 nodes serve v0.2.1')
  })

  it('tells a plan', () => {
    const n = new Notes()
      .opened('plan', { mode: 'plan' })
      .did({ kind: 'plan' }, { is: 'planned', plan: one, hash, standing: serving.slice(0, 2) })
    n.add({ type: 'decided', what: 'planned', plan: one, hash }).opened('settle', { mode: 'plan' })
    n.add(
      said({
        outcome: 'stopped',
        code: 'planned',
        why: 'only the plan was asked for',
        data: 'untouched',
        version: '',
      }),
    )
    const input = told(n.events)
    expect(input.stopped).toEqual({ after: 'plan' })
    expect(input.nodes.map(node => [node.role, node.state, node.now])).toEqual([
      ['canary', 'serving', 'v0.2.1'],
      [{ wave: 2 }, 'serving', 'v0.2.1'],
    ])
    expect(report(input).headline).toBe('Plan — v0.2.1 → v0.2.2 on 2 nodes; no node runs v0.2.2 yet')
  })

  it('tells what a status found, node by node', () => {
    const standing: Standing[] = [
      { node: 'db-1', state: 'serving', version: 'v0.2.1', says: 'ready' },
      { node: 'db-2', state: 'not-serving', version: 'stopped', says: 'it does not run' },
    ]
    const n = new Notes()
      .opened('plan', { mode: 'status', tag: '' })
      .did({ kind: 'plan' }, { is: 'nothing', why: 'x', standing })
    n.opened('settle', { mode: 'status', tag: '' })
    n.add(said({ outcome: 'stopped', code: 'nothing-owed', why: 'x', data: 'untouched', version: '' }))
    const { headline, markdown } = report(told(n.events))
    expect(headline).toBe('= Status — nothing is owed; db-2 does not serve; db-1 serves v0.2.1')
    expect(markdown).not.toContain('left alone')
  })

  it('is parked until a stated time', () => {
    const until = Date.parse('2026-11-23T02:00:00Z')
    const n = upToWatch()
      .add({ type: 'decided', what: 'parked', why: 'stop-after', after: 'canary', until })
      .opened('settle')
    n.inspected('db-1', upgraded)
      .inspected('db-2', observed())
      .add(said({ outcome: 'stopped', code: 'awaiting-approval', why: 'it waits' }))
    expect(told(n.events).stopped).toEqual({ after: 'canary', until })
  })
})

describe('without a journal', () => {
  it('there is nothing to tell', () => expect(retell([], context)).toBeUndefined())
  it('a problem is a refusal', () => {
    const input = told([], {
      problems: [{ code: 'CONFIG_NOT_FOUND', what: 'there is no file', next: 'write it' }],
    })
    expect(input).toMatchObject({
      outcome: 'unchanged',
      code: 'plan-refused',
      to: 'v2.0.0',
      nodes: [],
      owed: [{ what: 'write it' }],
    })
  })
})
