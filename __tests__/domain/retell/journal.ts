import type { Body, Event, Fact, Request, Step, Task } from '../../../src/domain/event.ts'
import type { Block, NodeBlock } from '../../../src/domain/measurement.ts'
import type { NodeStep, Observed, Snapshot } from '../../../src/domain/node.ts'
import type { Release } from '../../../src/domain/release.ts'

export const old: Release = { version: 'v0.2.1', sha256: 'a'.repeat(64) }
export const fresh: Release = { version: 'v0.2.2', sha256: '9f1c0a3b5d7e'.padEnd(64, '0') }
export const ROLLOUT = 'r-7f3a'

export const asked: Request = {
  mode: 'release',
  tag: 'v0.2.2',
  stopAfter: 'none',
  planHash: '',
  rollbackData: 'auto',
  reason: '',
}

/** A journal as a person would write it down: one second a line, unless told otherwise. */
export class Notes {
  readonly events: Event[] = []
  at = Date.parse('2026-11-22T22:00:00Z')
  private id = 0

  add(body: Body, after = 1000): this {
    this.at += after
    this.events.push({ schema: 1, seq: this.events.length + 1, at: this.at, ...body })
    return this
  }

  opened(step: Step, request: Partial<Request> = {}): this {
    const by = { process: `p-${this.events.length}`, who: '@ana', run: '', host: 'ci' }
    return this.add({ type: 'opened', rollout: ROLLOUT, step, by, request: { ...asked, ...request } })
  }

  begin(task: Task, of: Step = 'canary'): this {
    this.id += 1
    return this.add({ type: 'started', command: { ...task, id: this.id, of } })
  }

  /** One command and its answer, `took` later. */
  did(task: Task, fact: Fact, took = 1000): this {
    return this.begin(task).add({ type: 'done', id: this.id, fact }, took)
  }

  failed(task: Task, failure: Partial<Extract<Body, { type: 'failed' }>['failure']> = {}): this {
    const base = {
      code: 'GONE',
      what: 'no answer',
      next: 'look',
      effect: 'unknown',
      kind: 'unreachable',
    } as const
    return this.begin(task).add({ type: 'failed', id: this.id, failure: { ...base, ...failure } })
  }

  step(
    node: string,
    step: NodeStep,
    now: Observed,
    more: Partial<Extract<Fact, { is: 'observed' }>> = {},
  ): this {
    const took = more.took ?? 1000
    return this.did({ kind: 'step', node, step }, { is: 'observed', node, now, took, ...more }, took)
  }

  inspected(node: string, now: Observed): this {
    return this.did({ kind: 'inspect', node }, { is: 'observed', node, now, took: 5 })
  }

  measured(block: Block): this {
    const canary = block.canary.map(n => n.node)
    const baseline = block.baseline.map(n => n.node)
    return this.did(
      { kind: 'observe', canary, baseline, from: block.from, to: block.to },
      { is: 'measured', block },
      block.to - block.from,
    )
  }
}

export const observed = (more: Partial<Observed> = {}): Observed => ({
  running: old,
  active: old,
  installed: [old],
  ready: true,
  checked: true,
  data: { opens: 7, openedBy: old, swap: 'none', setAside: [] },
  traffic: 'no-drain',
  snapshots: [],
  config: 'd',
  busy: false,
  staging: false,
  lease: 'free',
  record: [],
  ...more,
})

export const point = (more: Partial<Snapshot> = {}): Snapshot => ({
  name: `${ROLLOUT}.rollback-point.7`,
  kind: 'rollback-point',
  of: old,
  opens: 7,
  sealed: true,
  clean: true,
  proven: [],
  at: 0,
  ...more,
})

export const shown = (node: string, failed: number, of = 100): NodeBlock => ({
  node,
  health: { of: 5, failed: 0, errors: 0 },
  version: fresh.version,
  probes: [{ step: 'post', of, failed, errors: 0 }],
  latency: { '10': of },
  series: {},
  diskFree: { is: 'value', value: 0.5 },
  restarted: false,
})
