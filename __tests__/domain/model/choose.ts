/** A source of choices: every question has `of` answers, numbered from 0; 0 is the unremarkable one. */
export interface Choose {
  (of: number): number
}

/** Seeded (mulberry32); `odds` is the chance of anything but the unremarkable answer. */
export function seeded(seed: number, odds: number): { choose: Choose; random: () => number } {
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const choose: Choose = of => (of < 2 || random() >= odds ? 0 : 1 + Math.floor(random() * (of - 1)))
  return { choose, random }
}

/**
 * Every path through the choices of `run` with at most `budget` remarkable answers, depth first; answers how many there were.
 * `run` must ask the same questions after the same answers.
 */
export function exhaust(budget: number, run: (choose: Choose) => void): number {
  let path: { at: number; of: number }[] = []
  let runs = 0
  for (;;) {
    let depth = 0
    const choose: Choose = of => {
      const spent = path.slice(0, depth).filter(p => p.at > 0).length
      const step = path[depth] ?? { at: 0, of: spent < budget ? of : 1 }
      path[depth++] = step
      return step.at
    }
    run(choose)
    runs += 1
    path = path.slice(0, depth)
    for (let last = path.at(-1); last && last.at + 1 >= last.of; last = path.at(-1)) path.pop()
    const last = path.at(-1)
    if (!last) return runs
    last.at += 1
  }
}
