import type { Program } from '../shell/port.ts'
import activate from './programs/activate.sh'
import activation from './programs/activation.sh'
import adopt from './programs/adopt.sh'
import back from './programs/back.sh'
import checkpoint from './programs/checkpoint.sh'
import cleanStaging from './programs/clean-staging.sh'
import data from './programs/data.sh'
import decisions from './programs/decisions.sh'
import drain from './programs/drain.sh'
import finishSwap from './programs/finish-swap.sh'
import guest from './programs/guest.sh'
import hash from './programs/hash.sh'
import inspect from './programs/inspect.sh'
import install from './programs/install.sh'
import interrupt from './programs/interrupt.sh'
import launch from './programs/launch.sh'
import lease from './programs/lease.sh'
import lib from './programs/lib.sh'
import lock from './programs/lock.sh'
import look from './programs/look.sh'
import markChecked from './programs/mark-checked.sh'
import markProven from './programs/mark-proven.sh'
import opening from './programs/opening.sh'
import park from './programs/park.sh'
import pause from './programs/pause.sh'
import prune from './programs/prune.sh'
import record from './programs/record.sh'
import refresh from './programs/refresh.sh'
import release from './programs/release.sh'
import restore from './programs/restore.sh'
import snapshot from './programs/snapshot.sh'
import stageCopy from './programs/stage-copy.sh'
import stageStart from './programs/stage-start.sh'
import stageStop from './programs/stage-stop.sh'
import start from './programs/start.sh'
import starting from './programs/starting.sh'
import stop from './programs/stop.sh'
import stopping from './programs/stopping.sh'
import swap from './programs/swap.sh'
import taking from './programs/taking.sh'
import vacate from './programs/vacate.sh'

/** What each program is made of, behind what all share: a text that needs no other file on the node. */
const bodies = {
  inspect: [inspect],
  lease: [taking, decisions, lease],
  vacate: [taking, vacate],
  refresh: [refresh],
  interrupt: [interrupt],
  park: [park],
  release: [release],
  record: [decisions, record],
  install: [install],
  adopt: [data, opening, activation, adopt],
  drain: [drain],
  stop: [data, stopping, stop],
  snapshot: [data, pause, checkpoint, snapshot],
  restore: [data, swap, restore],
  'finish-swap': [data, swap, finishSwap],
  activate: [data, opening, activation, activate],
  start: [data, opening, launch, starting, start],
  back: [data, stopping, pause, checkpoint, opening, activation, launch, starting, back],
  'mark-checked': [markChecked],
  hash: [data, guest, hash],
  'mark-proven': [markProven],
  'stage-copy': [data, stopping, guest, stageCopy],
  'stage-start': [data, opening, launch, stopping, guest, stageStart],
  'stage-stop': [data, stopping, guest, stageStop],
  'clean-staging': [data, stopping, guest, cleanStaging],
  prune: [prune],
} satisfies Record<string, string[]>

export type ProgramName = keyof typeof bodies

export const programNames = Object.keys(bodies).filter((name): name is ProgramName => name in bodies)

/** The whole text of one program. */
export const program = (name: ProgramName): Program => ({
  name,
  text: [lib, lock, look, ...bodies[name]].join('\n'),
})
