import * as z from 'zod/mini'
import { ENDINGS } from '../../domain/ended.ts'
import { command, described, duration, keyName, text } from './leaf.ts'

/** Who is told how a rollout ended. */

const KINDS = 'at: end, and one of run, post, slack'

const hook = z.strictObject(
  {
    at: described(z.literal('end', 'end'), 'When: a job of a rollout has ended.'),
    on: z.optional(
      described(
        z
          .array(z.enum(ENDINGS, ENDINGS.join(', ')), 'a list of outcomes')
          .check(z.minLength(1, 'at least one outcome')),
        'How it ended. Default: all five. `fired` is a node that went back by itself; an end that changed nothing is never told.',
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
      described(keyName(), "Line of the input `keys` with the address of Slack's incoming webhook."),
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
    limit: described(z.prefault(duration(1000, 600_000), '20s'), 'How long it may take.'),
  },
  KINDS,
)

export const hookSettings = {
  hooks: described(
    z.prefault(z.array(hook, 'a list of hooks').check(z.maxLength(20, 'at most 20 hooks')), []),
    'Who is told how a rollout ended. What fails here is shown and changes no outcome.',
  ),
}
