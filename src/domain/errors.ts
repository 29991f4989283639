/**
 * What a person is told when something is wrong: what happened, why, and the next thing to do, in the reader's words.
 * Plain data, safe to journal and print: every untrusted part was made printable before it got here, and no part is a secret.
 * `code`  SHOUTING_SNAKE for inputs and environment (`SSH_KEY_REFUSED`); kebab-case reason codes live in `reason.ts`.
 * `where` `file:line:column`, or the name of a node or an input.
 */
export type Problem = { code: string; what: string; because?: string; next: string; where?: string }

/** The user's mistake or their world's state: bad input, unreachable node, full disk. Carries every problem found. */
export class UserError extends Error {
  readonly problems: Problem[]
  constructor(...problems: Problem[]) {
    super(problems.map(p => `${p.code}: ${p.what}`).join('\n'))
    this.name = 'UserError'
    this.problems = problems
  }
}

/** Our mistake. Printed with its stack and the line where to report it. */
export class Bug extends Error {
  override readonly name = 'Bug'
}

/** For the `default` of a switch over a closed union: a new member does not compile. */
export const unreachable = (value: never): never => {
  throw new Bug(`unexpected value ${JSON.stringify(value)}`)
}

/** A text about a node (or another place) with its name in front, where it does not open with it anyway. */
export const about = (where: string, text: string, between = ': '): string =>
  text.startsWith(`${where}:`) || text.startsWith(`${where} `) ? text : `${where}${between}${text}`
