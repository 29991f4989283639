import { historyOf } from './history.ts'
import { live } from './life.ts'
import { shrunk, told } from './shrink.ts'

/** Lives every seed of a range, and answers the first `most` that went wrong, made small and told. */
export async function failures(
  range: { from: number; to: number; step: number },
  heard: (done: number) => void = () => undefined,
  most = 3,
): Promise<string[]> {
  const out: string[] = []
  let done = 0
  for (let seed = range.from; seed < range.to && out.length < most; seed += range.step) {
    const history = historyOf(seed)
    if ((await live(history)).wrong !== '') out.push(told(seed, await shrunk(history)))
    heard(++done)
  }
  return out
}
