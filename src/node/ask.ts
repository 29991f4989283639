import type { Millis } from '../domain/node.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Shell } from '../shell/port.ts'
import { type Answer, parseAnswer, parseProgress } from './answer.ts'
import { type Progress, StepFailed } from './port.ts'
import { type ProgramName, program } from './programs.ts'
import { failureOf } from './refusals.ts'
import { type Node, placeWords, seconds } from './places.ts'

/** A node and the way to it. */
export type Reached = { shell: Shell } & Node

export type AskOptions = { limit: Millis; progress?: (p: Progress) => void; as?: string }

/** Runs one program; an answer that did not end with `end=ok` is thrown as a `StepFailed`. */
export async function ask(
  on: Reached,
  { name, words }: { name: ProgramName; words: string[] },
  options: AskOptions,
): Promise<Answer> {
  const { as, limit } = options
  const ran = await on.shell.run(program(name, on.service.kind), [...placeWords(on), ...words], {
    limit,
    ...(as === undefined ? {} : { as }),
    line: line => {
      const progress = parseProgress(line)
      if (progress) options.progress?.(progress)
    },
  })
  if (ran.lost) {
    const unknown = ran.lost.begun && !READS.has(name)
    throw new StepFailed({ ...ran.lost.problem, effect: unknown ? 'unknown' : 'none', kind: 'unreachable' })
  }
  const answer = parseAnswer(ran.stdout)
  if (answer.end === 'ok') return answer
  if (answer.end !== undefined) throw new StepFailed(failureOf(on.config.name, answer))
  const because = printable(new Untrusted(ran.stderr.trim().split('\n').slice(-3).join(' ')), 300)
  throw new StepFailed({
    code: ran.late ? 'NODE_SILENT' : 'NO_ANSWER',
    what: `${on.config.name}: ${name} ${ran.late ? `did not end within ${seconds(limit)} s` : 'ended without saying how'}`,
    because: because === '' ? `exit ${ran.code ?? 'by a signal'}` : because,
    next: 'run `status`, which inspects the node before anything else',
    where: on.config.name,
    effect: READS.has(name) ? 'none' : 'unknown',
    kind: 'unreachable',
  })
}

const READS = new Set<ProgramName>(['inspect', 'interrupt', 'who', 'unit-facts', 'log', 'check-drain'])
