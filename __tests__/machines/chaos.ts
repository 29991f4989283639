import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { ready } from '../local-fleet/server-process.ts'
import type { CompositeResult, RunningJob } from '../runner/composite.ts'
import { type FaultName, suffers } from './faults.ts'
import { type MachineTruth, serverOf, serving, startByHand, USER } from './fleet.ts'
import type { MachineScenario } from './scenario.ts'

/** `at`: of the length of an undisturbed job, from its first word; `lasts` ms. `lost`: the runner dies in the same moment. */
export type Moment = { fault: FaultName; machine: number; at: number; lasts: number; lost: boolean }

export const RUNS = 'v0.2.1'
export const NEXT = 'v0.2.2'
/** How long a node waits for a word, ms. */
export const WINDOW = 20_000

/**
 * A release meets a fault. Whatever the job says is true; a fresh runner settles what is left, and then every machine serves one release,
 * with nothing left over.
 */
export async function survives(s: MachineScenario, moment: Moment, duration: number): Promise<string> {
  let fault: Promise<unknown> | undefined
  const [machine] = s.fleet.machines.slice(moment.machine)
  if (!machine) throw new Error(`no machine ${moment.machine}`)
  const befalls = async (one: RunningJob): Promise<void> => {
    await sleep(moment.at * duration)
    if (moment.lost) one.killRunner()
    await suffers({ fault: moment.fault, machine, kind: s.fleet.kind }, moment.lasts)
  }
  const job = await s.run(
    { tag: NEXT },
    {
      onLine: (_, one) => {
        fault ??= befalls(one)
      },
    },
  )
  await fault
  if (moment.lost) await comeHome(s, moment)
  const told = `${JSON.stringify(moment)}\n${job.lines.filter(l => !/^  (?:INPUT|ROLLOUT)_/.test(l)).join('\n')}`
  const log = await settled(s, job, told)
  const version = await oneRelease(s, log)
  const { outcome = 'lost' } = job.outputs
  if (outcome === 'promoted') expect(version, log).toBe(NEXT)
  else expect(job.conclusion, log).not.toBe('success')
  if (outcome === 'rolled-back' || outcome === 'unchanged') expect(version, log).toBe(RUNS)
  if (version === NEXT) await goBack(s, log)
  return outcome
}

/** Nobody comes: within the window and one restart no node is armed any more. A process does not outlive its machine. */
async function comeHome(s: MachineScenario, { fault }: Moment): Promise<void> {
  if (s.fleet.kind === 'process' && fault !== 'cut' && fault !== 'slow' && fault !== 'skew') return
  const file = `${s.fleet.kind === 'unit' ? '/opt/progressdb' : USER.install}/state/switch`
  const armed = (): string[] =>
    s.fleet.machines.flatMap(m => {
      const text = m.run('sh', '-c', `cat ${file} 2>/dev/null || :`)
      return text === '' ? [] : [`${m.name}: ${text}`]
    })
  for (const until = Date.now() + WINDOW + 60_000; armed().length > 0; ) {
    if (Date.now() > until) throw new Error(`still armed:\n${armed().join('\n')}`)
    await sleep(500)
  }
}

/** Fresh runners, and whoever starts a server that no supervisor has, until nobody has anything to do any more. */
async function settled(s: MachineScenario, job: CompositeResult, told: string): Promise<string> {
  let log = told
  for (let tries = 0; tries < 5; tries++) {
    const { code, text } = await s.byHand(['status'])
    log += `\nstatus: ${code}\n${text}`
    if (code === 0) return log
    const again = await s.run({ mode: 'recover' })
    log += `\nrecover: ${again.conclusion}\n${again.lines.filter(l => !/^  (?:INPUT|ROLLOUT)_/.test(l)).join('\n')}`
    if (again.outputs['reason-code'] === 'nothing-owed')
      for (const m of s.fleet.machines) await serveAgain(s, m)
  }
  throw new Error(`it does not settle (the job had said ${job.outputs['outcome'] ?? 'nothing'}):\n${log}`)
}

/** What is at rest is started by whoever runs it. */
async function serveAgain(
  s: MachineScenario,
  m: MachineScenario['fleet']['machines'][number],
): Promise<void> {
  if (serverOf(m, s.fleet.kind) !== '') return
  if (s.fleet.kind === 'process') startByHand(m, `${USER.install}/current/progressdb`)
  else m.run('systemctl', 'restart', 'progressdb')
  await ready(s.fleet.urlOf(m), 30_000)
  if (s.fleet.kind !== 'process') return
  // nobody but its parent knows a process again
  const adopted = await s.byHand(['adopt', m.name, '--yes'])
  expect(adopted.code, adopted.text).toBe(0)
}

async function oneRelease(s: MachineScenario, log: string): Promise<string> {
  const truth: MachineTruth[] = await s.truth()
  const [version = ''] = truth.map(node => node.answers)
  for (const node of truth) expect(node, log).toMatchObject(serving(version))
  return version
}

async function goBack(s: MachineScenario, log: string): Promise<void> {
  const job = await s.run({ mode: 'rollback', tag: RUNS })
  expect(job.outputs['outcome'], `${log}\n${job.lines.join('\n')}`).toBe('rolled-back')
}
