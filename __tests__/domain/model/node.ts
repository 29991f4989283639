import type { Failure } from '../../../src/domain/event.ts'
import type { Millis, NodeStep, Observed, Proof, Snapshot } from '../../../src/domain/node.ts'
import type { SafeStop } from '../../../src/domain/plan.ts'
import { type Release, releaseId, sameRelease } from '../../../src/domain/release.ts'

/** The data of a simulated node: which acknowledged writes it holds, and whether the old release can still read it. */
type Data = { writes: Set<number>; migrated: boolean; opens: number; openedBy?: Release; from?: string }

/** What is true of the releases in this world; the rehearsal sees it unless `surprise`. */
export type Nature = {
  newStarts: boolean
  newHolds: boolean
  migrates: boolean
  /** The copy behaved: the migration happens only on the live node. */
  surprise: boolean
  drain: boolean
  /** A supervisor would restart a server, or end one that takes long. */
  supervised: boolean
}

export class Fault extends Error {
  readonly failure: Failure
  constructor(kind: Failure['kind'], what: string, effect: Failure['effect'] = 'none') {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(what)
    Error.stackTraceLimit = limit
    this.failure = { code: 'SIMULATED', what, next: 'nothing', effect, kind }
  }
}

/** A node as the on-server programs would leave it: the one model of what each step does. */
export class SimNode {
  readonly id: string
  readonly nature: Nature
  readonly old: Release
  readonly fresh: Release
  running: Release | 'stopped' = 'stopped'
  active: Release
  installed: Release[]
  checked = false
  data: Data = { writes: new Set(), migrated: false, opens: 1 }
  setAside: Data[] = []
  snapshots: (Snapshot & { data: Data })[] = []
  staging = false
  drainedAt: number | undefined
  /** It was being taken out of traffic, or put back, and whoever did it died. */
  leaving = false
  /** What nobody on the node can see: clients reach it where it is ready. */
  reached = true
  /** What takes it out of traffic does not answer. */
  balancerAway = false
  lease: Exclude<Observed['lease'], 'free'> | undefined
  token = 0
  held: boolean | undefined
  /** The process that its switch fenced off. */
  firedOn = ''
  firedToken = 0
  armed: { rollout: string; keeps: boolean; watched: boolean; safe: SafeStop } | undefined
  record: Observed['record'] = []
  strict = true
  /** Its wall clock, ms, as it stamps what it makes. */
  wall: Millis = 0

  constructor(id: string, releases: { old: Release; fresh: Release }, nature: Nature) {
    this.id = id
    this.nature = nature
    this.old = releases.old
    this.fresh = releases.fresh
    this.active = releases.old
    this.installed = [releases.old]
    this.running = releases.old
    this.checked = true
    this.data.openedBy = releases.old
    this.held = nature.supervised ? false : undefined
  }

  get ready(): boolean {
    if (this.running === 'stopped') return false
    return sameRelease(this.running, this.old) ? !this.data.migrated : this.nature.newStarts
  }

  get inTraffic(): boolean {
    return this.ready && this.reached
  }

  observe(): Observed {
    const { writes: _, migrated: __, ...marks } = this.data
    return {
      running: this.running,
      active: this.active,
      installed: [...this.installed],
      ready: this.ready,
      checked: this.checked,
      data: { ...marks, swap: 'none', setAside: this.setAside.map((_, i) => `failed-${i}`) },
      traffic: this.traffic(),
      ...(this.drainedAt === undefined ? {} : { drainedAt: this.drainedAt }),
      snapshots: this.snapshots.map(({ data: _, ...s }) => s),
      config: 'config',
      busy: false,
      staging: this.staging,
      lease: this.lease ? { ...this.lease } : 'free',
      ...(this.held === undefined ? {} : { held: this.held }),
      ...(this.armed ? { armed: { ...this.armed, left: 600_000, phase: 'armed' } } : {}),
      record: [...this.record],
    }
  }

  private traffic(): Observed['traffic'] {
    if (!this.nature.drain) return 'no-drain'
    if (this.leaving) return 'leaving'
    return this.drainedAt === undefined ? 'in' : 'drained'
  }

  /** The program that takes it out of traffic, or puts it back, is killed in its middle: clients reach it, if they ever do. */
  halfWay(moves: 'drain' | 'undrain'): void {
    if (moves === 'drain' && this.drainedAt !== undefined) return
    this.reached ||= moves === 'undrain' && !this.balancerAway
    this.doubted()
  }

  /** Its mark is not believed any more. */
  doubted(): void {
    this.leaving = true
    this.drainedAt = undefined
  }

  private balanced(moves: 'drain' | 'undrain'): void {
    if (!this.balancerAway || (moves === 'drain' && this.drainedAt !== undefined)) return
    this.halfWay(moves)
    throw new Fault('drain', 'the balancer does not answer', 'unknown')
  }

  takeLease(claim: { rollout: string; process: string }, lines: Observed['record']): void {
    const held = this.lease
    if (held && held.rollout !== claim.rollout && !held.parked)
      throw new Fault('lease', `held by ${held.rollout}`)
    if (this.record.length === 0 && lines.length === 0)
      throw new Error('a lease without a line that says why')
    this.token += 1
    this.record.push(...lines)
    this.lease = {
      ...claim,
      token: this.token,
      left: 600_000,
      parked: false,
      holder: claim.process,
      doing: '',
    }
  }

  /** Carries out one step for `process`; answers a proof where one was made. Throws `Fault` when it is refused or fails. */
  act(step: NodeStep, process: string): Proof | undefined {
    if (!this.lease || this.lease.process !== process)
      throw new Fault(this.firedOn === process ? 'fired' : 'lease', 'fenced off by a newer token')
    switch (step.do) {
      case 'lease':
        return undefined
      case 'finish-swap':
        if (this.running !== 'stopped') this.never('a swap was finished under a running server')
        return undefined
      case 'record':
        this.record.push(...step.lines)
        return undefined
      case 'clean-staging':
        this.staging = false
        return undefined
      case 'install':
        this.installed.push(step.release)
        return undefined
      case 'drain':
        this.balanced('drain')
        // the count of when it was drained tells later whether anybody can have written since
        this.drainedAt ??= this.data.opens
        this.leaving = false
        this.reached = false
        return undefined
      case 'arm':
        this.armed = { rollout: this.lease.rollout, keeps: step.keeps, watched: true, safe: step.safe }
        return undefined
      case 'disarm':
        this.armed = undefined
        return undefined
      case 'hold':
      case 'let-go':
        this.held = step.do === 'hold'
        this.record.push({
          schema: 1,
          seq: 1,
          at: this.wall,
          type: 'setting-changed',
          rollout: this.lease.rollout,
          what: step.do,
        })
        return undefined
      case 'undrain':
        this.balanced('undrain')
        this.drainedAt = undefined
        this.leaving = false
        this.reached = true
        return undefined
      case 'stop':
        this.leftAlone()
        this.running = 'stopped'
        this.checked = false
        return undefined
      case 'snapshot':
        if (step.kind !== 'rehearsal' && this.running !== 'stopped')
          this.never('a stop checkpoint of a running node')
        this.checkpoint(step.kind, step.name)
        return undefined
      case 'prove':
        return this.prove(step.name, step.with)
      case 'restore':
        return this.restore(step.name)
      case 'activate':
        if (this.running !== 'stopped') this.never('activated under a running server')
        if (!this.installed.some(r => sameRelease(r, step.release)))
          this.never('activated what is not installed')
        this.mayOpen(step.release)
        this.active = step.release
        return undefined
      case 'start':
        return this.start(step.release)
      case 'back':
        return this.back(step.release, step.name)
      case 'wait-ready':
        if (!this.ready) throw new Fault('ready', `${step.release.version} is not ready`)
        return undefined
      case 'check':
        if (!this.holds()) throw new Fault('check', `${step.release.version} hides data`)
        this.checked = true
        return undefined
      case 'park':
        this.lease = { ...this.lease, parked: true }
        return undefined
      case 'release':
        this.lease = undefined
        return undefined
    }
  }

  /** Its switch, where nobody speaks for the rollout: it goes back where that keeps data, and fences off whoever comes late. */
  fire(): void {
    const { armed, lease } = this
    if (!armed || lease?.rollout !== armed.rollout) return
    const say = (what: 'fired' | 'home' | 'held', why: string): number =>
      this.record.push({ schema: 1, seq: 0, at: this.wall, type: 'fired', rollout: armed.rollout, what, why })
    say('fired', 'unconfirmed')
    this.token += 1
    this.firedOn = lease.process
    this.firedToken = lease.token
    this.lease = undefined
    this.armed = undefined
    if (this.goesHome(armed)) say('home', 'unconfirmed')
    else say('held', 'would-lose-writes')
    if (this.held) this.held = false
  }

  private goesHome({ rollout, keeps, safe }: { rollout: string; keeps: boolean; safe: SafeStop }): boolean {
    const foreign = this.data.openedBy !== undefined && !sameRelease(this.data.openedBy, this.old)
    const point = this.snapshots.findLast(
      s => s.kind === 'rollback-point' && s.name.startsWith(`${rollout}.`),
    )
    if (this.data.from?.startsWith(`${rollout}.return-point`) && foreign) return this.stays(rollout)
    const unwritten = point !== undefined && this.drainedAt === point.opens
    if (foreign && !unwritten && !keeps) {
      // held, but it serves what it has where it can
      if (this.running === 'stopped' && sameRelease(this.active, this.fresh)) {
        if (this.held === false) this.held = true
        this.start(this.fresh)
      }
      return false
    }
    const served = foreign && !unwritten && this.running !== 'stopped' && this.nature.drain
    if (served && this.drainedAt === undefined && this.balancerAway) {
      this.halfWay('drain')
      if (!safe.includes('intake-wal')) return false
    }
    if (foreign || this.running === 'stopped') {
      this.running = 'stopped'
      this.checked = false
      if (foreign && unwritten) this.restore(point.name)
      else if (foreign) this.checkpoint('return-point', `${rollout}.return-point.${this.data.opens}`)
      this.active = this.old
      if (this.held === false) this.held = true
      this.start(this.old)
    }
    this.active = this.old
    if (!this.ready) return this.stays(rollout)
    if (this.balancerAway && (this.leaving || this.drainedAt !== undefined)) {
      this.halfWay('undrain')
      return false
    }
    this.drainedAt = undefined
    this.leaving = false
    this.reached = true
    return true
  }

  /** The old release does not run on the data, whatever was foreseen: what the new one wrote comes back, and it is started on it. */
  private stays(rollout: string): false {
    const point = this.snapshots.findLast(s => s.kind === 'return-point' && s.name.startsWith(`${rollout}.`))
    if (!point) return false
    if (this.data.openedBy && sameRelease(this.data.openedBy, this.fresh) && this.running !== 'stopped')
      return false
    this.running = 'stopped'
    this.restore(point.name)
    this.active = this.fresh
    if (this.held === false) this.held = true
    this.start(this.fresh)
    return false
  }

  /**
   * What the programs refuse. Where nothing but the rollout acts on a node, it must not even be asked for; beside reboots and
   * supervisors it may be, from what was seen a moment before.
   */
  private never(what: string): never {
    if (this.strict) throw new Error(what)
    throw new Fault('other', what)
  }

  /** No supervisor may meddle with a server that is being changed. */
  private leftAlone(): void {
    if (this.held === false) this.never('a server was changed under its supervisor')
  }

  private holds(): boolean {
    return this.running !== 'stopped' && (sameRelease(this.running, this.old) || this.nature.newHolds)
  }

  private checkpoint(kind: Snapshot['kind'], name: string): void {
    const there = this.snapshots.find(s => s.name === name)
    if (there?.kind === kind && there.opens === this.data.opens) return
    if (there) this.never(`${name} is there, from another stop`)
    const of = this.data.openedBy ?? this.old
    const data = { ...this.data, writes: new Set(this.data.writes) }
    this.snapshots.push({
      name,
      kind,
      of,
      opens: this.data.opens,
      sealed: true,
      clean: true,
      proven: [],
      at: this.wall,
      data,
    })
  }

  private prove(name: string, releases: Release[]): Proof {
    const point = this.snapshots.find(s => s.name === name)
    if (!point) throw new Error(`no checkpoint ${name}`)
    let migrated = point.data.migrated
    const runs: Proof['runs'] = []
    for (const release of releases) {
      const old = sameRelease(release, this.old)
      const outcome = old
        ? migrated
          ? 'exited'
          : 'ok'
        : !this.nature.newStarts
          ? 'exited'
          : this.nature.newHolds
            ? 'ok'
            : 'invariants'
      if (!old && this.nature.migrates && !this.nature.surprise) migrated = true
      runs.push({ release, startup: 1, outcome, why: outcome, counts: {} })
      if (outcome !== 'ok') break
    }
    const ran = runs.filter(r => r.outcome === 'ok').map(r => releaseId(r.release))
    point.proven = [...new Set([...point.proven, ...ran])]
    if (!name.includes('.rehearsal.') && runs.some(r => r.outcome !== 'ok'))
      throw new Fault('proof', `${name} does not hold`)
    return { name, runs, bytesBefore: 1, bytesAfter: 1, bytesWritten: 0 }
  }

  private restore(name: string): undefined {
    if (this.running !== 'stopped') this.never('restored under a running server')
    const point = this.snapshots.find(s => s.name === name)
    if (!point) this.never(`there is no checkpoint ${name}`)
    if (this.data.from === name && this.data.opens === point.opens) return undefined
    this.setAside.push(this.data)
    this.data = { ...point.data, writes: new Set(point.data.writes), from: name }
    return undefined
  }

  private start(release: Release): undefined {
    if (!sameRelease(this.active, release)) this.never('started what is not active')
    if (this.running !== 'stopped') {
      if (!sameRelease(this.running, release)) this.never('started beside another server')
      return undefined
    }
    this.leftAlone()
    this.mayOpen(release)
    // beyond every checkpoint's, so that after a restore two histories never share one
    this.data.opens = Math.max(this.data.opens, ...this.snapshots.map(s => s.opens)) + 1
    this.data.openedBy = release
    this.running = release
    this.checked = false
    if (sameRelease(release, this.fresh) && this.nature.migrates && this.nature.newStarts)
      this.data.migrated = true
    return undefined
  }

  /** No binary but the one that opened the data last, without a checkpoint of this very stop. */
  private mayOpen(release: Release): void {
    const foreign = this.data.openedBy && !sameRelease(this.data.openedBy, release)
    if (foreign && !this.snapshots.some(s => s.kind !== 'rehearsal' && s.opens === this.data.opens))
      this.never(`${release.version} let at live data without a checkpoint of that stop`)
  }

  private back(release: Release, name: string): undefined {
    this.leftAlone()
    if (this.running !== 'stopped' && sameRelease(this.running, release)) return undefined
    this.running = 'stopped'
    if (!this.data.openedBy || !sameRelease(this.data.openedBy, release))
      this.checkpoint('return-point', name)
    this.active = release
    return this.start(release)
  }
}

/** For assertions: is it at rest, serving one of the two releases, nothing left over? */
export const leftovers = (n: SimNode): string[] => [
  ...(n.drainedAt === undefined && !n.leaving ? [] : ['drained']),
  ...(n.staging ? ['staging'] : []),
  ...(n.lease ? ['lease'] : []),
  ...(n.armed ? ['armed'] : []),
  ...(n.held ? ['its supervisor held off'] : []),
  ...(n.ready ? [] : ['not serving']),
  ...(n.running !== 'stopped' && !sameRelease(n.running, n.active) ? ['link and process differ'] : []),
]
