import { randomUUID } from 'node:crypto'
import type { NodeConfig } from '../config/config.ts'
import { inTraffic } from '../domain/traffic.ts'
import { ownCommands } from '../drain/commands.ts'
import { tell } from './balancers.ts'
import { Bug, UserError } from '../domain/errors.ts'
import type { Millis } from '../domain/node.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Service } from '../service/port.ts'
import type { Shell } from '../shell/port.ts'
import type { Answer } from './answer.ts'
import { ask } from './ask.ts'
import { inspectionOf } from './observed.ts'
import { driven, type Owner, type Who } from './owner.ts'
import {
  type Action,
  type Claim,
  type Grip,
  type Inspection,
  type NodePort,
  type Progress,
  StepFailed,
} from './port.ts'
import { type ProgramName, touchesData } from './programs.ts'
import {
  type Content,
  drainWords,
  type Node,
  type NodeOptions,
  type Said,
  SHORT,
  type Task,
  WAIT,
} from './places.ts'
import { withoutSecrets } from '../service/container.ts'
import { lines, tasksOf } from './task.ts'

export type { NodeOptions } from './places.ts'

/** A server machine as the engine drives it: the only reader of what the programs on it say. */
export function nodeOn(shell: Shell, service: Service, config: NodeConfig, options: NodeOptions): NodePort {
  // asked once, when first needed; after a failure it is asked anew
  let known: Promise<Owner> | undefined
  const owner = (): Promise<Owner> =>
    (known ??= driven(config, service, who).catch((error: unknown) => {
      known = undefined
      throw error
    }))
  const on: On = { shell, service, config, options, owner }
  const who: Who = () => ask(on, { name: 'who', words: [] }, { limit: SHORT })
  return {
    id: config.name,
    inspect: () => inspected(on),
    drainRefused: () => drainRefused(on),
    lease: claim => lease(on, claim),
    refresh: async (token, ttl) => {
      const answer = await call(on, 'refresh', [`token=${token}`, `ttl=${Math.round(ttl)}`], { limit: SHORT })
      return answer.values['lease']?.at(-1) === 'held' ? 'held' : 'lost'
    },
    act: (action, grip) => act(on, action, grip),
    reach: async to => {
      const at = await shell.forward(to)
      return `http://${at.host}:${at.port}`
    },
    published: tag => published(on, tag),
    serverLogs: lives => serverLogs(on, lives),
  }
}

/** `owner`: whom the data belongs to. */
type On = { shell: Shell; owner: () => Promise<Owner> } & Node

const inspected = async (on: On): Promise<Inspection> =>
  trusted(on, inspectionOf(await call(on, 'inspect', [], { limit: SHORT })))

const CHECKED = 20_000

async function drainRefused(on: On): Promise<string> {
  if (on.options.balancers) {
    const { now } = await inspected(on)
    const problem = await tell(on, 'check', { traffic: inTraffic(now) ? 'in' : 'out' })
    return problem?.because ?? ''
  }
  const drain = ownCommands(on.options.drain, on.config)
  if (drain?.check === undefined) return ''
  const words = drainWords(on, { ...drain, limit: CHECKED }, 'check')
  const { values } = await call(on, 'check-drain', words, { limit: SHORT })
  return printable(new Untrusted(values['drain_refused']?.at(-1) ?? ''), 300)
}

/** What the node's own Docker says of a tag. */
async function published(on: On, tag: string): Promise<string> {
  if (on.service.kind !== 'docker') throw new Bug('only a server in a container has an image')
  const { values } = await call(on, 'image', [`name=${tag}`], { limit: SHORT })
  const digest = values['image_digest']?.at(-1) ?? ''
  return /^[0-9a-f]{64}$/.test(digest) ? digest : ''
}

/** Whose the data should be, and where it lies, is for systemd and the fleet file to say, not for the user of the service. */
async function named(on: On, { now, facts }: Inspection): Promise<Inspection> {
  const { data, config } = on.config
  if (facts.container) return { now, facts: { ...facts, container: { ...facts.container, data, config } } }
  const { user } = await on.owner()
  if (!facts.unit || user === undefined) return { now, facts }
  return { now, facts: { ...facts, unit: { ...facts.unit, user, data: on.config.data } } }
}

/** A node whose record was written by somebody else is not driven by it: what it says would become what is done. */
async function trusted(on: On, { odd, ...seen }: Inspection & { odd: boolean }): Promise<Inspection> {
  if (!odd) return named(on, seen)
  const { name, install } = on.config
  throw new StepFailed({
    code: 'RECORD_NOT_TRUSTED',
    what: `${name}: its record has a line that no progressdb-rollout of this version writes`,
    because: 'somebody else wrote into it, or a newer version did',
    next: `use the newest version; else compare ${install}/state/record.jsonl with that of another node, and find out who can write there`,
    where: name,
    effect: 'none',
    kind: 'other',
  })
}

/** Where one user drives the node and another owns its data, each ends what it left running itself. */
async function lease(on: On, claim: Claim): Promise<Inspection> {
  const limit = 2 * WAIT + SHORT
  const words = claimWords(claim)
  if (on.service.kind === 'systemd' && (await on.owner()).other) await call(on, 'vacate', words, { limit })
  const brought =
    claim.lines.length === 0 ? [] : [`file=${await bring(on, { bytes: lines(claim.lines) }, 0)}`]
  const answer = await call(on, 'lease', [...words, ...brought], { limit })
  return (await looked(on, 'lease')) ? trusted(on, inspectionOf(answer)) : inspected(on)
}

/** Only the user that the data belongs to can tell what a node is. */
const looked = async (on: On, name: ProgramName): Promise<boolean> =>
  worksOnData(on, name) || !(await on.owner()).other

/** Whoever may speak to Docker is root there: all programs run as the one who may read the data. */
const worksOnData = ({ service }: On, name: ProgramName): boolean =>
  service.kind === 'docker' || touchesData(name)

async function act(
  on: On,
  action: Action,
  grip: Grip,
): Promise<Inspection & { answer: Record<string, string[]> }> {
  const values: Record<string, string[]> = {}
  let seen: Inspection | undefined
  if (action.do === 'drain' || action.do === 'undrain') await throughBalancers(on, action.do, grip)
  for (const task of tasksOf(on, action)) {
    const answer = await perform(on, task, { grip, said: values })
    for (const [key, said] of Object.entries(answer.values)) values[key] = said
    seen = (await looked(on, task.program)) ? await trusted(on, inspectionOf(answer)) : undefined
  }
  return { ...(seen ?? (await inspected(on))), answer: values }
}

/** What only we can tell a balancer comes between two marks on the node: whoever finds it in between knows that clients may reach it. */
async function throughBalancers(on: On, moves: 'drain' | 'undrain', grip: Grip): Promise<void> {
  if (!on.options.balancers) return
  const words = [`kind=${moves === 'drain' ? 'leaving' : 'in-doubt'}`]
  await perform(on, { program: 'drain', words, limit: WAIT + SHORT }, { grip, said: {} })
  const { now } = await inspected(on)
  if (moves === 'drain' && now.traffic === 'drained') return
  const { progress } = grip
  const problem = await tell(on, moves === 'drain' ? 'out' : 'in', { traffic: 'out', progress })
  if (problem) throw new StepFailed({ ...problem, where: on.config.name, effect: 'unknown', kind: 'drain' })
}

/** One program under the token; told to end where the run is. */
async function perform(on: On, task: Task, { grip, said }: { grip: Grip; said: Said }): Promise<Answer> {
  const content = typeof task.bring === 'function' ? task.bring(said) : task.bring
  const brought = content && (await bring(on, content, grip.token, grip))
  const opens = task.opens ? [`opens=${(await inspected(on)).now.data.opens}`] : []
  const words = [
    `token=${grip.token}`,
    ...task.words,
    ...opens,
    ...(brought === undefined ? [] : [`file=${brought}`]),
  ]
  const interrupt = (): void =>
    void call(on, 'interrupt', [`token=${grip.token}`], { limit: SHORT, like: task.program }).catch(
      () => undefined,
    )
  if (grip.stop.aborted) throw stopped(on, task.program)
  grip.stop.addEventListener('abort', interrupt, { once: true })
  try {
    return await call(on, task.program, words, { limit: task.limit, progress: grip.progress })
  } catch (error) {
    throw task.secret && error instanceof StepFailed ? silenced(error, content) : error
  } finally {
    grip.stop.removeEventListener('abort', interrupt)
  }
}

/** Docker repeats what it does not like of a description. */
function silenced({ failure }: StepFailed, content: Content | undefined): StepFailed {
  const { because } = failure
  if (because === undefined || !content || !('bytes' in content)) return new StepFailed(failure)
  return new StepFailed({
    ...failure,
    because: withoutSecrets(because, Buffer.from(content.bytes).toString('utf8')),
  })
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
  `run=${oneLine(claim.run)}`,
  ...(typeof claim.over === 'number' ? ['over=seen', `past=${claim.over}`] : [`over=${claim.over}`]),
]

/** A file for a program, readable by its owner only; the program moves or removes it. */
async function bring(on: On, content: Content, token: number, grip?: Grip): Promise<string> {
  const path = `${on.config.install}/state/put-${token}-${randomUUID()}`
  let told = 0
  try {
    await on.shell.put(content, path, 0o600, (done, of) => {
      // what is there at once needs no word, and what takes long one for each tenth
      const tenth = Math.floor((done * 10) / of)
      if (of <= 1_000_000 || tenth === told) return
      told = tenth
      grip?.progress({ what: 'upload', done, of, unit: 'bytes' })
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
  if (on.service.kind !== 'process') {
    const { values } = await call(on, 'log', [], { limit: SHORT })
    return [{ name: 'server.log', text: (values['log'] ?? []).map(line => `${line}\n`).join('') }]
  }
  const names = lives > 1 ? ['server.log', 'server.log.1'] : ['server.log']
  const read = names.map(async name => {
    const bytes = await on.shell.get(`${on.config.install}/state/${name}`, LOG_BYTES)
    const text = Buffer.from(bytes).toString('utf8')
    const whole = bytes.length < LOG_BYTES
    return { name, text: whole ? text : text.slice(text.indexOf('\n') + 1) }
  })
  return Promise.all(read)
}

/** `like`: as the user of that program. */
type CallOptions = { limit: Millis; progress?: (p: Progress) => void; like?: ProgramName }

/** Runs one program as the user that it is for; only the owner of the data looks at the node at its end. */
async function call(on: On, name: ProgramName, words: string[], options: CallOptions): Promise<Answer> {
  const { other } = await on.owner()
  const told = other && !worksOnData(on, name) ? ['look=0', ...words] : words
  const as = other !== undefined && worksOnData(on, options.like ?? name) ? { as: other } : {}
  return ask(on, { name, words: told }, { ...options, ...as })
}

const oneLine = (text: string): string => printable(text, 200)
