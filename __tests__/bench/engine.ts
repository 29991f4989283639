import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Event, Fact, Task } from '../../src/domain/event.ts'
import { builtAction } from '../action/built-action.ts'
import type { Fleet } from '../local-fleet/fleet.ts'
import { rolloutYaml } from '../local-fleet/rollout-yaml.ts'
import { type BuiltRelease, writeDist } from '../standin/release.ts'

/** What a use of the command line left behind. */
export type Use = { code: number; text: string; journal: Event[] }
/** The engine on a fleet, each use in a folder of its own. */
export type Engine = { bundle: string; use: (release: BuiltRelease, ...words: string[]) => Promise<Use> }

/** Watches that end at the first bad blocks; limits so wide that a busy machine decides nothing. */
const SETTINGS = {
  canary: { watch: '30s', 'warm-up': '0s' },
  judge: { breaker: 2, 'p95-floor': '10s', 'min-samples': 3 },
  probe: { rate: 10, block: '500ms' },
  drain: null,
}

export async function engineOn(fleet: Fleet, home: string): Promise<Engine> {
  const bundle = join(await builtAction(), 'dist', 'index.mjs')
  const [config, keys] = [join(home, 'rollout.yml'), join(home, 'keys')]
  writeFileSync(keys, `backend=${fleet.keys.probe}\nadmin=${fleet.keys.admin}\n`, { mode: 0o600 })
  return {
    bundle,
    use: async (release, ...words) => {
      const dist = join(home, `dist-${release.version}`)
      await writeDist(release, dist)
      writeFileSync(config, rolloutYaml(fleet, { ...SETTINGS, releases: { directory: dist } }))
      return engineUse(home, [...words, '--config', config, '--keys', keys])
    },
  }
}

let uses = 0

/** One use of the command line in a folder of its own. */
export async function engineUse(home: string, words: string[], more: NodeJS.ProcessEnv = {}): Promise<Use> {
  const dir = join(home, `use-${++uses}`)
  mkdirSync(dir)
  const args = [join(await builtAction(), 'dist', 'index.mjs'), ...words]
  const env = { PATH: '/usr/bin:/bin', HOME: home, USER: 'bench', ROLLOUT_DIR: dir, ...more }
  return new Promise(resolve => {
    execFile(process.execPath, args, { env, cwd: home, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code)
      resolve({ code, text: stdout + stderr, journal: journalIn(dir) })
    })
  })
}

/** Some uses, such as `adopt`, keep none. */
function journalIn(dir: string): Event[] {
  const file = join(dir, 'journal.jsonl')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  return lines.map((line): Event => JSON.parse(line))
}

/** A command of a journal with the times at which it began and ended, ms since the epoch. */
export type Span = { task: Task; from: number; to: number; fact: Fact }

export const spans = (journal: Event[]): Span[] =>
  journal.flatMap(begun => {
    if (begun.type !== 'started') return []
    const ended = journal.find(e => e.seq > begun.seq && e.type === 'done' && e.id === begun.command.id)
    return ended?.type === 'done'
      ? [{ task: begun.command, from: begun.at, to: ended.at, fact: ended.fact }]
      : []
  })

/** The spans of one kind of step on a node. */
export const stepSpans = (journal: Event[], step: string): Span[] =>
  spans(journal).filter(({ task }) => task.kind === 'step' && task.step.do === step)
