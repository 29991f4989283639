import { randomUUID } from 'node:crypto'
import type { Drain, NodeConfig } from '../config/config.ts'
import { UserError } from '../domain/errors.ts'
import type { Millis } from '../domain/node.ts'
import { printable, Untrusted } from '../domain/text.ts'
import { drainWords } from '../drain/commands.ts'
import type { Service } from '../service/port.ts'
import type { Shell } from '../shell/port.ts'
import { releaseId } from '../domain/release.ts'
import { type Answer, parseAnswer, parseProgress } from './answer.ts'
import { inspectionOf } from './observed.ts'
import {
  type Action,
  type Claim,
  type Grip,
  type Inspection,
  type NodePort,
  type Progress,
  StepFailed,
} from './port.ts'
import { type ProgramName, program } from './programs.ts'
import { failureOf } from './refusals.ts'

export type NodeOptions = {
  /** Name of the server's program, as it is called on the node. */
  binary: string
  /** Names of files that never change once written, e.g. `*.sst`; `*` only as the first character. */
  immutable: string[]
  drain: Drain
  stopLimit: Millis
  /** How long a guest may run on a staging copy. */
  stageLimit: Millis
}

/** A server machine as the engine drives it: the only reader of what the programs on it say. */
export function nodeOn(shell: Shell, service: Service, config: NodeConfig, options: NodeOptions): NodePort {
  const on: On = { shell, service, config, options }
  return {
    id: config.name,
    inspect: async () => inspectionOf(await call(on, 'inspect', [], { limit: SHORT })),
    lease: async claim => {
      const brought =
        claim.lines.length === 0 ? [] : [`file=${await bring(on, { bytes: lines(claim.lines) }, 0)}`]
      return inspectionOf(
        await call(on, 'lease', [...claimWords(claim), ...brought], { limit: 2 * WAIT + SHORT }),
      )
    },
    refresh: async (token, ttl) => {
      const answer = await call(on, 'refresh', [`token=${token}`, `ttl=${Math.round(ttl)}`], { limit: SHORT })
      return answer.values['lease']?.at(-1) === 'held' ? 'held' : 'lost'
    },
    act: (action, grip) => act(on, action, grip),
  }
}

type On = { shell: Shell; service: Service; config: NodeConfig; options: NodeOptions }

/** How long a program may take that copies or hashes nothing. */
const SHORT = 60_000
/** How long a program waits for the one before it. */
const WAIT = 120_000
/** Copying and hashing: as long as the data is big. */
const LONG = 6 * 3_600_000

async function act(
  on: On,
  action: Action,
  grip: Grip,
): Promise<Inspection & { answer: Record<string, string[]> }> {
  const task = taskOf(on, action)
  const brought = task.bring && (await bring(on, task.bring, grip.token))
  const words = [`token=${grip.token}`, ...task.words, ...(brought ? [`file=${brought}`] : [])]
  const interrupt = (): void =>
    void call(on, 'interrupt', [`token=${grip.token}`], { limit: SHORT }).catch(() => undefined)
  if (grip.stop.aborted) throw stopped(on, task.program)
  grip.stop.addEventListener('abort', interrupt, { once: true })
  try {
    const answer = await call(on, task.program, words, { limit: task.limit, progress: grip.progress })
    return { ...inspectionOf(answer), answer: answer.values }
  } finally {
    grip.stop.removeEventListener('abort', interrupt)
  }
}

const stopped = (on: On, name: ProgramName): StepFailed =>
  new StepFailed({
    code: 'INTERRUPTED',
    what: `${on.config.name}: ${name} was not begun`,
    because: 'the run was told to end',
    next: 'run it again; nothing was left half done',
    where: on.config.name,
    effect: 'none',
    kind: 'other',
  })

type Content = { file: string } | { bytes: Uint8Array }
type Task = { program: ProgramName; words: string[]; limit: Millis; bring?: Content }

/** Each action as one program with its arguments. */
function taskOf(on: On, action: Action): Task {
  const { service, config, options } = on
  const simple = (program: ProgramName, ...words: string[]): Task => ({ program, words, limit: WAIT + SHORT })
  const stopSeconds = seconds(options.stopLimit)
  const stopping = WAIT + SHORT + options.stopLimit
  switch (action.do) {
    case 'record':
      return { ...simple('record'), bring: { bytes: lines(action.lines) } }
    case 'install': {
      const { version, sha256 } = action.release
      const words = [`release=${releaseId(action.release)}`, `version=${version}`, `sha256=${sha256}`]
      return { program: 'install', words, limit: WAIT + SHORT, bring: { file: action.file } }
    }
    case 'adopt':
      return simple(
        'adopt',
        `version=${action.version}`,
        ...(action.pid === undefined ? [] : [`pid=${action.pid}`]),
      )
    case 'drain':
    case 'undrain': {
      const words = drainWords(options.drain, action.do === 'drain' ? 'out' : 'in', config)
      const limit = options.drain.kind === 'commands' ? options.drain.limit : 0
      return { program: 'drain', words, limit: WAIT + SHORT + limit }
    }
    case 'stop':
      return {
        program: 'stop',
        words: [`limit=${stopSeconds}`, `force=${action.force ? 1 : 0}`],
        limit: stopping,
      }
    case 'snapshot':
      return { program: 'snapshot', words: [`name=${action.name}`, `kind=${action.kind}`], limit: LONG }
    case 'restore':
      return { program: 'restore', words: [`name=${action.name}`], limit: LONG }
    case 'activate':
      return simple('activate', `release=${releaseId(action.release)}`)
    case 'start':
      return simple('start', `release=${releaseId(action.release)}`, ...service.words)
    case 'back': {
      const words = [
        `release=${releaseId(action.release)}`,
        `name=${action.name}`,
        `limit=${stopSeconds}`,
        ...service.words,
      ]
      return { program: 'back', words, limit: stopping + LONG }
    }
    case 'park':
      return simple('park', `ttl=${Math.round(action.within)}`)
    case 'mark-checked':
      return simple('mark-checked', `process=${action.process}`)
    case 'hash':
      return { program: 'hash', words: [`name=${action.name}`], limit: LONG }
    case 'mark-proven':
      return simple('mark-proven', `name=${action.name}`, `ran=${action.ran.join(',')}`)
    case 'stage-copy':
      return { program: 'stage-copy', words: [`name=${action.name}`, `limit=${stopSeconds}`], limit: LONG }
    case 'stage-start': {
      const words = [
        `release=${releaseId(action.release)}`,
        `limit=${seconds(options.stageLimit)}`,
        ...service.stageWords,
      ]
      return { ...simple('stage-start', ...words), bring: { bytes: Buffer.from(action.config) } }
    }
    case 'stage-stop':
      return { program: 'stage-stop', words: [`limit=${stopSeconds}`], limit: stopping }
    case 'clean-staging':
      return { program: 'clean-staging', words: [`limit=${stopSeconds}`], limit: stopping }
    case 'prune':
      return {
        program: 'prune',
        words: [`older=${seconds(action.older)}`, ...action.keep.map(name => `keep=${name}`)],
        limit: LONG,
      }
    case 'finish-swap':
    case 'release':
      return simple(action.do)
  }
}

const claimWords = (claim: Claim): string[] => [
  `rollout=${oneLine(claim.rollout)}`,
  `process=${oneLine(claim.process)}`,
  `holder=${oneLine(claim.holder)}`,
  `doing=${oneLine(claim.doing)}`,
  `ttl=${Math.round(claim.ttl)}`,
  `over=${claim.over}`,
]

/** A file for a program, readable by its owner only; the program moves or removes it. */
async function bring(on: On, content: Content, token: number): Promise<string> {
  const path = `${on.config.install}/state/put-${token}-${randomUUID()}`
  try {
    await on.shell.put(content, path, 0o600)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const [problem] = error.problems
    throw new StepFailed({
      ...(problem ?? { code: 'NOT_WRITTEN', what: 'could not write', next: '' }),
      effect: 'none',
      kind: 'other',
    })
  }
  return path
}

type CallOptions = { limit: Millis; progress?: (p: Progress) => void }

/** Runs one program; an answer that did not end with `end=ok` is thrown as a `StepFailed`. */
async function call(on: On, name: ProgramName, words: string[], options: CallOptions): Promise<Answer> {
  const ran = await on.shell.run(program(name), [...placeWords(on), ...words], {
    limit: options.limit,
    line: line => {
      const progress = parseProgress(line)
      if (progress) options.progress?.(progress)
    },
  })
  const answer = parseAnswer(ran.stdout)
  if (answer.end === 'ok') return answer
  if (answer.end !== undefined) throw new StepFailed(failureOf(on.config.name, answer))
  const because = printable(new Untrusted(ran.stderr.trim().split('\n').slice(-3).join(' ')), 300)
  throw new StepFailed({
    code: ran.late ? 'NODE_SILENT' : 'NO_ANSWER',
    what: `${on.config.name}: ${name} ${ran.late ? `did not end within ${seconds(options.limit)} s` : 'ended without saying how'}`,
    because: because === '' ? `exit ${ran.code ?? 'by a signal'}` : because,
    next: 'run `status`, which inspects the node before anything else',
    where: on.config.name,
    effect: READS.has(name) ? 'none' : 'unknown',
    kind: 'unreachable',
  })
}

const READS = new Set<ProgramName>(['inspect', 'interrupt'])

/** What every program is told of the node. */
const placeWords = ({ config, options, service }: On): string[] => [
  `install=${config.install}`,
  `data=${config.data}`,
  `config=${config.config}`,
  ...(config.configNext === undefined ? [] : [`config_next=${config.configNext}`]),
  `binary=${options.binary}`,
  `immutable=${options.immutable.join(' ')}`,
  `drain=${options.drain.kind}`,
  `clean_exits=${service.cleanExits.join(' ')}`,
  `wait=${seconds(WAIT)}`,
]

const seconds = (ms: Millis): number => Math.ceil(ms / 1000)
const lines = (events: unknown[]): Uint8Array =>
  Buffer.from(events.map(event => `${JSON.stringify(event)}\n`).join(''))
const oneLine = (text: string): string => printable(text, 200)
