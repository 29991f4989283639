import { exec } from '@actions/exec'
import type { Config } from './config/config.ts'
import type { Release } from './domain/release.ts'
import { printable, Untrusted } from './domain/text.ts'

/** Where the tests find the server, and what they may know. */
export type Testing = { url: string; release: Release; stop: AbortSignal; keys: Record<string, string> }

const KEPT = 4000
/** With nothing to read, whatever it asks for. Nothing is written to it: a command that ends at once would break that pipe. */
const BOUNDED = 'exec timeout --kill-after=5 "$0" sh -c "$1" </dev/null'

/**
 * Runs the user's own test command against a staging address, with a listed environment and only the keys it was granted.
 * Answers why it failed, '' when it passed or there is none.
 */
export async function runTests(config: Config, t: Testing): Promise<string> {
  if (!config.tests) return ''
  const { command, limit, keys = [] } = config.tests
  let output = ''
  const keep = (data: Buffer): void => void (output = (output + data.toString('utf8')).slice(-KEPT))
  const seconds = Math.max(1, Math.round(limit / 1000))
  const code = await exec('sh', ['-c', BOUNDED, String(seconds), command], {
    silent: true,
    ignoreReturnCode: true,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: process.env['HOME'] ?? '/',
      LC_ALL: 'C',
      ROLLOUT_URL: t.url,
      ROLLOUT_VERSION: t.release.version,
      ...Object.fromEntries(
        keys.map(name => [`ROLLOUT_KEY_${name.toUpperCase().replaceAll('-', '_')}`, t.keys[name] ?? '']),
      ),
    },
    listeners: { stdout: keep, stderr: keep },
  }).catch(() => 127)
  if (code === 0) return ''
  const last = printable(new Untrusted(output.trim().split('\n').slice(-3).join(' / ')), 300)
  return code === 124
    ? `your tests ran longer than ${seconds} s: ${last}`
    : `your tests ended with ${code}: ${last}`
}
