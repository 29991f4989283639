import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/**
 * What a release of the stand-in does wrong. Every fault exists only in the release that carries it.
 *
 * failsToStart   'exit': aborts like any failed start (exit 2 after the countdown); 'panic': exit 2 at once;
 *                'hang': runs for ever without opening its port.
 * errorRate      share (0..1) of API requests answered 500 before they take effect; never healthz, readyz or /admin.
 * slow           milliseconds added to every API request.
 * leak           bytes per second that are never given back.
 * faultsAfter    milliseconds after the start before `errorRate`, `slow` and `leak` begin.
 * liesOnHealth   healthz and readyz say ok while every API request is a 500.
 * hidesData      sees none of the data other releases wrote; it is still on disk.
 * dropsData      share (0..1) of the messages deleted at its first start on this data.
 * migratesTo     record format (2 or more) it rewrites the data to; releases that do not know it exit 2.
 * lateRecord     writes a record kind that other releases refuse at start, after so many applied writes or milliseconds.
 * hangsOnStop    closes its port on SIGTERM and then never ends.
 */
export type Faults = {
  failsToStart?: 'exit' | 'panic' | 'hang'
  errorRate?: number
  slow?: number
  leak?: number
  faultsAfter?: number
  liesOnHealth?: boolean
  hidesData?: boolean
  dropsData?: number
  migratesTo?: number
  lateRecord?: { writes?: number; after?: number }
  hangsOnStop?: boolean
}

/** `version` without a leading v, e.g. `0.2.1`. `nonce` makes another build of the same version and faults. */
export type Version = { version: string; faults: Faults; nonce?: string }

const MAGIC = 'pdb-standin-end\n'

/** The bytes that turn the base executable into this version: JSON, its length as 8 hex digits, a marker. */
export function trailer(version: Version): Buffer {
  const json = Buffer.from(JSON.stringify(version))
  return Buffer.concat([json, Buffer.from(json.length.toString(16).padStart(8, '0') + MAGIC)])
}

/** Reads the version at the end of an executable. Throws when there is none. */
export function versionOf(executable: string): Version {
  const fd = openSync(executable, 'r')
  try {
    const size = fstatSync(fd).size
    const tail = readAt(fd, size - 8 - MAGIC.length, 8 + MAGIC.length).toString('latin1')
    if (tail.slice(8) !== MAGIC)
      throw new Error(`${executable} is no released stand-in: it ends without a version`)
    const length = Number.parseInt(tail.slice(0, 8), 16)
    const version: Version = JSON.parse(readAt(fd, size - 8 - MAGIC.length - length, length).toString('utf8'))
    return version
  } finally {
    closeSync(fd)
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, position)
  return bytes
}
