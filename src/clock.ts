import type { Clock } from './domain/clock.ts'

/** The machine's time, monotonic from the start of the process: a corrected wall clock neither ends nor stretches a watch. */
export const systemClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  sleep: (ms, stop) =>
    new Promise(resolve => {
      if (stop?.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        stop?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, Math.max(0, ms))
      stop?.addEventListener('abort', end, { once: true })
    }),
}
