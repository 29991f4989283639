import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Body, Event } from '../domain/event.ts'
import type { Clock } from '../domain/clock.ts'
import { readLine } from './upcast.ts'

/** The append-only file of facts of one rollout: JSONL, one fsync a line. One process writes it at a time. */
export interface Journal {
  /** Everything written so far, oldest first. */
  readonly events: readonly Event[]
  /** Stamps schema, seq and time, writes, and returns only when the line is on disk. */
  append(body: Body): Event
  close(): void
}

/**
 * Opens or creates the journal. A last line without its newline was cut off by a crash: it never happened, and is removed.
 * Throws `UserError` when the file holds anything else than journal lines, or lines of a newer version.
 */
export function openJournal(file: string, clock: Clock): Journal {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fd = openSync(file, 'a+', 0o600)
  const text = readFileSync(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole))
  const lines = whole.split('\n').filter(line => line !== '')
  const events = lines.map((line, index) => readLine(line, `${file}:${index + 1}`))
  syncFolder(dirname(file))
  return {
    events,
    append: body => {
      const event: Event = { schema: 1, seq: events.length + 1, at: clock.now(), ...body }
      writeSync(fd, `${JSON.stringify(event)}\n`)
      fsyncSync(fd)
      events.push(event)
      return event
    },
    close: () => closeSync(fd),
  }
}

/** A new file is only there after a crash when its folder was synced too. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  fsyncSync(fd)
  closeSync(fd)
}
