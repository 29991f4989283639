import type { Clock } from '../../src/domain/clock.ts'
import type { Millis } from '../../src/domain/node.ts'

/** Far more than any history needs. */
const MOST = 50_000

type Timer = { at: Millis; order: number; wake: () => void }

/**
 * Time that passes only when nobody has anything left to do: whoever sleeps longest is woken last, in one order for one seed. Hours
 * take milliseconds.
 */
export class VirtualTime implements Clock {
  #now: Millis
  #timers: Timer[] = []
  #order = 0

  constructor(start: Millis) {
    this.#now = start
  }

  now(): Millis {
    return this.#now
  }

  sleep(ms: Millis, stop?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (stop?.aborted) return resolve()
      const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, wake: resolve }
      this.#add(timer)
      stop?.addEventListener('abort', () => this.#wakeNow(timer), { once: true })
    })
  }

  /** At that instant, whatever else happens. */
  at(when: Millis, act: () => void): void {
    this.#add({ at: Math.max(when, this.#now), order: this.#order++, wake: act })
  }

  /** Lets everybody act until `done` is settled. Throws when nobody would ever act again. */
  async until<T>(done: Promise<T>): Promise<T> {
    let over = false
    let woken = 0
    void done.then(
      () => (over = true),
      () => (over = true),
    )
    for (;;) {
      await idle()
      if (over) return done
      const next = this.#timers.shift()
      if (!next) throw new Error('everybody waits for somebody else')
      if (++woken > MOST) throw new Error('it never ends')
      this.#now = next.at
      next.wake()
    }
  }

  #add(timer: Timer): void {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#timers[middle]
      if (other && (other.at < timer.at || (other.at === timer.at && other.order < timer.order)))
        low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
  }

  #wakeNow(timer: Timer): void {
    const index = this.#timers.indexOf(timer)
    if (index < 0) return
    this.#timers.splice(index, 1)
    timer.wake()
  }
}

/** Every promise that could be settled has been. */
const idle = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))
