import * as z from 'zod/mini'
import { DAY, amount, described, duration, keyName, nodeName, route, share, text, whole } from './leaf.ts'

/** How a release is watched and judged. */

export const canary = z.strictObject(
  {
    nodes: described(z.optional(whole(1, 500)), 'How many nodes, from the top of the list. Default: 1.'),
    name: described(z.optional(nodeName()), 'The one node that goes first, instead of nodes.'),
    watch: described(
      z.prefault(duration(), '10m'),
      'How long it is watched before anything else is changed.',
    ),
    rewatch: described(z.prefault(duration(), '2m'), 'How long it is watched again after an approval.'),
    'warm-up': described(
      z.optional(duration(0)),
      'Latency and series are not judged this long. Default: a quarter of the shortest watch, at most 30s.',
    ),
    deadline: described(
      z.optional(duration()),
      'A watch without a verdict by then is inconclusive. Default: twice the longest watch.',
    ),
  },
  'nodes or name, watch, rewatch, warm-up, deadline',
)

export const waves = z.strictObject(
  {
    size: described(z.prefault(whole(1, 500), 1), 'Nodes in a wave after the canary.'),
    watch: described(z.prefault(duration(), '2m'), 'How long every wave is watched.'),
  },
  'size and watch',
)

export const judge = z.strictObject(
  {
    failed: described(
      z.prefault(share(), '5 %'),
      'Failed probe requests allowed, whatever the baseline does.',
    ),
    'failed-above-baseline': described(
      z.prefault(share(), '1 %'),
      'Failed probe requests allowed above the share of the old nodes.',
    ),
    breaker: described(
      z.prefault(whole(1, 1000), 3),
      'Blocks in a row with at least half of the requests failed that decide at once.',
    ),
    'p95-ratio': described(
      z.prefault(amount('a number of at least 1').check(z.minimum(1, 'a number of at least 1')), 1.25),
      'Allowed p95 of the new nodes as a multiple of that of the old ones.',
    ),
    'p95-floor': described(z.prefault(duration(0), '10ms'), 'Differences below this are never a failure.'),
    errors: described(z.prefault(share(), '5 %'), 'Own errors (could not measure) allowed.'),
    'no-data': described(
      z.prefault(whole(0, 10_000), 2),
      'Blocks without data of a required signal allowed.',
    ),
    'min-samples': described(
      z.optional(whole(1, 1_000_000)),
      'Probe requests a verdict needs. Default: 100, or half of what the shortest watch gives.',
    ),
  },
  'failed, failed-above-baseline, breaker, p95-ratio, p95-floor, errors, no-data, min-samples',
)

export const metric = z.strictObject(
  {
    name: described(
      text(/^[A-Za-z0-9][\w .-]{0,39}$/, 'a short name of letters, digits, " ", ".", "-" and "_"'),
      'Name in logs and reports.',
    ),
    series: described(
      text(/^[^\p{Cc}]{1,300}$/u, 'a series such as go_goroutines or http_errors_total{code="500"}'),
      'Series of the exposition, with labels where needed; matching series are added up.',
    ),
    max: described(z.optional(amount('a number')), 'Never above.'),
    min: described(z.optional(amount('a number')), 'Never below.'),
    'max-ratio': described(
      z.optional(amount('a number above 0').check(z.positive('a number above 0'))),
      'Never above this multiple of the mean of the old nodes.',
    ),
    required: described(z.prefault(z.boolean('true or false'), true), 'No data of it never passes.'),
  },
  'name, series and max, min or max-ratio',
)

export const probe = z.strictObject(
  {
    rate: described(
      z.prefault(
        amount('a number of requests a second, above 0 and at most 100').check(
          z.positive('a number above 0'),
          z.maximum(100, 'at most 100 requests a second'),
        ),
        2,
      ),
      'Requests a second to each node. Stay below the rate limit of its key.',
    ),
    block: described(
      z.prefault(duration(100), '5s'),
      'Measurements are gathered and judged in blocks of this length.',
    ),
    keys: described(
      z.prefault(
        z.strictObject(
          {
            backend: described(
              z.optional(keyName()),
              'Key that signs users. Default for progressdb: backend.',
            ),
            admin: described(z.optional(keyName()), 'Key that reads counts. Default for progressdb: admin.'),
            frontend: described(
              z.optional(keyName()),
              'Key of the user paths, where it is not the backend key.',
            ),
          },
          'names of lines of the input `keys`: backend, admin, frontend',
        ),
        {},
      ),
      'Which lines of the input `keys` the probe uses. Give it keys of its own.',
    ),
    user: described(
      z.prefault(text(/^[\w.-]{1,36}$/, 'a user id of letters, digits, ".", "-" and "_"'), 'rollout-probe'),
      'User that the probe writes as.',
    ),
  },
  'rate, block, keys, user',
)

export const exposition = z.strictObject(
  {
    path: described(
      z.optional(route()),
      'Path of the metrics in Prometheus text format. Default for progressdb: /admin/debug/prometheus.',
    ),
    key: described(
      z.optional(keyName()),
      'Line of the input `keys` that is sent; none for no key. Default for progressdb: admin.',
    ),
    header: described(
      z.optional(text(/^[A-Za-z][A-Za-z0-9-]{0,60}$/, 'the name of a header')),
      'Header for the key. Default: Authorization, as a bearer token.',
    ),
  },
  'path, key, header',
)

export const watchSettings = {
  canary: described(z.prefault(canary, {}), 'Which nodes go first, and how long they are watched.'),
  waves: described(z.prefault(waves, {}), 'How the remaining nodes follow.'),
  'max-parallel': described(
    z.prefault(whole(1, 500), 4),
    'Nodes that are worked on at the same time, at most.',
  ),
  judge: described(z.prefault(judge, {}), 'What a release may do and still pass.'),
  metrics: described(
    z.prefault(z.array(metric, 'a list of metrics').check(z.maxLength(100, 'at most 100')), []),
    'Series that are compared.',
  ),
  probe: described(z.prefault(probe, {}), 'Scripted requests that every node answers while it is watched.'),
  exposition: described(z.prefault(exposition, {}), 'Where the nodes show their metrics.'),
  'on-inconclusive': described(
    z.prefault(z.enum(['rollback', 'hold'], 'rollback or hold'), 'rollback'),
    'What follows a watch without enough evidence.',
  ),
  'approve-within': described(
    z.prefault(duration(60_000, 30 * DAY), '4h'),
    'How long a stopped rollout waits for its approval.',
  ),
}
