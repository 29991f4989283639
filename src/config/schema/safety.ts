import * as z from 'zod/mini'
import { DAY, command, described, duration, keyName, share, size, text, yesOrNo } from './leaf.ts'

/** What protects the data: rehearsal, stops, space, leases. */

const tests = z.union(
  [
    command(),
    z.strictObject(
      {
        command: described(command(), 'Run on the runner against the staging address; 0 is success.'),
        limit: described(z.prefault(duration(), '10m'), 'How long it may take.'),
        keys: described(
          z.prefault(z.array(keyName(), 'a list of names of lines of the input `keys`'), []),
          'Secrets that it gets, as ROLLOUT_KEY_<NAME>.',
        ),
      },
      'a command line, or a mapping with command, limit, keys',
    ),
  ],
  'a command line, or a mapping with command, limit, keys',
)

export const rehearse = z.strictObject(
  {
    nodes: described(
      z.prefault(z.enum(['canary', 'every-node'], 'canary or every-node'), 'canary'),
      'On copies of whose data the upgrade is rehearsed.',
    ),
    tests: described(z.optional(tests), 'Your own tests, run against the new version on the copy.'),
    limit: described(z.prefault(duration(), '30m'), 'How long a rehearsal may take on a node.'),
    memory: described(
      z.optional(size()),
      'Memory that a copy needs beside the server. Default: what the server itself uses.',
    ),
  },
  'nodes, tests, limit, memory',
)

export const lease = z.strictObject(
  {
    ttl: described(
      z.prefault(duration(5000), '2m'),
      'After how long without a sign of life a rollout no longer holds a node.',
    ),
    wait: described(
      z.prefault(duration(0), '0s'),
      'How long a release or rollback waits for nodes that another rollout holds.',
    ),
  },
  'ttl and wait',
)

export const deadMansSwitch = z.strictObject(
  {
    'confirm-within': described(
      z.prefault(duration(5000), '10m'),
      'After how long without a sign of life a node that was changed goes back by itself.',
    ),
    'on-fire': described(
      z.optional(command()),
      'Run on the node when that happens. Sees NODE_NAME, NODE_PORT, ROLLOUT, SWITCH_EVENT (fired, home, held) and SWITCH_REASON.',
    ),
    'on-fire-limit': described(z.prefault(duration(), '30s'), 'How long it may take.'),
  },
  'confirm-within, on-fire, on-fire-limit',
)

export const safetySettings = {
  rehearse: described(
    z.prefault(rehearse, {}),
    'The upgrade on a copy of the data, before any node is changed.',
  ),
  'disk-reserve': described(z.prefault(share(), '10 %'), 'Share of the disk that stays free.'),
  'require-reversible': described(
    z.prefault(yesOrNo(), false),
    'Stop after the rehearsal when the old version cannot read what the new one writes.',
  ),
  'accept-write-loss': described(
    z.prefault(yesOrNo(), false),
    'Stop a node even where acknowledged writes may be lost by it.',
  ),
  'start-limit': described(z.prefault(duration(), '2m'), 'How long a server may take until it is ready.'),
  'stop-limit': described(
    z.prefault(duration(), '60s'),
    'How long a server may take to stop before it is killed.',
  ),
  lease: described(z.prefault(lease, {}), 'Who may change a node.'),
  switch: described(
    z.prefault(deadMansSwitch, {}),
    'What a node does by itself when nobody speaks for the rollout any more.',
  ),
  keep: described(z.prefault(duration(60_000, 366 * DAY), '7d'), 'How long checkpoints are kept.'),
  from: described(
    z.optional(
      text(
        /^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/,
        'a version such as v0.2.1, in quotes',
      ),
    ),
    'The version that runs now, where the nodes do not know it.',
  ),
}
