import { hookKey } from '../../../src/domain/hook-points.ts'
import { continues } from '../../../src/domain/continues.ts'
import type { Body, Conclusion, Event, Fact, Request, Step, Task } from '../../../src/domain/event.ts'
import type { NodeBlock, WatchPolicy } from '../../../src/domain/measurement.ts'
import { next } from '../../../src/domain/next.ts'
import type { Plan, Policy } from '../../../src/domain/plan.ts'
import { planHash } from '../../../src/domain/plan-text.ts'
import type { Release } from '../../../src/domain/release.ts'
import { apply } from '../../../src/domain/apply.ts'
import { initial, type Rollout, stamp } from '../../../src/domain/rollout.ts'
import { unfinished, waitsForPerson } from '../../../src/domain/unfinished.ts'
import type { Choose } from './choose.ts'
import { Fault, type Nature, SimNode } from './node.ts'

export const old: Release = { version: 'v1.0.0', sha256: 'a'.repeat(64) }
export const fresh: Release = { version: 'v2.0.0', sha256: 'b'.repeat(64) }

const watch: WatchPolicy = {
  watch: 5000,
  warmUp: 0,
  deadline: 5000,
  rate: 2,
  block: 5000,
  minSamples: 1,
  failedAboveBaseline: 0.01,
  failedMax: 0.05,
  breakerBlocks: 2,
  p95Ratio: 1.25,
  p95Floor: 10,
  errorBudget: 0.1,
  noDataBlocks: 0,
  diskReserve: 0.1,
  metrics: [],
  onInconclusive: 'rollback',
}

export type Scenario = {
  nodes: number
  waveSize: number
  nature: Nature
  request?: Partial<Request>
  policy?: Partial<Policy>
  onInconclusive?: 'rollback' | 'hold'
  /** The servers keep what they have accepted. */
  wal?: boolean
}

/** A process ended before its time; `whole`: the runner with it, so that no later step runs. */
class Crash {
  readonly whole: boolean
  constructor(whole: boolean) {
    this.whole = whole
  }
}

/** The hash of a plan costs more than the whole rest of a run; the same decisions have the same one. */
const hashes = new Map<string, string>()
function hashOf(plan: Plan): string {
  const key = JSON.stringify([plan.mode, plan.waves, plan.policy])
  const hash = hashes.get(key) ?? planHash(plan)
  hashes.set(key, hash)
  return hash
}

/** Whoever is asked does nothing to a node. */
const SAYS_NO = { kind: 'hook', effect: 'none' } as const

/** A fleet, one rollout on it, and everything that can go wrong, decided by `choose`. */
export class World {
  readonly nodes: SimNode[]
  readonly scenario: Scenario
  readonly choose: Choose
  readonly acked = new Map<string, Set<number>>()
  /** What happened, told only when somebody asks: most runs are never read. */
  readonly trace: (() => string)[] = []
  now = 1_000_000
  processes = 0
  writes = 0
  faults = true
  rehearsedOn = new Set<string>()
  conclusions: Conclusion[] = []
  /** One a job, also of jobs that were killed. */
  readonly journals: Event[][] = []
  /** Nodes whose last command had an unknown effect, until they are inspected; and whether a step of this process failed. */
  readonly unsure = new Set<string>()
  failed = false
  orphans: { node: SimNode; run: () => void }[] = []

  constructor(scenario: Scenario, choose: Choose) {
    this.scenario = scenario
    this.choose = choose
    const ids = Array.from({ length: scenario.nodes }, (_, i) => `db-${i + 1}`)
    this.nodes = ids.map(id => new SimNode(id, { old, fresh }, scenario.nature))
    for (const id of ids) this.acked.set(id, new Set())
  }

  /** The composite: each step while the one before says `continue`, then settle, whatever happened. Answers its conclusion. */
  job(request: Partial<Request> = {}): Conclusion | undefined {
    const journal: Event[] = []
    this.journals.push(journal)
    const asked: Request = {
      mode: 'release',
      tag: 'v2.0.0',
      stopAfter: 'none',
      planHash: '',
      rollbackData: 'auto',
      reason: '',
      ...this.scenario.request,
      ...request,
    }
    const chain: Step[] =
      asked.mode === 'recover' || asked.mode === 'status'
        ? ['plan']
        : ['plan', 'snapshot', 'canary', 'promote']
    try {
      for (const step of chain) {
        const r = this.process(step, journal, asked)
        if (!r || !continues(r)) break
      }
      return this.process('settle', journal, asked)?.concluded
    } catch (crash) {
      if (crash instanceof Crash) return undefined
      throw crash
    }
  }

  /** One engine process. `undefined` when it was killed; throws `Crash` when the whole runner went. */
  private process(step: Step, journal: Event[], request: Request): Rollout | undefined {
    const name = `p${++this.processes}`
    try {
      return this.loop({ step, journal, request, name })
    } catch (crash) {
      if (!(crash instanceof Crash)) throw crash
      this.trace.push(() => `${name} ${step} killed${crash.whole ? ' with its runner' : ''}`)
      if (crash.whole) throw crash
      return undefined
    }
  }

  private loop(p: { step: Step; journal: Event[]; request: Request; name: string }): Rollout {
    let r = p.journal.reduce(apply, initial)
    this.unsure.clear()
    this.failed = false
    const append = (body: Body): void => {
      this.remember(r, body)
      const event = stamp(r, body, this.now)
      p.journal.push(event)
      r = apply(r, event)
    }
    const by = { process: p.name, who: 'sim', run: '1', host: 'sim' }
    append({ type: 'opened', rollout: r.id || `r-${this.processes}`, step: p.step, by, request: p.request })
    const inFlight: { id: number; task: Task }[] = []
    for (let turn = 0; turn < 600; turn++) {
      this.tick(r)
      const n = next(r)
      if (n === 'done') return this.finish(r)
      if ('record' in n) {
        this.mayCrash(inFlight, p.name)
        this.trace.push(() => `${p.name} ${p.step} says ${JSON.stringify(n.record).slice(0, 160)}`)
        append(n.record)
        continue
      }
      for (const task of n.start) {
        const id = r.lastCommand + 1
        append({ type: 'started', command: { ...task, id, of: p.step } })
        inFlight.push({ id, task })
        if (p.step === 'settle') this.noNewWork(r, task)
        this.mayStart(r, task)
      }
      if (inFlight.length === 0) throw new Error('stuck: nothing in flight and not done')
      const [one] = inFlight.splice(this.choose(inFlight.length), 1)
      if (!one) throw new Error('no command')
      this.land(one, { r, append, inFlight, name: p.name })
    }
    throw new Error(`does not terminate in step ${p.step}`)
  }

  private remember(r: Rollout, body: Body): void {
    if (body.type !== 'done' && body.type !== 'failed') return
    const command = r.inFlight[body.id]
    if (!command || !('node' in command) || command.kind === 'hook') return
    if (body.type === 'done') this.unsure.delete(command.node)
    else {
      if (command.kind === 'step') this.failed = true
      if (body.failure.effect === 'unknown') this.unsure.add(command.node)
    }
  }

  /** Lets a command succeed, fail before or after its effect, or takes the process away around it. */
  private land(
    one: { id: number; task: Task },
    at: { r: Rollout; append: (b: Body) => void; inFlight: { id: number; task: Task }[]; name: string },
  ): void {
    const fate = this.faults ? this.choose(7) : 0
    const label = one.task.kind === 'step' ? `${one.task.node} ${one.task.step.do}` : one.task.kind
    this.trace.push(() => `${at.name} ${label} fate ${fate}`)
    const fail = (kind: 'other' | 'unreachable', effect: 'none' | 'unknown'): void =>
      at.append({
        type: 'failed',
        id: one.id,
        failure: {
          code: 'SIM',
          what: `${label} failed`,
          next: '',
          ...(one.task.kind === 'hook' ? SAYS_NO : { kind, effect }),
        },
      })
    if (fate === 1) return this.refusing(one.task) ? this.landed(one, at) : fail('other', 'none')
    if (fate === 2) {
      this.unheard(one.task, at)
      return fail('unreachable', 'unknown')
    }
    if (fate === 3) return this.crash([one, ...at.inFlight], at.name)
    if (fate === 4) {
      this.unheard(one.task, at)
      return this.crash(at.inFlight, at.name)
    }
    if (fate === 5) return fail('unreachable', 'unknown')
    if (fate === 6) {
      this.orphan([one, ...at.inFlight], at.name)
      at.append({ type: 'signal', what: 'cancelled' })
      return
    }
    this.landed(one, at)
  }

  private landed(
    one: { id: number; task: Task },
    at: { r: Rollout; append: (b: Body) => void; name: string },
  ): void {
    try {
      at.append({ type: 'done', id: one.id, fact: this.perform(one.task, at) })
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      at.append({ type: 'failed', id: one.id, failure: fault.failure })
    }
  }

  /** A drain that fails does so because its balancer is away, and stays away for as long as there are faults. */
  private refusing(task: Task): boolean {
    if (task.kind !== 'step' || (task.step.do !== 'drain' && task.step.do !== 'undrain')) return false
    this.of(task.node).balancerAway = true
    return true
  }

  /** It happened, or was refused, and nobody heard. */
  private unheard(task: Task, at: { r: Rollout; name: string }): void {
    if (task.kind === 'step') {
      const { step } = task
      const node = this.of(task.node)
      const may = (step.do === 'drain' || step.do === 'undrain') && node.lease?.process === at.name
      if (may && this.choose(2) === 1) return node.halfWay(step.do)
    }
    try {
      this.perform(task, at)
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
    }
  }

  private mayCrash(inFlight: { task: Task }[], name: string): void {
    if (this.faults && this.choose(2) === 1) this.crash(inFlight, name)
  }

  private crash(inFlight: { task: Task }[], name: string): never {
    this.orphan(inFlight, name)
    throw new Crash(this.choose(2) === 1)
  }

  /** What was in flight may still happen, later, unless a newer token fences it off. */
  private orphan(inFlight: { task: Task }[], name: string): void {
    for (const { task } of inFlight) {
      if (task.kind !== 'step' || this.choose(2) === 1) continue
      const node = this.of(task.node)
      this.orphans.push({ node, run: () => node.act(task.step, name) })
    }
  }

  /** Points at which a hook was called and said yes. */
  readonly asked: string[] = []

  private perform(task: Task, at: { r: Rollout; name: string }): Fact {
    switch (task.kind) {
      case 'plan':
        return this.plan(at.r)
      case 'inspect':
        return { is: 'observed', node: task.node, now: this.of(task.node).observe(), took: 1 }
      case 'observe':
        return { is: 'measured', block: this.block(task) }
      case 'hook':
        this.asked.push(hookKey(task))
        return { is: 'hooked', hooks: [] }
      case 'step': {
        const node = this.of(task.node)
        if (task.step.do === 'lease') node.takeLease({ rollout: at.r.id, process: at.name }, task.step.lines)
        if (task.step.do === 'start' && task.step.release === fresh && node.lease?.process === at.name)
          this.mayGoForward(at.r, node)
        const aside = node.setAside.length
        const proof = node.act(task.step, at.name)
        if (node.setAside.length > aside) this.lossAllowed(at.r, node)
        if (
          proof?.name.includes('.rehearsal.') &&
          proof.runs[0]?.outcome === 'ok' &&
          proof.runs[1]?.outcome === 'ok'
        ) {
          this.rehearsedOn.add(node.id)
        }
        return { is: 'observed', node: node.id, now: node.observe(), took: 1, ...(proof ? { proof } : {}) }
      }
    }
  }

  private plan(r: Rollout): Fact {
    const seen = Object.fromEntries(this.nodes.map(n => [n.id, n.observe()]))
    const found = unfinished(seen)
    const { mode } = r.request
    if (mode === 'recover' || mode === 'status') {
      return found ? { is: 'resumes', lines: found.lines } : { is: 'nothing', why: 'nothing is owed' }
    }
    const takenOver = found !== undefined && mode === 'rollback' && waitsForPerson(found, seen)
    if (found && !takenOver) {
      const parked = found.lines.some(
        e => e.type === 'decided' && e.what === 'parked' && e.why === 'stop-after',
      )
      if (parked) return { is: 'resumes', lines: found.lines }
      return {
        is: 'refused',
        code: 'unfinished-rollout',
        problems: [{ code: 'UNFINISHED', what: 'unfinished', next: 'recover' }],
      }
    }
    const plan = this.planOf(mode, { restore: r.request.rollbackData === 'restore', all: takenOver })
    if (plan.nodes.length === 0)
      return { is: 'already', version: plan.version, code: 'already-there', why: 'already there' }
    return { is: 'planned', plan, hash: hashOf(plan) }
  }

  private planOf(mode: Request['mode'], { restore, all }: { restore: boolean; all: boolean }): Plan {
    const [from, to] = mode === 'rollback' ? [fresh, old] : [old, fresh]
    const moving = this.nodes.filter(n => n.running !== to)
    const nodes = all && moving.length > 0 ? this.nodes : moving
    const ids = nodes.map(n => n.id)
    const size = this.scenario.waveSize
    const waves = Array.from({ length: Math.ceil(ids.length / size) }, (_, i) =>
      ids.slice(i * size, (i + 1) * size),
    )
    const policy: Policy = {
      watch: { ...watch, onInconclusive: this.scenario.onInconclusive ?? 'rollback' },
      rewatch: 5000,
      waveWatch: 5000,
      rehearse: 'canary',
      requireReversible: false,
      rollbackData: 'auto',
      maxParallel: 2,
      approveWithin: 1000,
      startLimit: 1000,
      stopLimit: 1000,
      diskReserve: 0.1,
      drain: 'none',
      ...this.scenario.policy,
    }
    return {
      mode: mode === 'rollback' ? 'rollback' : 'release',
      tag: to.version,
      version: to.version,
      assets: [],
      waves,
      policy,
      leaseOrder: ids.toReversed(),
      restore: restore ? this.points(moving) : {},
      nodes: ids.map(node => ({
        node,
        from: this.of(node).running === to ? to : from,
        to,
        config: { now: 'config', next: 'config' },
        safeStop: this.scenario.wal ? 'drain+intake-wal' : 'drain',
        checkpoint: 'link',
      })),
      notes: {
        digestSource: '',
        disk: {},
        counts: {},
        breaking: [],
        defaults: [],
        warnings: [],
        leftAlone: [],
        restores: {},
      },
    }
  }

  private points(nodes: SimNode[]): Record<string, string> {
    const found = nodes.flatMap(n => {
      const point = n.snapshots.findLast(s => s.kind === 'rollback-point' && s.of === old)
      return point ? [[n.id, point.name] as const] : []
    })
    return Object.fromEntries(found)
  }

  private block(task: Extract<Task, { kind: 'observe' }>): {
    from: number
    to: number
    canary: NodeBlock[]
    baseline: NodeBlock[]
  } {
    const verdict = task.canary.length === 0 || !this.faults ? 0 : this.choose(3)
    this.now += 5000
    const shown = (node: string, version: string, of: number, failed: number): NodeBlock => ({
      node,
      version,
      health: { of: 5, failed: 0, errors: 0 },
      probes: [{ step: 'post', of, failed, errors: 0 }],
      latency: { '10': of },
      series: {},
      diskFree: { is: 'value', value: 0.5 },
      restarted: false,
    })
    const of = verdict === 2 ? 0 : 100
    return {
      from: task.from,
      to: this.now,
      canary: task.canary.map(n => shown(n, fresh.version, of, verdict === 1 ? 80 : 0)),
      baseline: task.baseline.map(n => shown(n, old.version, 100, 0)),
    }
  }

  /** Time passes, users write to whatever is in service, and orphans of dead processes may still act. */
  private tick(r: Rollout): void {
    this.now += 1000
    for (const n of this.nodes) {
      if (!n.inTraffic) continue
      this.writes += 1
      n.data.writes.add(this.writes)
      this.acked.get(n.id)?.add(this.writes)
    }
    // what happens after the last word was said belongs to the next job
    if (!r.concluded) this.mayFire()
    const [orphan, ...rest] = this.orphans
    if (!orphan || this.choose(2) === 1) return
    this.orphans = rest
    try {
      orphan.run()
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
    }
  }

  /** A link that was cut for long is the same as nobody there: any armed node may go back by itself at any time. */
  private mayFire(): void {
    if (!this.faults) return
    for (const node of this.nodes) {
      if (!node.armed || this.choose(2) === 0) continue
      this.trace.push(() => `${node.id} fires`)
      node.fire()
    }
  }

  private mayGoForward(r: Rollout, node: SimNode): void {
    if (r.plan?.mode !== 'release' || r.goingBack) return
    if (node.record.some(e => e.type === 'fired' && e.rollout === r.id))
      throw new Error(`${node.id}: upgraded anew after its switch had fired`)
    if (this.rehearsedOn.size === 0)
      throw new Error(`${node.id}: ${fresh.version} started without a proven rehearsal`)
  }

  /** Writes were set aside: only where a person said so, or the node's own watch had not passed. */
  private lossAllowed(r: Rollout, node: SimNode): void {
    const lost = [...(node.setAside.at(-1)?.writes ?? [])].filter(w => !node.data.writes.has(w))
    if (lost.length === 0 || r.request.rollbackData !== 'auto' || r.nodes[node.id]?.refuses) return
    const index = r.plan?.waves.findIndex(w => w.includes(node.id)) ?? 0
    if (r.verdicts[index]?.is === 'pass')
      throw new Error(`${node.id}: ${lost.length} writes set aside although its watch had passed`)
    if (r.rehearsed?.class === 'keeps-data' && !r.refusedBefore)
      throw new Error(`${node.id}: ${lost.length} writes set aside although the old release reads them`)
  }

  /** Never repeated blindly, never on after a failure. */
  private mayStart(r: Rollout, task: Task): void {
    if (task.kind !== 'step') return
    if (this.unsure.has(task.node))
      throw new Error(`${task.node}: ${task.step.do} although nobody knows what it is`)
    const forward = task.step.do === 'stop' || task.step.do === 'activate' || task.step.do === 'start'
    if (forward && r.step !== 'settle' && r.plan?.mode === 'release' && this.failed)
      throw new Error(`${task.node}: ${task.step.do} after a failure`)
  }

  private noNewWork(r: Rollout, task: Task): void {
    if (task.kind === 'observe' || task.kind === 'plan') throw new Error(`settle began to ${task.kind}`)
    if (task.kind !== 'step' || r.plan?.mode !== 'release') return
    const { step } = task
    const forward = step.do === 'start' || step.do === 'activate' || step.do === 'install'
    if (
      forward &&
      step.release.sha256 === fresh.sha256 &&
      !r.nodes[task.node]?.refuses &&
      this.of(task.node).data.openedBy !== fresh
    ) {
      throw new Error(`settle took ${task.node} to ${fresh.version}`)
    }
  }

  private finish(r: Rollout): Rollout {
    const said = r.concluded
    if (said) {
      this.conclusions.push(said)
      this.trace.push(() => `concluded ${said.outcome} ${said.code}`)
    }
    return r
  }

  of(id: string): SimNode {
    const found = this.nodes.find(n => n.id === id)
    if (!found) throw new Error(`no node ${id}`)
    return found
  }
}
