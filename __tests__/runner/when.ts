import type { CompositeOptions, RunningJob } from './composite.ts'

/** For `onLine`: does something once, when a line of the log shows up. */
export const when = (
  sign: RegExp,
  act: (job: RunningJob) => void,
): NonNullable<CompositeOptions['onLine']> => {
  let done = false
  return (line, job) => {
    if (done || !sign.test(line)) return
    done = true
    act(job)
  }
}
