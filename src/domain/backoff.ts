/** How often and how long a failed request is tried again. `longest` bounds one wait, in ms. */
export type Patience = { attempts: number; first: number; longest: number }

export const PATIENCE: Patience = { attempts: 4, first: 500, longest: 60_000 }

/**
 * Wait in ms before the next attempt, or 'give-up'. `failed` counts the attempts made so far, `random` is in [0, 1).
 * What the server asked for (`asked`, ms) is obeyed exactly; one that asks for longer than we may wait is not tried again.
 */
export const backoff = (
  failed: number,
  random: number,
  hint: { asked?: number; patience?: Patience } = {},
): number | 'give-up' => {
  const { attempts, first, longest } = hint.patience ?? PATIENCE
  if (failed >= attempts) return 'give-up'
  if (hint.asked !== undefined) return hint.asked > longest ? 'give-up' : hint.asked
  const full = Math.min(longest, first * 2 ** (failed - 1))
  // Half fixed, half random: runners started together do not come back together.
  return full / 2 + (full / 2) * random
}

/** What a rate-limited answer asks for, in ms; `undefined` when it asks for nothing. `now` in ms since the epoch. */
export const askedWait = (header: (name: string) => string | undefined, now: number): number | undefined => {
  const after = Number(header('retry-after'))
  if (Number.isFinite(after) && after > 0) return after * 1000
  if (header('x-ratelimit-remaining') !== '0') return undefined
  const reset = Number(header('x-ratelimit-reset'))
  return Number.isFinite(reset) && reset > 0 ? Math.max(0, reset * 1000 - now) : undefined
}
