import { smaller } from './history.ts'
import { type History, live } from './life.ts'

/** The smallest history of its kind that still goes wrong, with what went wrong in it. */
export async function shrunk(
  history: History,
): Promise<{ history: History; wrong: string; trace: string[] }> {
  let found = { history, ...(await live(history)) }
  for (;;) {
    let next: typeof found | undefined
    for (const candidate of smaller(found.history)) {
      const lived = await live(candidate)
      if (lived.wrong === '') continue
      next = { history: candidate, ...lived }
      break
    }
    if (!next) return found
    found = next
  }
}

/** As a person reads it: what was wrong, in which world, and what happened when. */
export const told = (seed: number, { history, wrong, trace }: Awaited<ReturnType<typeof shrunk>>): string =>
  [`seed ${seed}: ${wrong}`, JSON.stringify(history), ...trace].join('\n')
