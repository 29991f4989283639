import type { Inputs } from './config.ts'

export type ModeName = Inputs['mode']

/** One mode: the source of the command line's help and of the README. */
export type ModeRow = {
  name: ModeName
  /** One line, in the reader's words. */
  summary: string
  /** What it does, one sentence a line. */
  about: string[]
  /** It may change nodes. */
  changes: boolean
  /** Not a mode of the action: it is typed where the nodes are. */
  byHand: boolean
  /** How it can end, with the exit code. */
  ends: string[]
  examples: string[]
}

export const MODES: readonly ModeRow[] = [
  {
    name: 'release',
    summary: 'take the fleet to a release: snapshot, rehearse, canary, watch, promote or roll back',
    about: [
      'Checks the release and every node, and prints the plan.',
      'Snapshots each canary node, proves the snapshot by restoring it, and rehearses the upgrade on the copy.',
      'Upgrades the canary, watches it beside the nodes on the old version, then promotes wave by wave.',
      'Whatever fails is rolled back, with its data, by the rules that the plan printed.',
      'Run again after it was stopped for an approval, it goes on from what the nodes say.',
    ],
    changes: true,
    byHand: false,
    ends: [
      '0  promoted, unchanged (already there), or stopped where you asked',
      '2  rolled back',
      '3  refused, nothing was changed',
      '4  needs you: the report says what to type',
    ],
    examples: [
      'release v0.2.2 --keys keys.txt',
      'release --tag v0.2.2 --stop-after rehearse',
      'release --tag v0.2.2 --plan-hash 9f1c…',
    ],
  },
  {
    name: 'plan',
    summary: 'print what a release would do; change nothing',
    about: [
      'Checks the release, every node, disk, compatibility and metrics, and reports every problem of every node together.',
      'Reads only. The plan it prints ends with its hash; after a rehearsal the hash also covers whether a rollback keeps data.',
    ],
    changes: false,
    byHand: false,
    ends: ['0  planned', '3  refused, with every reason'],
    examples: ['plan v0.2.2'],
  },
  {
    name: 'rollback',
    summary: 'take the fleet back to a version, by default the previous known-good one',
    about: [
      "Rehearses the version on a copy of each node's present data first.",
      'Keeps every write where the version can read them (--rollback-data keep).',
      'Where it cannot, the plan prints for each node the age of the snapshot and the writes it would set aside;',
      '--rollback-data restore takes that plan. What is set aside is never deleted.',
    ],
    changes: true,
    byHand: false,
    ends: ['0  rolled back', '3  refused, nothing was changed', '4  needs you'],
    examples: [
      'rollback',
      'rollback v0.2.1 --reason "errors since 14:00"',
      'rollback --rollback-data restore',
    ],
  },
  {
    name: 'recover',
    summary: 'settle what a dead run left behind, from what the nodes say',
    about: [
      'For a run whose runner was lost, killed or cancelled. Works on any machine that reaches the nodes.',
      'Inspects every node, then brings each to a serving state on one of the two releases. Starts no new work.',
      'A lease is taken over when its time is over, or at once when GitHub says that its run has ended (actions: read).',
    ],
    changes: true,
    byHand: false,
    ends: ['0  nothing was owed, or everything is confirmed', '2  rolled back', '4  needs you'],
    examples: ['recover', 'recover --steal --reason "the run hangs and cannot be cancelled"'],
  },
  {
    name: 'status',
    summary: 'show what every node runs, holds and owes; change nothing',
    about: ['Shows release, readiness, snapshots, leases and anything unfinished, as the nodes show it now.'],
    changes: false,
    byHand: false,
    ends: ['0  nothing is owed', '4  something is: the report says what to type'],
    examples: ['status'],
  },
  {
    name: 'init',
    summary:
      'look at servers, read-only, and write the fleet file, known hosts, sudoers and workflows for them',
    about: [
      'Typed once, in the repository that is to roll out: a user and a machine for each node.',
      'Looks at the unit or the container, its user, paths, port and version; every line of .github/rollout.yml says where it came from.',
      'A machine whose host key is neither in your known hosts nor given is not looked at: its fingerprint is shown instead.',
      'Writes over nothing, and changes nothing on the nodes.',
    ],
    changes: false,
    byHand: true,
    ends: ['0  everything is written', '3  refused, with every reason'],
    examples: ['init deploy@db-1 deploy@db-2 deploy@db-3', 'init deploy@db-1.internal --as root'],
  },
  {
    name: 'adopt',
    summary: 'take over running servers for the first time, and record their release as known-good',
    about: [
      'Typed once, before the first release.',
      'Records by its hash the binary or the image that each node runs now, so that there is a version to go back to.',
      'For units of systemd it shows what it will move, link and write, does that after a yes, and restarts nothing.',
      '--undo takes it back.',
    ],
    changes: true,
    byHand: true,
    ends: ['0  every node is adopted', '3  refused, nothing was changed'],
    examples: ['adopt', 'adopt db-3 --as root', 'adopt --undo --as root'],
  },
]

export const modeRow = (name: ModeName): ModeRow | undefined => MODES.find(mode => mode.name === name)
