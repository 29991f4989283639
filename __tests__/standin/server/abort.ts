import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A slog-style line on standard output. `fields` as `key=value`, already quoted where needed. */
export function log(fields: string): void {
  process.stdout.write(`time=${new Date().toISOString()} ${fields}\n`)
}

/** Seconds between a failed start and its exit. The original waits 10; tests may set less. */
const COUNTDOWN = Number(process.env['PROGRESSDB_ABORT_SECONDS'] ?? 10)

/** A failed start: evidence under `state/`, a countdown, exit 2. Like the original it dumps no memory, unlike it no environment. */
export async function abort(context: string, cause: unknown, dbPath: string): Promise<never> {
  const why = cause instanceof Error ? cause.message : String(cause)
  log(`level=ERROR msg=startup_fatal context=${JSON.stringify(context)} error=${JSON.stringify(why)}`)
  process.stderr.write(`CRASH ERROR: ${context} - ${why}\n`)
  if (dbPath !== '') leaveEvidence(dbPath, context, why)
  for (let left = COUNTDOWN; left > 0; left--) {
    log(`level=INFO msg=exiting_in_seconds seconds=${left}`)
    await sleep(Math.min(1, left) * 1000)
  }
  process.exit(2)
}

function leaveEvidence(dbPath: string, context: string, why: string): void {
  const stamp = `${Date.now()}000000`
  const time = new Date().toISOString()
  const crash = join(dbPath, 'state', 'crash')
  const request = join(dbPath, 'state', 'abort')
  try {
    for (const folder of [crash, request]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const crashPath = join(crash, `crash-${stamp}.log`)
    writeFileSync(crashPath, `time: ${time}\nreason: ${context}\nerror: ${why}\n`, { mode: 0o600 })
    const body = {
      time,
      reason: context,
      cmd: 'crash',
      crash_path: crashPath,
      meta: { pid: String(process.pid) },
    }
    writeFileSync(join(request, `req-${stamp}.json`), `${JSON.stringify(body, null, 2)}\n`, { mode: 0o600 })
    process.stderr.write(`CRASH DUMP WRITTEN: ${crashPath}\n`)
  } catch (error) {
    process.stderr.write(`FAILED TO WRITE CRASH DUMP: ${String(error)}\n`)
  }
}
