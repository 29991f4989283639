import type { ModeName } from './modes.ts'

export type InputName =
  | 'mode'
  | 'config'
  | 'tag'
  | 'stop-after'
  | 'plan-hash'
  | 'rollback-data'
  | 'reason'
  | 'timeout'
  | 'token'
  | 'ssh-key'
  | 'ssh-known-hosts'
  | 'keys'
  | 'artifacts'
  | 'metadata'

/** Steps of the composite that run the engine. */
export type ActionStep = 'plan' | 'snapshot' | 'canary' | 'promote' | 'settle' | 'report'
export const ACTION_STEPS: readonly ActionStep[] = [
  'plan',
  'snapshot',
  'canary',
  'promote',
  'settle',
  'report',
]

/** One input: the source of action.yml, of the README's table and of the command line's flags. */
export type InputRow = {
  name: InputName
  description: string
  /** As in action.yml; '' for none. */
  default: string
  secret: boolean
  /** The steps whose environment it is mapped into, and no others. */
  steps: readonly ActionStep[]
  modes: readonly ModeName[]
  /** What stands after the flag in the help. A secret is read from a file: nothing secret stands in an argument. */
  value: string
}

const WORKING: readonly ActionStep[] = ['plan', 'snapshot', 'canary', 'promote', 'settle']
const ALL_MODES: readonly ModeName[] = ['release', 'plan', 'rollback', 'recover', 'status', 'adopt']
/** Also where nothing is known of a fleet yet. */
const SSH_MODES: readonly ModeName[] = [...ALL_MODES, 'init']
const ROLLOUTS: readonly ModeName[] = ['release', 'plan', 'rollback', 'recover', 'status']

export const INPUTS: readonly InputRow[] = [
  {
    name: 'mode',
    description: 'What to do: release, plan, rollback, recover or status.',
    default: 'release',
    secret: false,
    steps: ACTION_STEPS,
    modes: ALL_MODES,
    value: 'MODE',
  },
  {
    name: 'config',
    description: 'The fleet file, relative to the workspace.',
    default: '.github/rollout.yml',
    secret: false,
    steps: ACTION_STEPS,
    modes: ALL_MODES,
    value: 'FILE',
  },
  {
    name: 'tag',
    description:
      'The release to reach, such as v0.2.2. Needed by release and plan; rollback also takes previous, its default.',
    default: '',
    secret: false,
    steps: ACTION_STEPS,
    modes: ['release', 'plan', 'rollback', 'recover'],
    value: 'TAG',
  },
  {
    name: 'stop-after',
    description:
      'End the job after plan, rehearse or canary and wait for an approval: the same release in a later job goes on.',
    default: '',
    secret: false,
    steps: ACTION_STEPS,
    modes: ['release'],
    value: 'plan|rehearse|canary',
  },
  {
    name: 'plan-hash',
    description:
      'The hash of the plan that was approved. A plan that differs stops the run before anything is changed.',
    default: '',
    secret: false,
    steps: ACTION_STEPS,
    modes: ['release', 'rollback'],
    value: 'HASH',
  },
  {
    name: 'rollback-data',
    description:
      'On the way back: keep every write, restore the snapshot, or auto. auto restores only where the plan said so and the watch of the node has not yet passed.',
    default: 'auto',
    secret: false,
    steps: ACTION_STEPS,
    modes: ['release', 'plan', 'rollback', 'recover'],
    value: 'auto|keep|restore',
  },
  {
    name: 'reason',
    description: 'Why, for the log and the report.',
    default: '',
    secret: false,
    steps: ACTION_STEPS,
    modes: ROLLOUTS,
    value: 'TEXT',
  },
  {
    name: 'timeout',
    description:
      'How long the whole rollout may take before it settles. Keep the timeout-minutes of the job 10 minutes above it, and set none on the step.',
    default: '45m',
    secret: false,
    steps: ACTION_STEPS,
    modes: ROLLOUTS,
    value: 'DURATION',
  },
  {
    name: 'token',
    description:
      'GitHub token: reads releases (contents: read), sees whether a run has ended (actions: read) and records deployments (deployments: write).',
    default: '${{ github.token }}',
    secret: true,
    steps: ['plan', 'report'],
    modes: ROLLOUTS,
    value: 'FILE',
  },
  {
    name: 'ssh-key',
    description:
      'Private key for nodes that are reached over ssh, without a passphrase. An ssh agent of the job serves as well.',
    default: '',
    secret: true,
    steps: WORKING,
    modes: SSH_MODES,
    value: 'FILE',
  },
  {
    name: 'ssh-known-hosts',
    description:
      'Lines of known_hosts for the nodes, compared on their own consoles. No host is trusted on first use.',
    default: '',
    secret: false,
    steps: WORKING,
    modes: SSH_MODES,
    value: 'LINES',
  },
  {
    name: 'keys',
    description:
      'API keys of the service, one name=value a line. The fleet file says which name is used for what.',
    default: '',
    secret: true,
    steps: WORKING,
    modes: ALL_MODES,
    value: 'FILE',
  },
  {
    name: 'artifacts',
    description: 'The output artifacts of goreleaser-action: its digests become the expected ones.',
    default: '',
    secret: false,
    steps: ['plan'],
    modes: ['release', 'plan'],
    value: 'JSON',
  },
  {
    name: 'metadata',
    description: 'The output metadata of goreleaser-action.',
    default: '',
    secret: false,
    steps: ['plan'],
    modes: ['release', 'plan'],
    value: 'JSON',
  },
]

/** `ssh-key` arrives as `INPUT_SSH_KEY`: some shells drop names with a hyphen from the environment. */
export const inputVariable = (name: InputName): string => `INPUT_${name.toUpperCase().replaceAll('-', '_')}`

export type OutputName =
  | 'outcome'
  | 'verdict'
  | 'reason-code'
  | 'headline'
  | 'version'
  | 'target-version'
  | 'previous-version'
  | 'data'
  | 'snapshots'
  | 'report'
  | 'plan-hash'
  | 'rollout-id'

/** One output: the source of action.yml and of the README's table. */
export const OUTPUTS: readonly { name: OutputName; description: string }[] = [
  {
    name: 'outcome',
    description:
      'promoted, rolled-back, unchanged, stopped or needs-operator: what the nodes show at the end.',
  },
  {
    name: 'verdict',
    description:
      'pass, fail, inconclusive or pending: what the last watch found; empty where nothing was watched.',
  },
  { name: 'reason-code', description: 'Why, as one code of docs/operations.md.' },
  { name: 'headline', description: 'The first line of the report.' },
  { name: 'version', description: 'The version that the fleet serves now, or mixed.' },
  { name: 'target-version', description: 'The version that was to be reached.' },
  { name: 'previous-version', description: 'The version that the fleet served before.' },
  { name: 'data', description: 'untouched, kept or restored.' },
  { name: 'snapshots', description: 'Names of the snapshots taken, as node=name, separated by commas.' },
  { name: 'report', description: 'Path of the report on the runner.' },
  {
    name: 'plan-hash',
    description: 'Hash of the plan: pass it back as plan-hash to approve exactly this plan.',
  },
  { name: 'rollout-id', description: 'The id of the rollout in logs, on the nodes and in the report.' },
]
