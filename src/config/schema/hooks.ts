import * as z from 'zod/mini'
import { HOOK_POINTS } from '../../domain/hook-points.ts'
import { ENDINGS } from '../../domain/ended.ts'
import { command, described, duration, keyName, text } from './leaf.ts'

/** Who is asked on the way of a rollout, and told how it ended. */

const POINTS = ['end', ...HOOK_POINTS] as const
const KINDS = 'at: end, before-canary or another point, and one of run, post, slack'

const hook = z.strictObject(
  {
    at: described(
      z.enum(POINTS, POINTS.join(', ')),
      'When: a job of a rollout has ended, or a release comes to a phase or to a node.',
    ),
    'on-failure': z.optional(
      described(
        z.enum(['fail', 'warn'], 'fail or warn'),
        'Not with end: what fails stops the release and takes it back (fail), or is only shown (warn). Default: warn behind a phase or node, else fail.',
      ),
    ),
    on: z.optional(
      described(
        z
          .array(z.enum(ENDINGS, ENDINGS.join(', ')), 'a list of outcomes')
          .check(z.minLength(1, 'at least one outcome')),
        'With end: how it ended. Default: all five. `fired` is a node that went back by itself; an end that changed nothing is never told.',
      ),
    ),
    run: z.optional(
      described(
        command(),
        'A command on the runner, in the folder of the checkout. It sees ROLLOUT_OUTCOME and its like.',
      ),
    ),
    post: z.optional(
      described(
        text(
          /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)[:/])[^\s"'\\#@]{1,500}$/,
          'an address such as https://hooks.example.org/rollouts, without a secret in it',
        ),
        'An address that gets a POST with a JSON body.',
      ),
    ),
    slack: z.optional(
      described(
        keyName(),
        "Line of the input `keys` with the address of Slack's incoming webhook; with channel, the token of a bot.",
      ),
    ),
    channel: z.optional(
      described(
        text(/^[CGD][A-Z0-9]{6,20}$/, "a channel's id, such as C0123456789"),
        'With slack: where a bot keeps one message for each rollout, brings it up to date, and answers beneath it.',
      ),
    ),
    api: described(
      z.prefault(
        text(
          /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)[:/])[^\s"'\\#@?]{1,200}$/,
          "the address of Slack's API",
        ),
        'https://slack.com/api',
      ),
      "With channel: Slack's API, where it is another one.",
    ),
    key: z.optional(
      described(keyName(), 'With post: line of the input `keys` that is sent as a bearer token.'),
    ),
    keys: z.optional(
      described(
        z.array(keyName(), 'a list of key names'),
        'With run: lines of the input `keys` that the command gets, as ROLLOUT_KEY_<NAME>. It gets no others.',
      ),
    ),
    limit: described(z.prefault(duration(1000, 6 * 3_600_000), '20s'), 'How long it may take.'),
  },
  KINDS,
)

export const hookSettings = {
  hooks: described(
    z.prefault(z.array(hook, 'a list of hooks').check(z.maxLength(20, 'at most 20 hooks')), []),
    'Who is asked on the way, and told how it ended. At the end, what fails is shown and changes no outcome.',
  ),
}
