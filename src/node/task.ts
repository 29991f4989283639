import { Bug, type Problem, unreachable, UserError } from '../domain/errors.ts'
import type { Event } from '../domain/event.ts'
import { releaseId } from '../domain/release.ts'
import { ownCommands } from '../drain/commands.ts'
import type { DrainCommands } from '../drain/port.ts'
import type { ContainerServer, ProcessServer } from '../service/port.ts'
import type { Action } from './port.ts'
import { script } from '../shell/script.ts'
import { type ProgramName, switchProgram } from './programs.ts'
import { containerInstalled, guestStarted } from './container-task.ts'
import { drainWords, LONG, type Node, placeWords, seconds, SHORT, type Task, WAIT } from './places.ts'
import { recordLine } from './record.ts'
import { settingText } from './switch-setting.ts'

/** Each action as the programs that make it up, in order; each of them may be done already. */
export function tasksOf(node: Node, action: Action): Task[] {
  const { service } = node
  switch (service.kind) {
    case 'process':
      return [taskOf(node, service, action)]
    case 'systemd':
      return unitTasks(node, action)
    case 'docker':
      return containerTasks(node, service, action)
    default:
      return unreachable(service)
  }
}

/** Words of the command line of a server that we start ourselves. */
type Launch = Pick<ProcessServer, 'words' | 'stageWords'>

/** As one program. */
function taskOf(node: Node, launch: Launch, action: Action): Task {
  const { service, config, options } = node
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
      const kind = action.do === 'drain' ? 'out' : 'in'
      const drain = drainOf({ config, options })
      return {
        program: 'drain',
        words: [`kind=${kind}`, ...drainWords({ config }, drain, kind)],
        limit: WAIT + SHORT + drain.limit,
      }
    }
    case 'doubt-drain':
      return simple('drain', 'kind=in-doubt')
    case 'stop':
      return {
        program: 'stop',
        words: [`limit=${stopSeconds}`, `force=${action.force ? 1 : 0}`],
        limit: stopping,
      }
    case 'arm':
      return {
        ...simple('arm', `text=${settingText(node, action)}`),
        bring: {
          bytes: Buffer.from(script(switchProgram(service.kind), [...placeWords(node), ...launch.words])),
        },
      }
    case 'disarm':
      return simple('disarm')
    case 'snapshot':
      return { program: 'snapshot', words: [`name=${action.name}`, `kind=${action.kind}`], limit: LONG }
    case 'restore':
      return { program: 'restore', words: [`name=${action.name}`], limit: LONG }
    case 'activate':
      return simple('activate', `release=${releaseId(action.release)}`)
    case 'start':
      return simple('start', `release=${releaseId(action.release)}`, ...launch.words)
    case 'back': {
      const words = [
        `release=${releaseId(action.release)}`,
        `name=${action.name}`,
        `limit=${stopSeconds}`,
        ...launch.words,
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
        ...launch.stageWords,
      ]
      return { ...simple('stage-start', ...words), bring: { bytes: Buffer.from(action.config) } }
    }
    case 'stage-stop':
      return { program: 'stage-stop', words: [`limit=${stopSeconds}`], limit: stopping }
    case 'clean-staging':
      return { program: 'clean-staging', words: [`limit=${stopSeconds}`], limit: stopping }
    case 'finish-swap':
    case 'release':
      return simple(action.do)
    case 'hold':
    case 'let-go':
      throw new Bug('nothing looks after a server that we started ourselves')
    default:
      return unreachable(action)
  }
}

/** Where the balancer was told already, nothing is left to run. Throws `Bug` for a node that nothing takes out of traffic. */
function drainOf({ config, options }: Pick<Node, 'config' | 'options'>): DrainCommands {
  if (options.drain.kind === 'none') throw new Bug('a node without a drain was to be drained')
  return ownCommands(options.drain, config) ?? { out: 'true', in: 'true', limit: 5000 }
}

/**
 * For a unit of systemd: what changes the data runs as the service's user, what speaks to systemd and owns the releases as ours.
 */
function unitTasks(node: Node, action: Action): Task[] {
  const { options } = node
  const limit = `limit=${seconds(options.stopLimit)}`
  const plain = (what: Action): Task => taskOf(node, NOT_OURS, what)
  const guestStop: Task = { program: 'guest-stop', words: [limit], limit: WAIT + SHORT + options.stopLimit }
  switch (action.do) {
    case 'stop':
    case 'drain':
    case 'undrain':
      return [{ ...plain(action), opens: true }]
    case 'activate': {
      const words = [`release=${releaseId(action.release)}`]
      return [
        { program: 'pair', words, limit: WAIT + SHORT },
        { program: 'make-current', words, limit: WAIT + SHORT },
      ]
    }
    case 'back': {
      const { release, name } = action
      const parts: Action[] = [
        { do: 'stop', force: true },
        { do: 'snapshot', kind: 'return-point', name },
        { do: 'activate', release },
        { do: 'start', release },
      ]
      return parts.flatMap(part => unitTasks(node, part))
    }
    case 'hold':
    case 'let-go':
      return [supervise(action)]
    case 'arm':
      return [{ program: 'arm', words: [`text=${settingText(node, action)}`], limit: WAIT + SHORT }]
    case 'stage-start': {
      const { release, config } = action
      return [
        { program: 'stage-config', words: [`text=${config}`], limit: WAIT + SHORT },
        { program: 'guest-start', words: [`release=${releaseId(release)}`], limit: WAIT + SHORT },
      ]
    }
    case 'stage-copy':
    case 'stage-stop':
    case 'clean-staging':
      return [guestStop, plain(action)]
    case 'record':
    case 'doubt-drain':
    case 'install':
    case 'start':
    case 'snapshot':
    case 'restore':
    case 'finish-swap':
    case 'hash':
    case 'mark-proven':
    case 'mark-checked':
    case 'disarm':
    case 'park':
    case 'release':
    case 'adopt':
      return [plain(action)]
    default:
      return unreachable(action)
  }
}

/** A server that somebody else starts, as it was told once. */
const NOT_OURS: Launch = { words: [], stageWords: [] }

const supervise = (action: Extract<Action, { do: 'hold' | 'let-go' }>): Task => ({
  program: 'supervise',
  words: [`kind=${action.do}`],
  limit: WAIT + SHORT,
  bring: { bytes: lines(action.lines) },
})

/** As one program, but for what a container has to be described for. */
function containerTasks(node: Node, service: ContainerServer, action: Action): Task[] {
  if (action.do === 'install') return containerInstalled(service, action)
  if (action.do === 'stage-start') return guestStarted(node, action)
  if (action.do === 'hold' || action.do === 'let-go') return [supervise(action)]
  return [taskOf(node, NOT_OURS, action)]
}

/**
 * Lines of a record, one JSON text each. Throws `UserError` for one that would not be believed when it is read again: what a node
 * made of it must not get into the records of all.
 */
export function lines(events: Event[]): Uint8Array {
  const texts = events.map(event => JSON.stringify(event))
  if (texts.some(text => recordLine(text) === 'odd')) throw new UserError(oddLine)
  return Buffer.from(texts.map(text => `${text}\n`).join(''))
}

const oddLine: Problem = {
  code: 'RECORD_LINE_ODD',
  what: 'a decision holds something that no record may hold, so it was not written to any node',
  because: 'a node answered what no node answers, or it is our mistake',
  next: 'run `status`; look at what that node says, and report this with the journal',
}
