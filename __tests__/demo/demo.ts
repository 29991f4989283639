import { cpSync, existsSync, globSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  say('Making the releases of the stand-in server (the first time takes some seconds)')
  const made = await releases()
  const stage = await openStage(made, join(OUTPUT, 'writes.jsonl'))
  endWith(stage)
  cpSync(stage.config, join(OUTPUT, 'rollout.yml'))
  say(
    `A fleet of ${NODES} nodes on v${made[0].version} with ${number(NODES * MESSAGES)} messages, and a writer that adds ${NODES * WRITES_PER_SECOND} a second, all the time`,
  )
  try {
    const surprises: string[] = []
    for (const act of ACTS) surprises.push(...(await play(act, stage)))
    surprises.push(...(await count(stage)))
    say(`Summaries, logs and journals: ${OUTPUT}   (${Math.round((performance.now() - began) / 1000)} s)`)
    for (const surprise of surprises) say(`NOT AS ANNOUNCED  ${surprise}`)
    return surprises.length === 0 ? 0 : 1
  } finally {
    await stage.close()
  }
}

/** Runs one act and answers in what it ended otherwise than announced. */
async function play(act: Act, stage: Stage): Promise<string[]> {
  const [number] = act.folder.split('-')
  say(`\n━━━ ${number} of 4 ━━━ ${act.opens}\n`)
  const result = await run(act, stage)
  keep(act, result)
  if (result.conclusion === 'lost') say('\n  the runner is gone, with all it had started: no step settles, nothing is reported')
  else say(['', ...firstLines(result.summary)].join('\n'))
  say(`\n  the nodes answer: ${await stage.answers()};  ${number_(stage)} writes acknowledged so far`)
  return difference(act, result)
}

const number_ = (stage: Stage): string => number(stage.writer.acknowledged.length)

function run(act: Act, stage: Stage): Promise<CompositeResult> {
  const shown = screen(say)
  let watched = 0
  const { tag, mode } = act.inputs
  return stage.start(tag === undefined ? { mode } : { mode, tag }, {
    onStep: shown.step,
    onLine: (text: string, job: RunningJob) => {
      shown.line(text)
      if (text.startsWith('watch')) watched++
      if (act.kill && watched === 3) job.killRunner()
    },
  }).done
}

/** Log, and what the job uploaded; of a runner that is gone, what it had on its disk. */
function keep({ folder }: Act, { lines, artifacts, temp }: CompositeResult): void {
  const to = join(OUTPUT, folder)
  mkdirSync(to)
  writeFileSync(join(to, 'log.txt'), `${lines.join('\n')}\n`)
  const uploaded = existsSync(artifacts) ? readdirSync(artifacts) : []
  for (const name of uploaded) cpSync(join(artifacts, name), to, { recursive: true })
  if (uploaded.length === 0) for (const file of globSync(join(temp, 'rollout-*', 'journal.jsonl'))) cpSync(file, join(to, 'journal.jsonl'))
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

/** Told to end, it ends what it started: the job under way dies with this process, the fleet before it. */
function endWith(stage: Stage): void {
  let ending = false
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const)
    process.on(signal, () => {
      if (ending) return
      ending = true
      say(`\n${signal}: ending the fleet`)
      void stage.close().finally(() => process.exit(code))
    })
}

process.exitCode = await demo()
