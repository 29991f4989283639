import type { KillScope } from '../runner/child.ts'

export type Moment = { scope: KillScope; after: number }

/** `SEED=1234` chooses the moments of an earlier run again; otherwise every run has its own. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const kills = Number(process.env['KILLS'] ?? 10)

/**
 * Moments of a step that takes about `duration` ms, one in each equal part of it so that every part is met, each drawn from the seed;
 * the process alone and its whole tree in turn.
 */
export function momentsIn(step: string, duration: number, count = kills): Moment[] {
  const random = sequence(`${seed} ${step}`)
  return Array.from({ length: count }, (_, i) => ({
    scope: i % 2 === 0 ? 'child' : 'tree',
    after: Math.round(((i + random()) / count) * duration),
  }))
}

/** Numbers in 0..1 that a word decides (FNV-1a, then xorshift). */
export function sequence(word: string): () => number {
  let state = 2_166_136_261
  for (const char of word) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 16_777_619)
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4_294_967_296
  }
}
