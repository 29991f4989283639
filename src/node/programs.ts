import type { Program } from '../shell/port.ts'
import activate from './programs/activate.sh'
import arm from './programs/arm.sh'
import armed from './programs/armed.sh'
import activation from './programs/activation.sh'
import adopt from './programs/adopt.sh'
import back from './programs/back.sh'
import binary from './programs/binary.sh'
import create from './programs/create.sh'
import docker from './programs/docker.sh'
import dockerAdopt from './programs/docker-adopt.sh'
import dockerDescribe from './programs/docker-describe.sh'
import dockerEnding from './programs/docker-ending.sh'
import dockerGuest from './programs/docker-guest.sh'
import dockerKeeping from './programs/docker-keeping.sh'
import dockerNames from './programs/docker-names.sh'
import dockerPausing from './programs/docker-pausing.sh'
import dockerStageStart from './programs/docker-stage-start.sh'
import dockerStarting from './programs/docker-starting.sh'
import dockerWho from './programs/docker-who.sh'
import image from './programs/image.sh'
import pull from './programs/pull.sh'
import registry from './programs/registry.sh'
import checkpoint from './programs/checkpoint.sh'
import checkDrain from './programs/check-drain.sh'
import cleanStaging from './programs/clean-staging.sh'
import data from './programs/data.sh'
import deciding from './programs/deciding.sh'
import decisions from './programs/decisions.sh'
import disarm from './programs/disarm.sh'
import drain from './programs/drain.sh'
import find from './programs/find.sh'
import findContainer from './programs/find-container.sh'
import finishSwap from './programs/finish-swap.sh'
import fire from './programs/fire.sh'
import guard from './programs/guard.sh'
import guestStart from './programs/guest-start.sh'
import guestStop from './programs/guest-stop.sh'
import guest from './programs/guest.sh'
import hash from './programs/hash.sh'
import inspect from './programs/inspect.sh'
import install from './programs/install.sh'
import interrupt from './programs/interrupt.sh'
import launch from './programs/launch.sh'
import lease from './programs/lease.sh'
import lib from './programs/lib.sh'
import lock from './programs/lock.sh'
import keep from './programs/keep.sh'
import keeping from './programs/keeping.sh'
import log from './programs/log.sh'
import look from './programs/look.sh'
import markChecked from './programs/mark-checked.sh'
import markProven from './programs/mark-proven.sh'
import opening from './programs/opening.sh'
import pair from './programs/pair.sh'
import paging from './programs/paging.sh'
import park from './programs/park.sh'
import pause from './programs/pause.sh'
import phase from './programs/phase.sh'
import record from './programs/record.sh'
import refresh from './programs/refresh.sh'
import release from './programs/release.sh'
import restore from './programs/restore.sh'
import comeHome from './programs/return.sh'
import root from './programs/root.sh'
import setup from './programs/setup.sh'
import snapshot from './programs/snapshot.sh'
import stageConfig from './programs/stage-config.sh'
import stageCopy from './programs/stage-copy.sh'
import stageStart from './programs/stage-start.sh'
import stageStop from './programs/stage-stop.sh'
import standDown from './programs/stand-down.sh'
import start from './programs/start.sh'
import starting from './programs/starting.sh'
import stop from './programs/stop.sh'
import stopping from './programs/stopping.sh'
import supervise from './programs/supervise.sh'
import swap from './programs/swap.sh'
import makeCurrent from './programs/make-current.sh'
import taking from './programs/taking.sh'
import undo from './programs/undo.sh'
import unitAdopt from './programs/unit-adopt.sh'
import unitFacts from './programs/unit-facts.sh'
import unitStarting from './programs/unit-starting.sh'
import unitStopping from './programs/unit-stopping.sh'
import unit from './programs/unit.sh'
import vacate from './programs/vacate.sh'
import who from './programs/who.sh'

/** Who runs the server decides how it is found, started and stopped; all else is the same. */
export type ServerKind = 'process' | 'systemd' | 'docker'

const SERVER = {
  process: {
    found: [binary],
    stopping: [stopping],
    starting: [launch, starting],
    activation: [activation],
    pausing: [pause],
    guest: [guest],
    adopt: [opening, activation, keeping, adopt],
    stageStart: [launch, stageStart],
    who: [who],
  },
  systemd: {
    found: [binary, unit],
    stopping: [unitStopping],
    starting: [unitStarting],
    activation: [activation],
    pausing: [pause],
    guest: [guest],
    adopt: [opening, unitAdopt],
    stageStart: [launch, stageStart],
    who: [who],
  },
  docker: {
    found: [docker],
    stopping: [stopping, dockerEnding],
    starting: [starting, dockerStarting],
    activation: [activation, dockerNames],
    pausing: [pause, dockerPausing],
    guest: [guest, dockerGuest],
    adopt: [opening, activation, dockerNames, dockerKeeping, dockerAdopt],
    stageStart: [dockerStageStart],
    who: [dockerWho],
  },
}

/** What each program is made of, behind what all share: a text that needs no other file on the node. */
const bodies = (kind: ServerKind) => {
  const server = SERVER[kind]
  return {
    who: server.who,
    inspect: [inspect],
    log: [log],
    lease: [taking, decisions, lease],
    vacate: [taking, vacate],
    refresh: [refresh],
    interrupt: [interrupt],
    park: [park],
    release: [release],
    record: [decisions, record],
    install: [install],
    image: [registry, image],
    pull: [registry, pull],
    create: [opening, dockerKeeping, create],
    describe: [dockerDescribe],
    adopt: [data, ...server.adopt],
    arm: [paging, arm],
    disarm: [disarm],
    drain: [drain],
    'check-drain': [checkDrain],
    stop: [data, ...server.stopping, stop],
    snapshot: [data, ...server.pausing, checkpoint, snapshot],
    restore: [data, swap, restore],
    'finish-swap': [data, swap, finishSwap],
    activate: [data, opening, ...server.activation, activate],
    pair: [data, opening, activation, pair],
    'make-current': [opening, activation, makeCurrent],
    start: [data, opening, ...server.starting, start],
    back: [
      data,
      ...backStopping(kind),
      ...server.pausing,
      checkpoint,
      opening,
      ...server.activation,
      ...backStarting(kind),
      back,
    ],
    supervise: [decisions, supervise],
    guard: [data, opening, guard],
    'unit-facts': [unitFacts],
    find: [find],
    'find-container': [findContainer],
    setup: [root, setup],
    undo: [root, undo],
    keep: [decisions, activation, keeping, keep],
    'mark-checked': [markChecked],
    hash: [data, guest, hash],
    'mark-proven': [markProven],
    'stage-copy': [data, stopping, ...server.guest, stageCopy],
    'stage-config': [stageConfig],
    'stage-start': [data, opening, stopping, ...server.guest, ...server.stageStart],
    'guest-start': [opening, unitStarting, guestStart],
    'guest-stop': [unitStopping, guestStop],
    'stage-stop': [data, stopping, ...server.guest, stageStop],
    'clean-staging': [data, stopping, ...server.guest, cleanStaging],
  } satisfies Record<string, string[]>
}

/** A unit goes back by several programs, of two users; its one is never called. */
const backStopping = (kind: ServerKind): string[] => (kind === 'systemd' ? [stopping] : SERVER[kind].stopping)
const backStarting = (kind: ServerKind): string[] =>
  kind === 'systemd' ? [launch, starting] : SERVER[kind].starting

export type ProgramName = keyof ReturnType<typeof bodies>

/** Each program with the kinds of server that it is for. */
export const programNames = Object.keys(bodies('process')).filter(
  (name): name is ProgramName => name in bodies('process'),
)

/** The whole text of one program. */
export const program = (name: ProgramName, kind: ServerKind = 'process'): Program => ({
  name,
  text: [...(OF_ROOT.has(name) ? [] : common(kind)), ...bodies(kind)[name]].join('\n'),
})

const common = (kind: ServerKind): string[] => [lib, lock, look, armed, ...SERVER[kind].found]

/** What the switch calls. */
const CALLED: Record<ServerKind, ProgramName[]> = {
  process: ['refresh', 'inspect', 'finish-swap', 'drain', 'stop', 'restore', 'activate', 'start', 'back'],
  docker: [
    ...(['refresh', 'inspect', 'finish-swap', 'supervise', 'drain', 'stop'] as const),
    ...(['restore', 'activate', 'start', 'back'] as const),
  ],
  systemd: [
    ...(['refresh', 'inspect', 'finish-swap', 'supervise', 'drain', 'stop', 'snapshot'] as const),
    ...(['restore', 'pair', 'make-current', 'start'] as const),
  ],
}

/**
 * The program of the dead man's switch: it holds every program that it calls, as a function, so that it needs no other file and no
 * network.
 */
export const switchProgram = (kind: ServerKind): Program => ({
  name: 'switch',
  text: [
    ...common(kind),
    decisions,
    paging,
    phase,
    `OF_THE_DATA='${CALLED[kind].filter(touchesData).map(underscored).join(' ')}'`,
    ...CALLED[kind].map(name => asFunction(name, bodies(kind)[name])),
    asFunction('fire', [fire]),
    asFunction('stand-down', [standDown]),
    deciding,
    comeHome,
  ].join('\n'),
})

const underscored = (name: string): string => name.replaceAll('-', '_')
const asFunction = (name: string, texts: string[]): string =>
  `do_${underscored(name)}() {\n${texts.join('\n')}\n}`

/** Run as root, once in a node's life. */
const OF_ROOT: ReadonlySet<ProgramName> = new Set(['setup', 'undo'])

/** Programs that read or change the data, and so run as the user that it belongs to; all others as the one that logs in. */
const OF_THE_DATA: ReadonlySet<ProgramName> = new Set([
  'inspect',
  'vacate',
  'adopt',
  'snapshot',
  'restore',
  'finish-swap',
  'pair',
  'guard',
  'hash',
  'mark-proven',
  'stage-copy',
  'stage-config',
  'stage-start',
  'stage-stop',
  'clean-staging',
])
export const touchesData = (name: ProgramName): boolean => OF_THE_DATA.has(name)
