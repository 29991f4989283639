import { type Problem, UserError } from '../../src/domain/errors.ts'

/** The problems that a reader throws; anything but a `UserError` fails the test. */
export const problemsOf = (read: () => unknown): Problem[] => {
  try {
    read()
  } catch (error) {
    if (error instanceof UserError) return error.problems
    throw error
  }
  return []
}

/** `CODE at where`, for comparing. */
export const brief = (read: () => unknown): string[] =>
  problemsOf(read).map(problem => `${problem.code} ${problem.where ?? ''}`.trim())
