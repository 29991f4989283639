import type { Clock } from '../../src/domain/clock.ts'
import type { Failure } from '../../src/domain/event.ts'
import type { Millis } from '../../src/domain/node.ts'
import { type Action, type NodePort, StepFailed } from '../../src/node/port.ts'
import { Fault } from '../domain/model/node.ts'
import type { Site } from './site.ts'

/** The way to a machine. */
export type Link = { cutUntil: Millis; latency: Millis }

/** A machine as one engine process drives it, over a link that may be cut before a program began, or before its answer came. */
export function portOf(site: Site, link: Link, { sleep }: Pick<Clock, 'sleep'>): NodePort {
  const cut = (): boolean => site.time.now() < link.cutUntil
  const call = async <T>(name: string, ms: Millis, work: () => T, halfDone?: () => void): Promise<T> => {
    await sleep(link.latency)
    if (cut()) {
      await sleep(10_000)
      throw new StepFailed(unreachable(site, name, 'none'))
    }
    const boot = site.boots
    const done = await site.locked(async () => {
      await site.time.sleep(ms)
      // the machine went down under the program, in its middle
      if (site.boots !== boot && ms > 0) {
        halfDone?.()
        return undefined
      }
      return attempt(work)
    })
    await sleep(link.latency)
    if (done === undefined || cut()) {
      await sleep(15_000)
      throw new StepFailed(unreachable(site, name, 'unknown'))
    }
    if ('fault' in done) throw done.fault instanceof Fault ? new StepFailed(done.fault.failure) : done.fault
    return done.value
  }
  return {
    id: site.node.id,
    drainRefused: () =>
      call('check-drain', 50, () => (site.node.balancerAway ? 'the balancer does not answer' : '')),
    inspect: () => call('inspect', 50, () => site.inspection()),
    lease: claim => call('lease', 100, () => site.lease(claim)),
    refresh: (token, ttl) => call('refresh', 0, () => site.refresh(token, ttl)),
    act: (action, grip) =>
      call(
        action.do,
        lasts(action),
        () => site.act(action, grip.token),
        () => site.halfDone(action, grip.token),
      ),
    reach: to => Promise.resolve(`http://${site.node.id}:${to.port}`),
    published: () => Promise.resolve(''),
    serverLogs: () => Promise.resolve([]),
  }
}

type Done<T> = { value: T } | { fault: unknown }
function attempt<T>(work: () => T): Done<T> {
  try {
    return { value: work() }
  } catch (fault) {
    return { fault }
  }
}

const unreachable = (site: Site, name: string, effect: Failure['effect']): Failure => ({
  code: 'SSH_LOST',
  what: `${site.node.id}: ${name} has no connection`,
  next: 'look at the network',
  effect,
  kind: 'unreachable',
})

const LONG: ReadonlySet<Action['do']> = new Set(['snapshot', 'restore', 'stage-copy', 'hash', 'install'])
const lasts = ({ do: name }: Action): Millis =>
  LONG.has(name) ? 3000 : name === 'stop' || name === 'back' ? 1500 : 200
