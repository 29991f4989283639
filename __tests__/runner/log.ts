import { COMMANDS, parseCommand, type WorkflowCommand } from './commands.ts'
import { masker } from './masker.ts'

export type Level = 'error' | 'warning' | 'notice'
export type Annotation = { level: Level; step: string; message: string; properties: Record<string, string> }

/** The job's log as a person sees it: masked, one entry a line; every line also goes to `onLine` as it is written. */
export type Log = {
  lines: string[]
  annotations: Annotation[]
  write: (line: string) => void
  issue: (level: Level, step: string, message: string, properties?: Record<string, string>) => void
  addMask: (secret: string) => void
  mask: (text: string) => string
}

/** The text of whatever was thrown. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const MESSAGE_LIMIT = 4096
const SHOWN_PER_LEVEL = 10

export const openLog = (secrets: string[], onLine: (line: string) => void): Log => {
  const { add, mask } = masker(secrets)
  const lines: string[] = []
  const annotations: Annotation[] = []
  const write = (line: string): void => {
    const masked = mask(line)
    lines.push(masked)
    onLine(masked)
  }
  const issue: Log['issue'] = (level, step, message, properties = {}) => {
    const cut = mask(message).slice(0, MESSAGE_LIMIT)
    annotations.push({ level, step, message: cut, properties })
    write(`##[${level}]${cut}`)
  }
  return { lines, annotations, write, issue, addMask: add, mask }
}

/** What the run's page shows: the first ten of each level for the whole composite, in the order they came. */
export const shownAnnotations = (annotations: Annotation[]): Annotation[] =>
  annotations.filter(
    (one, i) => annotations.slice(0, i).filter(before => before.level === one.level).length < SHOWN_PER_LEVEL,
  )

/** What a step's commands asked for beyond the log. */
export type Heard = { failed: boolean; outputs: Record<string, string> }

/**
 * Reads one step's output. Commands are obeyed, everything else is written to the log. Whether commands are stopped is
 * a matter of one step: the next begins listening again.
 */
export const listen = (log: Log, step: string): { line: (text: string) => void; heard: Heard } => {
  const heard: Heard = { failed: false, outputs: {} }
  const known = new Set<string>(COMMANDS)
  let stopToken = ''
  let echo = false

  const stop = (line: string, token: string): void => {
    if (token === '' || known.has(token.toLowerCase()) || token.toLowerCase() === 'pause-logging')
      throw new Error('Invalid stop-commands token')
    stopToken = token.toLowerCase()
    known.add(stopToken)
    if (token.length > 6) log.addMask(token)
    log.write(line)
  }
  const resume = (line: string): void => {
    known.delete(stopToken)
    stopToken = ''
    log.write(line)
  }
  const mask = (command: WorkflowCommand): void => {
    if (command.data.trim() === '')
      return log.issue('warning', step, "Can't add secret mask for empty string in ##[add-mask] command.")
    log.addMask(command.data)
  }
  const setOutput = (command: WorkflowCommand): void => {
    const name = command.properties['name']
    if (name === undefined) throw new Error("Required field 'name' is missing in ##[set-output] command.")
    heard.outputs[name] = command.data
  }
  const setEcho = (command: WorkflowCommand): void => {
    const value = command.data.trim().toLowerCase()
    if (value !== 'on' && value !== 'off') throw new Error(`Invalid echo command value: '${command.data}'.`)
    echo = value === 'on'
  }
  const obey = (command: WorkflowCommand, line: string): void => {
    if (echo && !['add-mask', 'debug', 'error', 'warning', 'notice'].includes(command.name)) log.write(line)
    switch (command.name) {
      case 'stop-commands':
        return stop(line, command.data)
      case 'add-mask':
        return mask(command)
      case 'error':
      case 'warning':
      case 'notice':
        return log.issue(command.name, step, command.data, command.properties)
      case 'group':
      case 'endgroup':
        return log.write(`##[${command.name}]${command.name === 'group' ? command.data : ''}`)
      case 'set-output':
        return setOutput(command)
      case 'echo':
        return setEcho(command)
      case 'set-env':
      case 'add-path':
        throw new Error(`The \`${command.name}\` command is disabled.`)
      default:
        return
    }
  }
  const line = (text: string): void => {
    const command = text.includes('::') || text.includes('##[') ? parseCommand(text, known) : undefined
    if (command === undefined || (stopToken !== '' && command.name !== stopToken))
      return log.write(
        text
          .replaceAll('##[start-action', '##[\\start-action')
          .replaceAll('##[end-action', '##[\\end-action'),
      )
    if (stopToken !== '') return resume(text)
    try {
      obey(command, text)
    } catch (error) {
      log.issue('error', step, `Unable to process command '${text}' successfully.`)
      log.issue('error', step, reason(error))
      heard.failed = true
    }
  }
  return { line, heard }
}
