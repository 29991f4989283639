import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { adopt } from './adopt.ts'
import { chosen } from './chosen.ts'
import { type Ports, advance } from './advance.ts'
import { systemClock } from './clock.ts'
import { type CommandLine, parseCommandLine } from './config/command-line.ts'
import type { ByHand } from './config/hand-flags.ts'
import { helpText, modeHelp } from './config/help.ts'
import { readInputs } from './config/inputs.ts'
import { redactable, takeSecrets } from './config/secrets.ts'
import { continues } from './domain/continues.ts'
import { type Problem, UserError } from './domain/errors.ts'
import type { Body, Event, Fact, Holder, Request, Step } from './domain/event.ts'
import { ownPage, pageOf } from './domain/holder.ts'
import type { Rollout } from './domain/rollout.ts'
import { type Console, createConsole } from './github/console.ts'
import { writeOutputs } from './github/outputs.ts'
import { redactor } from './github/redactor.ts'
import { tellTheEnd } from './hooks.ts'
import { openJournal } from './journal/journal.ts'
import { narrate } from './narrate.ts'
import { failureOf, perform } from './perform.ts'
import { keepLeases } from './refresh.ts'
import { reportOn } from './reporting.ts'
import { keepServerLogs } from './reporting/server-logs.ts'
import { signals } from './signals.ts'
import { prepare, type Use, type World } from './use.ts'
import { VERSION } from './version.ts'
import type { Wired } from './wire.ts'

/** Reads what was asked, does it, and answers the exit code. */
export async function main(world: World): Promise<number> {
  const taken = takeSecrets(world.env)
  const early = createConsole(world.write, redactor(redactable(taken)))
  try {
    const asked = parseCommandLine(world.argv, {
      secrets: taken,
      readFile: path => readFileSync(path, 'utf8'),
    })
    if (asked.is === 'help') return printed(world, asked.of ? modeHelp(asked.of) : helpText())
    if (asked.is === 'version') return printed(world, `progressdb-rollout ${VERSION}\n`)
    if (asked.is === 'mode' && asked.mode === 'init') return await begin(world, asked, early)
    const use = prepare(world, asked, taken)
    if (asked.is === 'step') return await actionStep(use, asked.step)
    return await byHand(use, asked.hand)
  } catch (error) {
    return complain(early, error)
  }
}

/** Before there is a fleet file. */
async function begin(
  { env }: World,
  { source, hand }: Extract<CommandLine, { is: 'mode' }>,
  out: Console,
): Promise<number> {
  const inputs = readInputs(source, 'command line')
  const { init } = await import('./init.ts')
  const dir = mkdtempSync(join(tmpdir(), 'progressdb-rollout-'))
  try {
    return await init({ hand, inputs, out, env, cwd: process.cwd(), dir })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const printed = (world: World, text: string): number => {
  world.write(text)
  return 0
}

/** The user's mistake is told with what to do; ours with where it happened. */
function complain(out: Console, error: unknown): number {
  if (error instanceof UserError) {
    for (const problem of error.problems) out.problem(problem)
    return 3
  }
  const where = error instanceof Error ? (error.stack ?? error.message) : String(error)
  out.problem({
    code: 'INTERNAL',
    what: 'progressdb-rollout made a mistake of its own',
    because: where.split('\n').slice(0, 5).join(' '),
    next: 'please report it with the journal; `progressdb-rollout status` says what the nodes are',
  })
  return 1
}

/** One step of the composite. Its exit code is 0 once its decision is in the journal; only `report` fails by decision. */
async function actionStep(use: Use, step: Step | 'report'): Promise<number> {
  if (step === 'report') return reportOn(reporting(use))
  const r = await run(use, step)
  writeOutputs(
    { continue: continues(r) ? 'true' : 'false', ...(step === 'settle' ? said(r) : {}) },
    use.redact,
    use.env,
  )
  return r.signal === undefined || step === 'settle' ? 0 : 130
}

/** What settle knows by itself, for outputs that must be there even when the report step dies. */
const said = (r: Rollout): Record<string, string> => ({
  outcome: r.concluded?.outcome ?? 'needs-operator',
  'reason-code': r.concluded?.code ?? 'unfinished-rollout',
  version: r.concluded?.version ?? '',
  data: r.concluded?.data ?? '',
  'plan-hash': r.hash,
  'rollout-id': r.id,
})

/** All steps in one process, as the composite would run them. */
async function byHand(use: Use, hand: ByHand): Promise<number> {
  if (use.problems.length > 0) throw new UserError(...use.problems)
  if (use.inputs?.mode === 'adopt') return adopted(use, hand)
  for (const step of ['plan', 'snapshot', 'canary', 'promote'] as const) {
    const r = await run(use, step)
    if (!continues(r)) break
  }
  await run(use, 'settle')
  return reportOn(reporting(use))
}

/** The nodes that were named, or all of them. */
async function adopted(use: Use, hand: ByHand): Promise<number> {
  const { config, out } = use
  if (!config) throw new UserError(...use.problems)
  const on = await wired({ ...use, config: chosen(config, hand) }, rolloutId(), true)
  try {
    return await adopt(on, { out, holder: holderOf(use), hand })
  } finally {
    await on.close()
  }
}

const reporting = (use: Use): Parameters<typeof reportOn>[0] => ({
  env: use.env,
  dir: use.dir,
  out: use.out,
  redact: use.redact,
  inAction: use.inAction,
  ...(use.config ? { config: use.config } : {}),
  ...(use.inputs ? { inputs: use.inputs } : {}),
  problems: use.problems,
})

/** One process of the loop: everything in the journal, everything said. */
async function run(use: Use, step: Step): Promise<Rollout> {
  const journal = openJournal(join(use.dir, 'journal.jsonl'), systemClock)
  const first = journal.events.find(e => e.type === 'opened')
  const began = journal.events[0]?.at ?? systemClock.now()
  const rollout = first?.type === 'opened' ? first.rollout : rolloutId()
  const ready = use.config && use.inputs && use.problems.length === 0
  const on = ready ? await wired(use, rollout, step === 'settle') : undefined
  const heard = signals({
    env: use.env,
    settling: step === 'settle',
    watchParent: use.inAction,
    deadline: began + (use.inputs?.timeout ?? 3_600_000),
    say: use.out.line,
  })
  const leases =
    on && keepLeases({ nodes: on.nodes, ttl: use.config?.lease.ttl ?? 60_000, clock: systemClock })
  const ports: Ports = {
    perform: (command, r, stop) => (on ? perform(on.effects, command, { r, stop }) : refused(use.problems)),
    failureOf,
    signal: leases ? Promise.race([heard.signal, leases.lost]) : heard.signal,
    told: (r, body) => {
      leases?.follow(r)
      say(use, r, body)
    },
  }
  try {
    const r = await advance(journal, { rollout, step, by: holderOf(use), request: requestOf(use) }, ports)
    if (on && step === 'settle') {
      await logsOf(use, on, journal.events)
      await tellTheEnd(reporting(use), journal.events)
    }
    return r
  } finally {
    heard.end()
    leases?.end()
    await on?.close()
    journal.close()
  }
}

/** `report` has no way to the nodes: what the servers wrote is fetched for it here. Failing changes nothing. */
const logsOf = (use: Use, on: Wired, events: readonly Event[]): Promise<void> =>
  keepServerLogs(events, { nodes: on.nodes, folder: join(use.dir, 'report'), redact: use.redact })

/** Nothing was read that could be planned: the plan is the list of everything that is wrong. */
const refused = async (problems: Problem[]): Promise<Fact> => ({
  is: 'refused',
  code: 'plan-refused',
  problems,
})

function say(use: Use, r: Rollout, body: Body): void {
  for (const { topic, text } of narrate(r, body)) use.out.line(topic, text)
  if (body.type === 'done' && body.fact.is === 'refused')
    for (const problem of body.fact.problems) use.out.problem(problem)
}

/** Only what reaches out needs HTTP and GitHub, which take most of the time of a start. */
async function wired(use: Use, rollout: string, last: boolean): Promise<Wired> {
  const { config, inputs } = use
  if (!config || !inputs) throw new UserError(...use.problems)
  const { wire } = await import('./wire.ts')
  const { dir, env } = use
  return wire({
    config,
    inputs,
    rollout,
    dir,
    env,
    clock: systemClock,
    say: use.out.line,
    redact: use.redact,
    last,
  })
}

const rolloutId = (): string => `r-${randomBytes(4).toString('hex')}`

function holderOf({ env }: Use): Holder {
  const run = env['GITHUB_RUN_ID']
    ? `${env['GITHUB_REPOSITORY'] ?? ''} run ${env['GITHUB_RUN_ID']} attempt ${env['GITHUB_RUN_ATTEMPT'] ?? '1'}`
    : ''
  const who = env['GITHUB_ACTOR'] ? `@${env['GITHUB_ACTOR']}` : (env['USER'] ?? env['LOGNAME'] ?? 'unknown')
  const page = ownPage(env)
  const process = `p-${randomBytes(6).toString('hex')}`
  return { process, who, run, host: hostname(), ...(page ? { page: pageOf(page) } : {}) }
}

const requestOf = ({ inputs, steal }: Use): Request => ({
  mode: inputs && inputs.mode !== 'adopt' && inputs.mode !== 'init' ? inputs.mode : 'plan',
  tag: inputs?.tag ?? '',
  stopAfter: inputs?.stopAfter ?? 'none',
  planHash: inputs?.planHash ?? '',
  rollbackData: inputs?.rollbackData ?? 'auto',
  reason: inputs?.reason ?? '',
  ...(steal ? { steal } : {}),
})
