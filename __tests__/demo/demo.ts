import { cpSync, existsSync, globSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CompositeResult, RunningJob } from '../runner/composite.ts'
import { type Act, ACTS, releases } from './acts.ts'
import { firstLines, screen } from './screen.ts'
import { MESSAGES, NODES, openStage, ROOT, type Stage, WRITES_PER_SECOND } from './stage.ts'

/** `npm run demo`: the action of this repository, run on a fleet of real processes with data in them. */
const OUTPUT = join(ROOT, 'demo-output')
const say = (text = ''): void => console.log(text)
const number = (n: number): string => n.toLocaleString('en-US')

async function demo(): Promise<number> {
  const began = performance.now()
  rmSync(OUTPUT, { recursive: true, force: true })
  mkdirSync(OUTPUT)
  say('Making the releases of the stand-in server: the first time takes some seconds')
  const made = await releases()
  const stage = await openStage(made, join(OUTPUT, 'writes.jsonl'))
  cpSync(stage.config, join(OUTPUT, 'rollout.yml'))
  say(
    `${NODES} nodes on v${made[0].version} hold ${number(NODES * MESSAGES)} messages; a writer adds ${NODES * WRITES_PER_SECOND} a second and never rests`,
  )
  const surprises: string[] = []
  for (const act of ACTS) surprises.push(...(await play(act, stage)))
  surprises.push(...(await count(stage)))
  await stage.close()
  say(`Summaries, logs and journals: ${OUTPUT}   (${Math.round((performance.now() - began) / 1000)} s)`)
  for (const surprise of surprises) say(`NOT AS ANNOUNCED  ${surprise}`)
  return surprises.length === 0 ? 0 : 1
}

/** Runs one act and answers in what it ended otherwise than announced. */
async function play(act: Act, stage: Stage): Promise<string[]> {
  say(`\n━━━ ${act.title} ━━━ ${act.opens}\n`)
  const result = await run(act, stage)
  keep(act, result)
  if (result.conclusion === 'lost')
    say('\n  the runner is gone with everything it had started: no step settles, nothing is reported')
  else say(['', ...firstLines(result.summary)].join('\n'))
  rmSync(dirname(result.temp), { recursive: true, force: true })
  const { length } = stage.writer.acknowledged
  say(`\n  the nodes answer: ${await stage.answers()};  ${number(length)} writes acknowledged so far`)
  return difference(act, result)
}

/** The job under way, which must not outlive this process. */
let job: RunningJob | undefined

async function run(act: Act, stage: Stage): Promise<CompositeResult> {
  const shown = screen(say)
  let watched = 0
  const onLine = (text: string, running: RunningJob): void => {
    shown.line(text)
    if (text.startsWith('watch')) watched++
    if (act.kill && watched === 3) running.killRunner()
  }
  job = stage.start(act.inputs, { onStep: shown.step, onLine })
  return job.done
}

/** Log, and what the job uploaded; of a runner that is gone, what it had on its disk. */
function keep({ folder }: Act, { lines, artifacts, temp }: CompositeResult): void {
  const to = join(OUTPUT, folder)
  mkdirSync(to)
  writeFileSync(join(to, 'log.txt'), `${lines.join('\n')}\n`)
  const uploaded = existsSync(artifacts) ? readdirSync(artifacts) : []
  for (const name of uploaded) cpSync(join(artifacts, name), to, { recursive: true })
  if (uploaded.length === 0)
    for (const file of globSync(join(temp, 'rollout-*', 'journal.jsonl')))
      cpSync(file, join(to, 'journal.jsonl'))
}

function difference({ folder, ends }: Act, { conclusion, outputs }: CompositeResult): string[] {
  const got = { conclusion, outcome: outputs['outcome'], version: outputs['version'] }
  const same = conclusion === ends.conclusion && got.outcome === ends.outcome && got.version === ends.version
  return same ? [] : [`${folder}: announced ${JSON.stringify(ends)}, got ${JSON.stringify(got)}`]
}

async function count(stage: Stage): Promise<string[]> {
  say('\n━━━ the writer ━━━\n')
  const { line, missing } = await stage.count()
  say(`  ${line}\n`)
  return missing.length === 0 ? [] : [`writes that are gone: ${number(missing.length)}`]
}

/** Told to end: the job under way first, so that it starts nothing more; what stands is cleared at the exit. */
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.on(signal, () => {
    job?.killRunner()
    process.exit(code)
  })

process.exitCode = await demo()
