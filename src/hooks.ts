import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ended, endingsOf, endMessage, pointMessage } from './domain/ended.ts'
import type { Event, Failure, Hooked } from './domain/event.ts'
import { type HookTask, resultAt } from './domain/hook-points.ts'
import type { Rollout } from './domain/rollout.ts'
import { StepFailed } from './node/port.ts'
import type { Config, Inputs } from './config/config.ts'
import { headline } from './domain/report/headline.ts'
import { retell } from './domain/retell.ts'
import { printable, Untrusted } from './domain/text.ts'
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
  const hooks = config.hooks.filter(hook => hook.at === 'end' && hook.on.some(on => endings.includes(on)))
  if (hooks.length === 0) return
  const { tellAll } = await import('./reporting/hooks.ts')
  const told = await tellAll(
    { hooks, keys: inputs?.keys ?? {}, env, cwd: env['GITHUB_WORKSPACE'] ?? process.cwd(), redact },
    endMessage(
      ended(input, { headline: headline(input), repository: env['GITHUB_REPOSITORY'] ?? config.repository }),
    ),
  )
  for (const { hook, why, output } of told) {
    out.line('hook', why === '' ? `${hook}: told` : `${hook}: not told: ${why}; the outcome stands`)
    if (output !== '') out.remote('hook', new Untrusted(output), 30)
  }
  await kept(use.dir, 'end', told).catch((error: unknown) =>
    out.line(
      'hook',
      `its output could not be kept: ${error instanceof Error ? error.message : String(error)}`,
    ),
  )
}

/** All that hooks have printed, in the order of the points. Secrets are hidden in it already. */
async function kept(dir: string, at: string, told: Hooked[]): Promise<void> {
  const folder = join(dir, 'report')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lines = told.map(({ hook, why, output }) => `${at}  ${hook}: ${why || 'told'}\n${output}\n`)
  await appendFile(join(folder, 'hooks.log'), lines.join(''), { mode: 0o600 })
}

export type Calling = {
  config: Config
  inputs: Pick<Inputs, 'keys'>
  env: NodeJS.ProcessEnv
  dir: string
  redact: (text: string) => string
}

/**
 * Asks or tells at a point of the way. Answers what became of each hook; throws `StepFailed` where one that may stop the rollout does not
 * say yes.
 */
export async function callHooks(c: Calling, { at, node = '' }: HookTask, r: Rollout): Promise<Hooked[]> {
  const { config, inputs, env, redact } = c
  const hooks = config.hooks.filter(hook => hook.at === at)
  const { tellAll } = await import('./reporting/hooks.ts')
  const told = await tellAll(
    { hooks, keys: inputs.keys, env, cwd: env['GITHUB_WORKSPACE'] ?? process.cwd(), redact },
    pointMessage({
      schema: 1,
      rollout: r.id,
      at,
      node,
      result: resultAt(r, at),
      mode: r.plan?.mode ?? '',
      from: [...new Set(r.plan?.nodes.map(n => n.from.version))].join(', '),
      to: r.plan?.version ?? '',
      who: r.by.who,
      repository: env['GITHUB_REPOSITORY'] ?? config.repository,
      run: r.by.page ?? '',
    }),
  )
  // that a folder cannot be written to must not stop a rollout in the middle
  await kept(c.dir, node === '' ? at : `${at} ${node}`, told).catch(() => undefined)
  const no = told.filter((one, i) => one.why !== '' && hooks[i]?.fails)
  if (no.length > 0) throw new StepFailed(saysNo({ at, node }, no))
  return told
}

const saysNo = ({ at, node }: { at: string; node: string }, no: Hooked[]): Failure => ({
  code: 'HOOK_FAILED',
  what: `${at}${node === '' ? '' : ` ${node}`}: ${no.map(({ hook, why }) => `${hook} ${why}`).join('; ')}`,
  ...(no.every(({ output }) => output.trim() === '')
    ? {}
    : {
        because: printable(
          new Untrusted(no.map(({ output }) => output.trim().split('\n').slice(-3).join(' / ')).join('; ')),
          300,
        ),
      }),
  next: 'see what it says, in hooks.log of the report; `on-failure: warn` lets a rollout go on all the same',
  effect: 'none',
  kind: 'hook',
})
