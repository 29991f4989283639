import { readdirSync, readFileSync } from 'node:fs'

type Process = { pid: number; session: number; name: string; zombie: boolean }

const stat = (pid: number): Process | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, , , session] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
    return { pid, session: Number(session), name, zombie: state === 'Z' || state === 'X' }
  } catch {
    return undefined
  }
}

const running = (): Process[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => stat(Number(name)))
    .filter((found): found is Process => found !== undefined && !found.zombie)

const environment = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Running processes of a session, by the id of its leader; a step's own process leads the session of the step. */
export const inSession = (leader: number): Process[] => running().filter(p => p.session === leader)

/** Running processes that carry the job's RUNNER_TRACKING_ID, and so die at its end. */
export const tracked = (trackingId: string): Process[] =>
  running().filter(
    p => p.pid !== process.pid && environment(p.pid).includes(`RUNNER_TRACKING_ID=${trackingId}`),
  )

export const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** SIGKILL to all that `find` finds, again until none is left, so that a process forked meanwhile is met too. */
export const killAll = (find: () => Process[]): Process[] => {
  const killed: Process[] = []
  for (let round = 0; round < 50; round++) {
    const found = find()
    if (found.length === 0) break
    for (const one of found) kill(one.pid, 'SIGKILL')
    killed.push(...found.filter(one => !killed.some(k => k.pid === one.pid)))
  }
  return killed
}
