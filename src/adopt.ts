import { type AdoptUnits, adoptUnits, undoUnits } from './adopt-unit.ts'
import type { ByHand } from './config/hand-flags.ts'
import type { Console } from './github/console.ts'
import { type Problem, UserError } from './domain/errors.ts'
import type { Holder } from './domain/event.ts'
import type { NodePort } from './node/port.ts'
import { prepareContainer } from './node/container-adoption.ts'
import { StepFailed } from './node/port.ts'
import { runningVersion } from './running-version.ts'
import type { Wired } from './wire.ts'

const TTL = 60_000

/** Adopts each node by what runs its server, or takes that back. Answers the exit code. */
export function adopt(on: Wired, by: { out: Console; holder: Holder; hand: ByHand }): Promise<number> {
  const { config, clock } = on.effects
  if (config.service.kind !== 'systemd') return adoptServers(on, by)
  const units: AdoptUnits = {
    nodes: on.units,
    probe: on.probe,
    out: by.out,
    yes: by.hand.yes,
    process: by.holder.process,
    now: () => clock.now(),
    ...(config.from === undefined ? {} : { from: config.from }),
  }
  return by.hand.undo ? undoUnits(units) : adoptUnits(units)
}

/**
 * Takes over servers that run, as processes or in containers: records what each one runs as a known-good release. Nothing is restarted, and a node that was
 * adopted before is left as it is, unless its server was replaced or started by hand since. Answers the exit code.
 */
async function adoptServers(on: Wired, by: { out: Console; holder: Holder }): Promise<number> {
  const problems: Problem[] = []
  for (const [id, node] of on.nodes) {
    try {
      const container = on.containers.find(c => c.config.name === id)
      const unfit = container ? await prepareContainer(container) : []
      problems.push(...unfit)
      if (unfit.length > 0) continue
      by.out.line('adopt', `${id} ${await adoptOne(on, node, by.holder)}`)
    } catch (error) {
      if (error instanceof StepFailed) problems.push(error.failure)
      else if (error instanceof UserError) problems.push(...error.problems)
      else throw error
    }
  }
  for (const problem of problems) by.out.problem(problem)
  return problems.length === 0 ? 0 : 3
}

async function adoptOne(on: Wired, node: NodePort, holder: Holder): Promise<string> {
  const config = on.effects.config.nodes.find(n => n.name === node.id)
  const before = await node.inspect()
  if (before.facts.adopted && before.now.running !== 'unknown')
    return 'was adopted before; nothing was changed'
  const version = await runningVersion(
    on.probe,
    { id: node.id, url: config?.url ?? '' },
    on.effects.config.from,
  )
  const rollout = `adopt-${holder.process}`
  const who = [holder.who, holder.host].join(' on ')
  const leased = await node.lease({
    rollout,
    process: holder.process,
    holder: who,
    doing: 'adopting it',
    ttl: TTL,
    lines: [],
    run: '',
    over: 'expired',
  })
  const token = leased.now.lease === 'free' ? 0 : leased.now.lease.token
  const grip = { token, stop: new AbortController().signal, progress: () => undefined }
  try {
    const done = await node.act({ do: 'adopt', version }, grip)
    const sha256 = done.answer['adopted']?.at(-1) ?? ''
    const at = on.effects.clock.now()
    await node.act(
      { do: 'record', lines: [{ schema: 1, seq: 1, at, type: 'adopted', rollout, version, sha256 }] },
      grip,
    )
    return `runs ${version}, sha256 ${sha256.slice(0, 12)}…: recorded as known to be good; nothing was restarted`
  } finally {
    await node.act({ do: 'release' }, grip)
  }
}
