import type { Event } from './event.ts'
import { utc } from './log.ts'
import type { Armed, Millis, NodeId } from './node.ts'
import { quote } from './quote.ts'

/** A line of a node's record about its switch. */
export type Fired = Extract<Event, { type: 'fired' }>

/** Why it fired, and why it held, in a reader's words. Codes of a newer version read as themselves. */
const WORDS: Record<string, string> = {
  unconfirmed: 'nobody confirmed the rollout in time',
  'server-ended': 'its server had ended, and nobody was there',
  'not-ready': 'its server was not ready in time, and nobody was there',
  'would-lose-writes': 'going back would have lost writes',
  'unsafe-stop': 'a stop might have lost writes',
  'no-room': 'there was no room for a checkpoint of its stop',
  'release-damaged': 'the release to go back to is not what was installed',
  'program-changed': 'its program is not what was there when the node was armed',
  'unknown-data': 'another release had opened its data',
  stranger: 'a process that no rollout started has its data open',
  'old-version-refuses-data': 'the old version did not run on the data, so the new one was started again',
  'start-failed': 'neither version could be started',
  'drain-failed': 'it could not be taken out of traffic, or put back',
}

const words = (code: string): string => WORDS[code] ?? code

/** What a switch did, from its lines: `it went back by itself: nobody confirmed the rollout in time`. */
export function firedText(lines: readonly Fired[]): string {
  const why = lines.find(e => e.what === 'fired')?.why ?? ''
  const last = lines.at(-1)
  if (last?.what === 'held')
    return `its switch fired (${words(why)}) and left it as it is: ${words(last.why)}`
  const done = last?.what === 'home' ? 'it went back by itself' : 'its switch fired'
  return why === '' ? done : `${done}: ${words(why)}`
}

/** What an armed node will do and when, by the node's own clock as it was at `at`. */
export function armedText(node: NodeId, { rollout, left, phase, watched }: Armed, at: Millis): string {
  if (phase === 'fired') return `${node} is going back by itself, as nobody confirmed ${rollout} in time`
  const gone = watched ? '' : ', if the program that looks were there'
  return `${node} goes back by itself at ${utc(at + Math.max(0, left))} unless somebody goes on with ${rollout}${gone}`
}

/** To be typed on the node. Whoever comes too late is told so by `rm`. */
export const disarmLine = (install: string): string =>
  `flock ${quote(`${install}/state/lock`)} rm ${quote(`${install}/state/switch`)}`
