import { HOOK_POINTS, type HookPoint } from '../../src/domain/hook-points.ts'
import type { Hooked } from '../../src/domain/event.ts'
import { advance } from '../../src/advance.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/file.ts'
import { asTheNodesSay } from '../../src/domain/as-the-nodes-say.ts'
import { buildPlan } from '../../src/domain/build-plan.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { continues } from '../../src/domain/continues.ts'
import type { Body, Command, Conclusion, Event, Fact, Request, Step } from '../../src/domain/event.ts'
import type { Holding } from '../../src/domain/holder.ts'
import type { Millis, NodeId } from '../../src/domain/node.ts'
import type { Release } from '../../src/domain/release.ts'
import type { Survey, SurveyedNode, Wish } from '../../src/domain/survey.ts'
import type { Effects } from '../../src/effects.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { type NodePort, StepFailed } from '../../src/node/port.ts'
import { failureOf, perform } from '../../src/perform.ts'
import { keepLeases } from '../../src/refresh.ts'
import { SimNode } from '../domain/model/node.ts'
import { survey as surveyOf, wish as wishOf } from '../domain/survey.ts'
import { Site, type SiteNature } from './site.ts'
import { type Link, portOf } from './site-port.ts'
import { blockOf, probeOf } from './site-probe.ts'
import type { VirtualTime } from './virtual-time.ts'

export const old: Release = { version: 'v1.0.0', sha256: 'a'.repeat(64) }
export const fresh: Release = { version: 'v2.0.0', sha256: 'b'.repeat(64) }

export const TTL: Millis = 120_000
/** When GitHub shows that a run has ended. */
const SHOWN: Millis = 60_000

/** `bad`: the share of probe requests that the new release fails. */
/** `asks`: hooks at every point, one of which says no, or none of them (`yes`). */
export type Setting = {
  nodes: number
  waveSize: number
  nature: SiteNature
  bad: number
  hold: boolean
  asks?: 'yes' | HookPoint
}

/** A runner's wall clock, ms: how far ahead of the machines' it is, and what it is set forward by before each of its processes. */
export type Wall = { ahead: Millis; step: Millis }
const TRUE: Wall = { ahead: 0, step: 0 }
/** No process has a reason to begin the same step on one node more often. */
const ENOUGH = 12
const STEPS: readonly Step[] = ['plan', 'snapshot', 'canary', 'promote', 'settle']

type Job = { name: string; journal: Event[]; request: Request; wall: Wall }

/** How a job ended: what it said, `undefined` where its runner was lost. */
export type Ended = {
  mode: Request['mode']
  journal: readonly Event[]
  said: Conclusion | undefined
  rollout: string
}

/** A fleet of machines and whatever runners come along, in one virtual time. The loop, the plan and the judge are the real ones. */
export class Universe {
  readonly time: VirtualTime
  readonly setting: Setting
  readonly sites = new Map<NodeId, { site: Site; link: Link }>()
  readonly trace: string[] = []
  readonly ended: Ended[] = []
  #runs = 0
  readonly #config: Config
  /** Runs that are over, however they ended, and since when. */
  readonly #gone = new Map<string, Millis>()
  /** Mistakes of ours that were taken for failures of a node. */
  readonly violations: string[] = []

  constructor(time: VirtualTime, setting: Setting) {
    this.time = time
    this.setting = setting
    this.#config = configOf(setting.nodes)
    for (let i = 1; i <= setting.nodes; i++) {
      const node = new SimNode(`db-${i}`, { old, fresh }, setting.nature)
      node.strict = false
      this.sites.set(node.id, {
        site: new Site(node, setting.nature, time),
        link: { cutUntil: 0, latency: 20 },
      })
    }
  }

  note(text: string): void {
    this.trace.push(`${String(this.time.now() / 1000).padStart(9)} s  ${text}`)
  }

  /** One job as the composite runs it. `kill`: when all of the runner is gone, ms from now. */
  async job(
    asked: Partial<Request>,
    { kill, wall = TRUE }: { kill?: Millis; wall?: Wall } = {},
  ): Promise<Ended> {
    const run = ++this.#runs
    const name = `run-${run}`
    const killed = kill === undefined ? new Promise<'lost'>(() => undefined) : this.#killed(name, kill)
    const journal: Event[] = []
    const request: Request = {
      mode: 'release',
      tag: fresh.version,
      stopAfter: 'none',
      planHash: '',
      rollbackData: 'auto',
      reason: '',
      ...asked,
    }
    const work = this.#steps({ name, journal, request, wall })
    const how = await Promise.race([work, killed])
    if (how !== 'lost') this.#gone.set(name, this.time.now())
    const said = journal.findLast(e => e.type === 'concluded')
    const first = journal.find(e => e.type === 'opened')
    const end: Ended = {
      mode: request.mode,
      journal,
      said: how === 'lost' || said?.type !== 'concluded' ? undefined : said,
      rollout: first?.type === 'opened' ? first.rollout : '',
    }
    this.ended.push(end)
    this.note(
      `${name} ${request.mode} ${how === 'lost' ? 'is lost' : `ends: ${end.said?.outcome ?? 'nothing said'} ${end.said?.code ?? ''}`}`,
    )
    return end
  }

  async #killed(name: string, after: Millis): Promise<'lost'> {
    await this.time.sleep(after)
    if (!this.#gone.has(name)) this.note(`${name} is killed whole`)
    this.#gone.set(name, this.#gone.get(name) ?? this.time.now())
    return 'lost'
  }

  async #steps(on: Job): Promise<'ended'> {
    const looks = on.request.mode === 'recover' || on.request.mode === 'status'
    const chain: Step[] = looks ? ['plan'] : ['plan', 'snapshot', 'canary', 'promote']
    for (const step of chain) {
      const r = await this.#process(on, step)
      if (!continues(r)) break
    }
    await this.#process(on, 'settle')
    return 'ended'
  }

  /** One process of the engine: dead with its runner, in the middle of whatever it did. */
  async #process(
    { name, journal, request, wall }: Job,
    step: Step,
  ): Promise<Awaited<ReturnType<typeof advance>>> {
    // each process reads the wall clock once, when it starts
    const ahead = wall.ahead + wall.step * STEPS.indexOf(step)
    const clock: Clock = {
      now: () => this.time.now() + ahead,
      sleep: async (ms, stop) => {
        await this.time.sleep(ms, stop)
        if (this.#gone.has(name)) await new Promise(() => undefined)
      },
    }
    const nodes = new Map<NodeId, NodePort>()
    for (const [id, { site, link }] of this.sites) nodes.set(id, portOf(site, link, clock))
    const by = { process: `${name}-${step}-${journal.length}`, who: 'sim', run: name, host: name }
    const begun = new Map<string, number>()
    const leases = keepLeases({ nodes, ttl: TTL, clock })
    const written: Journal = {
      events: journal,
      append: body => {
        const event: Event = { schema: 1, seq: journal.length + 1, at: clock.now(), ...body }
        journal.push(event)
        this.#told(name, step, body)
        if (body.type === 'started') this.#again(begun, body.command)
        return event
      },
      close: () => undefined,
    }
    const effects = this.#effects(nodes, clock, request)
    try {
      return await advance(
        written,
        { rollout: `r-${this.#runs}`, step, by, request },
        {
          perform: (command, r, stop) => perform(effects, command, { r, stop }),
          failureOf,
          signal: leases.lost,
          told: r => leases.follow(r),
        },
      )
    } finally {
      leases.end()
    }
  }

  #again(begun: Map<string, number>, command: Command): void {
    const what = command.kind === 'step' ? `${command.node} ${command.step.do}` : ''
    const times = (begun.get(what) ?? 0) + 1
    begun.set(what, times)
    if (what !== '' && times === ENOUGH)
      this.violations.push(`${what} was begun ${times} times in one process`)
  }

  #told(name: string, step: Step, body: Body): void {
    if (body.type === 'started' && body.command.kind === 'step')
      this.note(`${name} ${step} ${body.command.node} ${body.command.step.do}`)
    else if (body.type === 'decided')
      this.note(`${name} ${step} says ${body.what}${'code' in body ? ` ${body.code}` : ''}`)
    else if (body.type === 'failed') {
      if (body.failure.code === 'INTERNAL') this.violations.push(body.failure.what)
      this.note(`${name} ${step} failed ${body.failure.code} ${body.failure.what}`)
    } else if (body.type === 'done' && body.fact.is === 'refused')
      this.note(`${name} is refused: ${body.fact.problems.map(p => `${p.code} ${p.what}`).join('; ')}`)
    else if (body.type === 'signal') this.note(`${name} ${step} ${body.what}`)
  }

  #effects(nodes: ReadonlyMap<NodeId, NodePort>, clock: Clock, request: Request): Effects {
    const probe = probeOf(this.sites, clock)
    return {
      config: this.#config,
      clock,
      nodes,
      probe,
      observe: async plan => {
        await clock.sleep(plan.to - clock.now())
        const of = (ids: NodeId[]) => ids.map(id => blockOf(this.#at(id), this.setting.bad))
        return { from: plan.from, to: clock.now(), canary: of(plan.canary), baseline: of(plan.baseline) }
      },
      plan: () => this.#plan({ nodes, probe, request, now: clock.now() }),
      binary: async () => '/dev/null',
      tests: async () => '',
      hook: ({ at, node }, r) => this.#ask(clock, { at, node: node ?? '' }, r.id),
      progress: () => undefined,
      doing: () => 'working',
    }
  }

  /** Rollouts that somebody said no to. */
  readonly refused = new Set<string>()

  async #ask(
    clock: Clock,
    { at, node }: { at: HookPoint; node: string },
    rollout: string,
  ): Promise<Hooked[]> {
    await clock.sleep(3000)
    this.note(`asked ${at} ${node}`)
    if (this.setting.asks !== at) return []
    if (at.startsWith('after-')) return [{ hook: 'run x', why: 'ended with 1', output: '' }]
    this.refused.add(rollout)
    throw new StepFailed({ code: 'HOOK_FAILED', what: at, next: '', effect: 'none', kind: 'hook' })
  }

  #at(id: NodeId): { site: Site; link: Link } {
    const found = this.sites.get(id)
    if (!found) throw new Error(`no machine ${id}`)
    return found
  }

  async #plan({
    nodes,
    probe,
    request,
    now,
  }: {
    nodes: ReadonlyMap<NodeId, NodePort>
    probe: Effects['probe']
    request: Request
    now: Millis
  }): Promise<Fact> {
    const looked = await Promise.all([...nodes].map(([id, port]) => this.#look(id, port, probe)))
    const found: Survey = {
      ...surveyOf(looked.flatMap(l => ('now' in l ? [l] : []))),
      unreachable: looked.flatMap(l => ('failure' in l ? [l] : [])),
    }
    const release = found.release && {
      ...found.release,
      tag: fresh.version,
      version: fresh.version,
      binaries: { 'linux/amd64': fresh.sha256 },
    }
    const survey: Survey = release ? { ...found, release } : found
    if (request.mode === 'recover' || request.mode === 'status') return asTheNodesSay(survey, request)
    return buildPlan(survey, this.#wish(request, now))
  }

  async #look(
    id: NodeId,
    port: NodePort,
    probe: Effects['probe'],
  ): Promise<SurveyedNode | Survey['unreachable'][number]> {
    try {
      const { now, facts } = await port.inspect()
      const ready = typeof now.running === 'object' ? await probe.ready({ id, url: '' }) : undefined
      const counts = ready?.ready ? await probe.counts({ id, url: '' }).catch(() => undefined) : undefined
      const holding: Holding | undefined =
        now.lease === 'free' || now.lease.parked ? undefined : this.#holding(now.lease.process)
      return {
        node: id,
        now: { ...now, ready: ready?.ready ?? false },
        facts,
        reports: ready?.version ?? 'unknown',
        why: ready?.why ?? 'it does not run',
        counts,
        intakeWal: this.setting.nature.wal,
        problems: [],
        drainRefused: await port.drainRefused(),
        ...(holding ? { holding } : {}),
      }
    } catch (error) {
      if (error instanceof StepFailed) return { node: id, failure: error.failure }
      throw error
    }
  }

  /** What the page of a run shows: that it has ended, some time after it has. */
  #holding(process: string): Holding {
    const name = process.split('-').slice(0, 2).join('-')
    const gone = this.#gone.get(name)
    if (gone === undefined) return { is: 'going-on' }
    return this.time.now() - gone > SHOWN
      ? { is: 'ended' }
      : { is: 'unknown', why: 'its page shows nothing yet' }
  }

  #wish(request: Request, now: Millis): Wish {
    const base = wishOf()
    const watch = {
      ...base.policy.watch,
      watch: 30_000,
      block: 10_000,
      warmUp: 0,
      deadline: 60_000,
      minSamples: 1,
      noDataBlocks: 3,
    }
    return wishOf({
      mode: request.mode === 'rollback' ? 'rollback' : 'release',
      target: request.mode === 'rollback' ? old.version : fresh.version,
      order: [...this.sites.keys()],
      canary: ['db-1'],
      waveSize: this.setting.waveSize,
      policy: {
        ...base.policy,
        watch: { ...watch, onInconclusive: this.setting.hold ? 'hold' : 'rollback' },
        rewatch: 20_000,
        waveWatch: 20_000,
        approveWithin: 600_000,
        startLimit: 20_000,
        drain: this.setting.nature.drain ? 'commands' : 'none',
        ...(this.setting.asks === undefined ? {} : { hooks: [...HOOK_POINTS] }),
      },
      acceptWriteLoss: true,
      rollbackData: request.rollbackData,
      now,
    })
  }
}

/** Read once for each size of a fleet, as reading takes longer than living. */
const configs = new Map<number, Config>()
function configOf(nodes: number): Config {
  const config = configs.get(nodes) ?? read(Array.from({ length: nodes }, (_, i) => `db-${i + 1}`))
  configs.set(nodes, config)
  return config
}

const read = (ids: NodeId[]): Config =>
  parseConfig(
    [
      'profile: progressdb',
      'local: true',
      'process: {}',
      'install: /opt/{name}',
      'data: /srv/{name}',
      'nodes:',
    ]
      .concat(ids.map((name, i) => `  - { name: ${name}, port: ${8000 + i} }`))
      .join('\n'),
    'simulation.yml',
    { repository: 'o/r' },
  )
