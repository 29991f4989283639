import { join } from 'node:path'
import { ended, endingsOf } from './domain/ended.ts'
import type { Event } from './domain/event.ts'
import { headline } from './domain/report/headline.ts'
import { retell } from './domain/retell.ts'
import { Untrusted } from './domain/text.ts'
import { writeReport } from './github/summary.ts'
import { contextOf, type Reporting } from './reporting.ts'

/**
 * Tells whoever the fleet file names how the job ended, once everything is decided and let go. Whoever cannot be told is named in the
 * log; nothing else changes, and nothing is thrown.
 */
export async function tellTheEnd(use: Reporting, events: readonly Event[]): Promise<void> {
  const { config, inputs, env, out, redact } = use
  const input = config && retell([...events], contextOf(use))
  if (!input) return
  const endings = endingsOf(input)
  const hooks = config.hooks.filter(hook => hook.on.some(on => endings.includes(on)))
  if (hooks.length === 0) return
  const { tellAll } = await import('./reporting/hooks.ts')
  const told = await tellAll(
    { hooks, keys: inputs?.keys ?? {}, env, cwd: env['GITHUB_WORKSPACE'] ?? process.cwd(), redact },
    ended(input, { headline: headline(input), repository: env['GITHUB_REPOSITORY'] ?? config.repository }),
  )
  for (const { hook, why, output } of told) {
    out.line('hook', why === '' ? `${hook}: told` : `${hook}: not told: ${why}; the outcome stands`)
    if (output !== '') out.remote('hook', new Untrusted(output), 30)
  }
  const log = told.map(({ hook, why, output }) => `${hook}: ${why || 'told'}\n${output}\n`).join('')
  await writeReport(join(use.dir, 'report', 'hooks.log'), log, redact).catch((error: unknown) =>
    out.line(
      'hook',
      `its output could not be kept: ${error instanceof Error ? error.message : String(error)}`,
    ),
  )
}
