/**
 * Words for `@actions/exec` that run a program whose input is written to it: what it leaves unread is read when it has ended. The
 * package writes input without listening for errors, so that a program that ends early would end this process with a broken pipe.
 */
export const drained = (words: string[]): [program: string, args: string[]] => [
  'sh',
  ['-c', '"$@"; code=$?; cat >/dev/null; exit "$code"', 'sh', ...words],
]
