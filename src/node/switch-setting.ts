import { ownCommands } from '../drain/commands.ts'
import type { Millis } from '../domain/node.ts'
import { releaseId } from '../domain/release.ts'
import { type Node, seconds } from './places.ts'
import type { Action } from './port.ts'

/** What a server that is ready may take until it is found to be well. */
const CHECKS: Millis = 30_000

/** What the switch has to know, line by line; of the service alone, and nothing secret. */
export function settingText({ config, options }: Node, a: Extract<Action, { do: 'arm' }>): string {
  const { onFire, stopLimit } = options
  const drain = ownCommands(options.drain, config)
  const commands = drain
    ? [`out=${oneLine(drain.out)}`, `in=${oneLine(drain.in)}`, `limit=${seconds(drain.limit)}`]
    : []
  const told = onFire ? [`on_fire=${oneLine(onFire.command)}`, `on_fire_limit=${seconds(onFire.limit)}`] : []
  return [
    `rollout=${a.rollout}`,
    `back=${releaseId(a.back)}`,
    `to=${releaseId(a.to)}`,
    `keeps=${a.keeps ? 1 : 0}`,
    `safe=${a.safe}`,
    `window=${options.confirmWithin}`,
    `start=${options.startLimit + CHECKS}`,
    `quiet=${Math.round(a.quiet)}`,
    `stop=${seconds(stopLimit)}`,
    `node=${config.name}`,
    `port=${config.listens?.port ?? new URL(config.url).port}`,
    ...commands,
    ...told,
  ].join('\n')
}

/** A command of several lines as one that does the same. */
const oneLine = (command: string): string =>
  command.includes('\n')
    ? `eval "$(printf %s ${Buffer.from(command).toString('base64')} | base64 -d)"`
    : command
