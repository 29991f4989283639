import type { CompositeResult } from '../runner/composite.ts'
import { buildRelease, type BuiltRelease } from '../standin/release.ts'

/** One run of the action. `kill`: the runner dies with everything it started, once the canary is being watched. */
export type Act = {
  title: string
  /** What is about to go wrong. */
  opens: string
  /** Folder in demo-output. */
  folder: string
  inputs: Record<string, string>
  kill?: true
  /** How it is to end; a demo that ends otherwise fails. */
  ends: { conclusion: CompositeResult['conclusion']; outcome?: string; version?: string }
}

/** Long enough for a rehearsal to pass, short enough for the canary's watch to see it: what only time brings out. */
const ERRORS_AFTER = 9_000

/** What the nodes run at first, and everything that gets released, oldest first. */
export async function releases(): Promise<[runs: BuiltRelease, ...later: BuiltRelease[]]> {
  return [
    await buildRelease({ version: '0.2.1' }),
    await buildRelease({ version: '0.2.2' }),
    await buildRelease({ version: '0.2.3', faults: { errorRate: 0.6, faultsAfter: ERRORS_AFTER } }),
    await buildRelease({ version: '0.2.4', faults: { hidesData: true } }),
    await buildRelease({ version: '0.2.5' }),
  ]
}

/** The runs in their order; the last two are one story: a runner that dies, and the one that finds what it left. */
export const ACTS: readonly Act[] = [
  {
    title: '1 of 4',
    opens: 'v0.2.2 is good: nothing goes wrong, and it is promoted',
    folder: '1-promoted',
    inputs: { mode: 'release', tag: 'v0.2.2' },
    ends: { conclusion: 'success', outcome: 'promoted', version: 'v0.2.2' },
  },
  {
    title: '2 of 4',
    opens:
      'v0.2.3 starts to answer with errors a few seconds after it takes traffic: the canary goes back, and keeps its data',
    folder: '2-rolled-back',
    inputs: { mode: 'release', tag: 'v0.2.3' },
    ends: { conclusion: 'failure', outcome: 'rolled-back', version: 'v0.2.2' },
  },
  {
    title: '3 of 4',
    opens:
      'v0.2.4 does not see the messages that are there: it is refused in the rehearsal, before any node runs it',
    folder: '3-refused',
    inputs: { mode: 'release', tag: 'v0.2.4' },
    ends: { conclusion: 'failure', outcome: 'unchanged', version: 'v0.2.2' },
  },
  {
    title: '4 of 4',
    opens: 'v0.2.5 is good, but the runner is killed whole while it watches the canary',
    folder: '4-runner-killed',
    inputs: { mode: 'release', tag: 'v0.2.5' },
    kill: true,
    ends: { conclusion: 'lost' },
  },
  {
    title: '4 of 4, later',
    opens: 'a fresh runner, which knows nothing, finds what the dead one left: mode recover',
    folder: '4-recovered',
    inputs: { mode: 'recover' },
    ends: { conclusion: 'failure', outcome: 'rolled-back', version: 'v0.2.2' },
  },
]
