import { unreachable } from '../../src/domain/errors.ts'
import type { NodeFacts } from '../../src/domain/facts.ts'
import type { Millis, NodeStep } from '../../src/domain/node.ts'
import { type Release, sameRelease } from '../../src/domain/release.ts'
import type { Action, Claim, Inspection } from '../../src/node/port.ts'
import { Fault, type Nature, SimNode } from '../domain/model/node.ts'
import { facts } from '../domain/survey.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What a machine is like in a run. `window` and `ttl` ms. */
export type SiteNature = Nature & { wal: boolean; window: Millis }

/** Where the state of the model is the node's disk, this is the machine around it: its clock, its lock, its switch, what users write. */
export class Site {
  readonly node: SimNode
  readonly nature: SiteNature
  readonly time: VirtualTime
  /** Writes that users were told are kept, and those of them that are not applied yet. */
  readonly acknowledged = new Set<number>()
  #recent: { write: number; at: Millis }[] = []
  boots = 1
  /** Full: nothing can be written. */
  full = false
  guest: { release: Release; runs: boolean } | undefined
  staged: { migrated: boolean; writes: number } | undefined
  /** What must never happen, and did. */
  violations: string[] = []
  /** When something last happened to it that no rollout did. */
  disturbed = -1e15
  #lock: Promise<void> = Promise.resolve()
  #word: { at: Millis; boot: number; ttl: Millis } = { at: 0, boot: 1, ttl: 0 }
  #booted: Millis
  #written = 0
  #users = 0
  #process = 1
  /** Told when its switch fires. */
  fired: () => void = () => undefined

  constructor(node: SimNode, nature: SiteNature, time: VirtualTime) {
    this.node = node
    this.nature = nature
    this.time = time
    this.#users = time.now()
    this.#booted = time.now()
  }

  /** Users write every 500 ms to whatever is in service. */
  users(): void {
    const now = this.time.now()
    for (; this.#users + 500 <= now; this.#users += 500) {
      if (!this.serves) continue
      const write = ++this.#written
      this.node.data.writes.add(write)
      this.acknowledged.add(write)
      this.#recent.push({ write, at: this.#users })
    }
    this.#recent = this.#recent.filter(w => now - w.at < 1000)
  }

  get serves(): boolean {
    return this.node.inTraffic
  }

  get process(): string {
    return this.node.running === 'stopped' ? '' : `${this.#process} 1 boot-${this.boots}`
  }

  /** The server ended without being asked: what it had not applied is gone unless its intake WAL kept it. */
  crash(): void {
    this.users()
    this.disturbed = this.time.now()
    if (this.node.running === 'stopped') return
    this.loseItself()
    this.node.running = 'stopped'
    this.node.checked = false
    // a supervisor that is not held off starts it again
    if (this.node.held === false) this.restart()
  }

  /** A server that ends takes what it has not applied with it, unless its intake WAL keeps that. Answers those writes. */
  private lose(): number[] {
    const writes = this.nature.wal ? [] : this.#recent.map(({ write }) => write)
    for (const write of writes) this.node.data.writes.delete(write)
    this.#recent = []
    return writes
  }

  /** Of its own accord: its loss, and not that of a rollout. */
  private loseItself(): void {
    for (const write of this.lose()) this.acknowledged.delete(write)
  }

  /** Whoever runs it starts a server that ended while no rollout had to do with it. */
  startedByHand(): void {
    const { node } = this
    if (node.running === 'stopped' && !node.lease && !node.armed) this.restart()
  }

  private restart(): void {
    const { node } = this
    const mayStart = node.data.openedBy === undefined || sameRelease(node.data.openedBy, node.active)
    if (!mayStart) return
    node.data.opens += 1
    node.running = node.active
    this.#process += 1
  }

  /** Power off and on: the supervisor starts what is active, where the guard lets it. */
  reboot(): void {
    this.users()
    this.disturbed = this.time.now()
    if (this.node.running !== 'stopped') this.loseItself()
    this.node.running = 'stopped'
    this.node.checked = false
    this.boots += 1
    this.#booted = this.time.now()
    if (this.node.held) this.node.held = false
    this.guest = undefined
    if (this.node.held !== undefined) this.restart()
    // no program of a process survives, its switch neither
    if (this.node.held === undefined && this.node.armed)
      this.node.armed = { ...this.node.armed, watched: false }
    this.watch()
  }

  /** One program after the other. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#lock
    let free: () => void = () => undefined
    this.#lock = new Promise(resolve => (free = resolve))
    await before
    try {
      return await work()
    } finally {
      free()
    }
  }

  inspection(): Inspection {
    this.users()
    const now = this.node.observe()
    const lease = now.lease === 'free' ? 'free' : { ...now.lease, left: this.#left() }
    const armed = now.armed && { ...now.armed, left: this.#window() - this.#silent() }
    return {
      now: { ...now, ready: false, lease, ...(armed ? { armed } : {}) },
      facts: this.facts(),
    }
  }

  private facts(): NodeFacts {
    return facts({
      identity: this.node.id,
      configSha: 'config',
      process: this.process,
      pid: this.node.running === 'stopped' ? 'none' : 1,
      diskFree: this.full ? 0 : 9e11,
      configText: this.nature.wal ? WAL_ON : '',
      staging: {
        folder: this.staged ? '/staging' : '',
        process: this.guest?.runs ? 'guest' : '',
        log: '',
        ...(this.guest && !this.guest.runs ? { exit: '1' } : {}),
      },
    })
  }

  #left(): Millis {
    const { at, boot, ttl } = this.#word
    return boot === this.boots ? ttl - (this.time.now() - at) : ttl - (this.time.now() - this.#booted)
  }
  #window(): Millis {
    return this.node.lease?.parked ? this.#word.ttl : this.nature.window
  }
  #silent(): Millis {
    const { at, boot } = this.#word
    if (boot === this.boots) return this.time.now() - at
    // the window begins anew after a reboot, once
    return this.boots > boot + 1 ? this.#window() : this.time.now() - this.#booted
  }
  #speak(ttl: Millis): void {
    this.#word = { at: this.time.now(), boot: this.boots, ttl }
  }

  lease(claim: Claim): Inspection {
    this.writable()
    const held = this.node.lease
    if (held && this.#left() > 0) {
      const own =
        held.rollout === claim.rollout &&
        (held.process === claim.process || claim.over === 'same-rollout' || claim.over === 'parked')
      const parked = claim.over === 'parked' && held.parked
      const passed = typeof claim.over === 'number' && claim.over === held.token
      if (!own && !parked && !passed) throw new Fault('lease', `held by ${held.rollout}`)
    }
    // what has run out, or may be passed over, is in nobody's way
    if (held && held.rollout !== claim.rollout) this.node.lease = undefined
    this.node.takeLease(claim, claim.lines)
    this.#speak(claim.ttl)
    return this.inspection()
  }

  refresh(token: number, ttl: Millis): 'held' | 'lost' {
    const { lease } = this.node
    if (lease?.token !== token) return 'lost'
    if (!lease.parked) this.#speak(ttl)
    return 'held'
  }

  /** A program under its token. */
  act(action: Action, token: number): Inspection & { answer: Record<string, string[]> } {
    this.users()
    const { node } = this
    const holder = node.lease?.token === token ? node.lease.process : ''
    if (holder === '')
      throw new Fault(node.firedToken === token ? 'fired' : 'lease', 'fenced off by a newer token')
    const answer: Record<string, string[]> = {}
    const opens = node.data.opens
    switch (action.do) {
      case 'hash':
        break
      case 'mark-checked':
        if (action.process !== this.process) throw new Fault('check', 'another process runs')
        node.checked = true
        break
      case 'stage-copy': {
        this.writable()
        const point = node.snapshots.find(s => s.name === action.name)
        if (!point) throw new Error(`no checkpoint ${action.name}`)
        this.staged = { migrated: point.data.migrated, writes: point.data.writes.size }
        node.staging = true
        answer['staging_folder'] = ['/staging']
        answer['stage_bytes'] = ['1000']
        answer['stage_port'] = ['4711']
        break
      }
      case 'stage-start':
        this.guest = { release: action.release, runs: this.guestRuns(action.release) }
        break
      case 'stage-stop':
        this.guest = undefined
        answer['stage_bytes'] = ['1000']
        answer['stage_written'] = ['0']
        break
      case 'clean-staging':
        this.guest = undefined
        this.staged = undefined
        node.staging = false
        break
      case 'mark-proven': {
        const point = node.snapshots.find(s => s.name === action.name)
        if (point) point.proven = [...new Set([...point.proven, ...action.ran])]
        break
      }
      case 'adopt':
        throw new Error(`nobody runs ${action.do} here`)
      case 'doubt-drain':
        node.doubted()
        break
      case 'park':
        node.act(action, holder)
        this.#speak(action.within)
        break
      case 'arm':
        node.act(action, holder)
        this.watch()
        break
      case 'record':
      case 'hold':
      case 'let-go':
      case 'snapshot':
      case 'restore':
      case 'install':
      case 'activate':
        this.writable()
        this.step(action, holder)
        break
      case 'stop':
      case 'back':
        if (node.inTraffic) this.lose()
        this.step(action, holder)
        break
      case 'disarm':
      case 'drain':
      case 'undrain':
      case 'finish-swap':
      case 'start':
      case 'release':
        this.step(action, holder)
        break
      default:
        unreachable(action)
    }
    if (node.data.opens !== opens) this.#process += 1
    return { ...this.inspection(), answer }
  }

  /** What is left of a program that was killed in its middle, where that is not the same as before it or behind it. */
  halfDone({ do: name }: Action, token: number): void {
    this.users()
    const began = this.node.lease?.token === token
    if (began && (name === 'drain' || name === 'undrain')) this.node.halfWay(name)
  }

  /** A rollout whose switch has fired never upgrades anew, and nothing is upgraded that was not rehearsed. */
  private mayStart(release: Release): void {
    const { node } = this
    const { lease, data, record } = node
    if (!lease || !sameRelease(release, node.fresh)) return
    if (data.openedBy && sameRelease(data.openedBy, node.fresh)) return
    if (data.from?.startsWith(`${lease.rollout}.return-point`)) return
    if (record.some(e => e.type === 'fired' && e.rollout === lease.rollout))
      this.violations.push(`${node.id} is upgraded anew after its switch had fired`)
    if (!this.rehearsed(lease.rollout))
      this.violations.push(`${node.id} is upgraded without a proven rehearsal`)
  }

  /** By whoever holds the fleet together: was the release proven on any copy for this rollout? */
  rehearsed: (rollout: string) => boolean = () => true

  private step(action: Extract<Action, { do: NodeStep['do'] }>, holder: string): void {
    if (action.do === 'start') this.mayStart(action.release)
    this.node.act(action, holder)
  }

  private writable(): void {
    if (this.full) throw new Fault('disk', 'no space left on the device')
  }

  /** The copy shows what the data would, unless the release behaves only there. */
  private guestRuns(release: Release): boolean {
    const { newStarts, migrates, surprise } = this.nature
    if (!this.staged) throw new Error('a guest without a copy')
    if (sameRelease(release, this.node.old)) return !this.staged.migrated
    if (newStarts && migrates && !surprise) this.staged.migrated = true
    return newStarts
  }

  /** The switch looks every few seconds, as long as the node is armed. */
  private watch(): void {
    const { armed } = this.node
    if (!armed) return
    const look = (): void => {
      if (this.node.armed !== armed || !armed.watched) return
      if (!this.due()) return this.time.at(this.time.now() + 5000, look)
      this.users()
      if (this.full) return this.time.at(this.time.now() + 5000, look)
      const opens = this.node.data.opens
      this.node.fire()
      if (this.node.data.opens !== opens) this.#process += 1
      this.fired()
      const { migrates, surprise } = this.nature
      if (migrates && !surprise && this.node.data.from?.includes('.return-point.'))
        this.violations.push(`the switch of ${this.node.id} tried what the rehearsal had ruled out`)
    }
    this.time.at(this.time.now() + 5000, look)
  }

  private due(): boolean {
    const { lease, armed } = this.node
    if (!armed || lease?.rollout !== armed.rollout) return false
    if (this.#silent() >= this.#window()) return true
    return (this.#left() <= 0 || lease.parked) && this.node.running === 'stopped'
  }
}

const WAL_ON = 'ingest:\n  intake: { wal: { enabled: true }, recovery: { enabled: true } }\n'
