import { holds } from './expressions.ts'
import { contextsOf, type Current, type Job, statusOf } from './job.ts'
import { inSession, killAll, tracked } from './processes.ts'

/** A condition that can no longer be evaluated is one that does not hold. */
const stillHolds = (job: Job, current: Current): boolean => {
  const github = { ...job.machine.github, action_status: 'cancelled' }
  try {
    const contexts = { ...contextsOf(job, current.env), github }
    return holds(current.step.if, contexts, { ...statusOf(job), action: 'cancelled' })
  } catch {
    return false
  }
}

/** The job is cancelled: a step whose own condition still holds goes on undisturbed, any other is signalled. */
export const cancelJob = (job: Job): void => {
  if (job.cancelled || job.lost) return
  job.cancelled = true
  const current = job.current
  if (current === undefined) return
  if (stillHolds(job, current)) return
  current.stopped = true
  current.child?.cancel(job.ladder)
}

/** The caller's own time limit for the step is over: what runs and whatever comes after is signalled. */
export const expireJob = (job: Job): void => {
  job.expired = true
  if (job.current === undefined) return
  job.current.stopped = true
  job.current.child?.cancel(job.ladder)
}

/** All of the job's processes stand still for a while, as those of a machine that is paused, and then go on as if nothing had been. */
export const freezeJob = (job: Job, ms: number): void => {
  const leader = job.current?.child?.pid
  const all = [
    ...new Set([...(leader === undefined ? [] : inSession(leader)), ...tracked(job.machine.trackingId)]),
  ]
  const tell = (signal: 'SIGSTOP' | 'SIGCONT'): void => {
    for (const { pid } of all) {
      try {
        process.kill(pid, signal)
      } catch {
        // it ended meanwhile
      }
    }
  }
  tell('SIGSTOP')
  setTimeout(() => tell('SIGCONT'), ms)
}

/** All of the job's processes die at once, and the runner with them. */
export const killJob = (job: Job): void => {
  job.lost = true
  const leader = job.current?.child?.pid
  killAll(() => [...(leader === undefined ? [] : inSession(leader)), ...tracked(job.machine.trackingId)])
}
