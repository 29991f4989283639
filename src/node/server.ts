import { randomUUID } from 'node:crypto'
import type { NodeConfig } from '../config/config.ts'
import { UserError } from '../domain/errors.ts'
import type { Millis } from '../domain/node.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Service } from '../service/port.ts'
import type { Shell } from '../shell/port.ts'
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
import { type Content, lines, type Node, type NodeOptions, seconds, SHORT, taskOf, WAIT } from './task.ts'

export type { NodeOptions } from './task.ts'

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
    reach: async port => {
      const at = await shell.forward({ host: '127.0.0.1', port })
      return `http://${at.host}:${at.port}`
    },
    serverLogs: lives => serverLogs(on, lives),
  }
}

type On = { shell: Shell } & Node

async function act(
  on: On,
  action: Action,
  grip: Grip,
): Promise<Inspection & { answer: Record<string, string[]> }> {
  const task = taskOf(on, action)
  const brought = task.bring && (await bring(on, task.bring, grip.token, grip))
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

const claimWords = (claim: Claim): string[] => [
  `rollout=${oneLine(claim.rollout)}`,
  `process=${oneLine(claim.process)}`,
  `holder=${oneLine(claim.holder)}`,
  `doing=${oneLine(claim.doing)}`,
  `ttl=${Math.round(claim.ttl)}`,
  `over=${claim.over}`,
]

/** A file for a program, readable by its owner only; the program moves or removes it. */
async function bring(on: On, content: Content, token: number, grip?: Grip): Promise<string> {
  const path = `${on.config.install}/state/put-${token}-${randomUUID()}`
  try {
    await on.shell.put(content, path, 0o600, (done, of) => {
      // what is there at once needs no word
      if (of > 1_000_000) grip?.progress({ what: 'upload', done, of, unit: 'bytes' })
    })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const [problem] = error.problems
    throw new StepFailed({
      ...(problem ?? { code: 'NOT_WRITTEN', what: 'could not write', next: '' }),
      effect: 'none',
      kind: problem?.code === 'NODE_NOT_WRITABLE' ? 'other' : 'unreachable',
    })
  }
  return path
}

const LOG_BYTES = 200_000

/** A line that was cut could hold half a secret, which nothing would find: it is left out. */
async function serverLogs(on: On, lives: number): Promise<{ name: string; text: string }[]> {
  const names = lives > 1 ? ['server.log', 'server.log.1'] : ['server.log']
  const read = names.map(async name => {
    const bytes = await on.shell.get(`${on.config.install}/state/${name}`, LOG_BYTES)
    const text = Buffer.from(bytes).toString('utf8')
    const whole = bytes.length < LOG_BYTES
    return { name, text: whole ? text : text.slice(text.indexOf('\n') + 1) }
  })
  return Promise.all(read)
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
  if (ran.lost) {
    const unknown = ran.lost.begun && !READS.has(name)
    throw new StepFailed({ ...ran.lost.problem, effect: unknown ? 'unknown' : 'none', kind: 'unreachable' })
  }
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

const oneLine = (text: string): string => printable(text, 200)
