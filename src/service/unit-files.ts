/**
 * What an adoption puts on a machine for root (or for the user whose unit it is), as texts: who may do what, what stands before every start, what keeps the supervisor
 * off, and the sandbox of a rehearsal. Nobody but root may write them.
 */
export type UnitFile = { path: string; mode: '0755' | '0644' | '0440'; text: string }

/** Where root's systemd, or a user's own, looks for units; `library` is the folder of our own files. */
export type UnitPlaces = { library: string; units: string; runtime: string; ctl: string }

/** `home`, `runtime`: of the user, for a unit of its own. */
export const placesOf = (
  unit: string,
  by: { scope: 'system' | 'user'; home: string; runtime: string },
): UnitPlaces =>
  by.scope === 'system'
    ? {
        library: `/usr/local/lib/progressdb-rollout/${unit}`,
        units: '/etc/systemd/system',
        runtime: '/run/systemd/system',
        ctl: 'systemctl',
      }
    : {
        library: `${by.home}/.local/lib/progressdb-rollout/${unit}`,
        units: `${by.home}/.config/systemd/user`,
        runtime: `${by.runtime}/systemd/user`,
        ctl: `XDG_RUNTIME_DIR=${by.runtime} systemctl --user`,
      }

export type UnitPlan = {
  scope: 'system' | 'user'
  places: UnitPlaces
  /** `progressdb.service`. */
  unit: string
  /** The user that logs in, and that of the unit. */
  deploy: string
  service: string
  install: string
  /** Resolved: where the folder really lies. */
  data: string
  /** As the server is told. */
  dataPath: string
  staging: string
  config: string
  /** Name of the program in a release. */
  binary: string
  /** The unit's own ExecStart, as it is written. */
  execStart: string
  /** The unit's environment and limits, line by line, for a rehearsal. */
  carried: string[]
  /** The whole program of the guard, and of the dead man's switch. */
  guard: string
  switch: string
  /** Seconds that a guest may run. */
  stageSeconds: number
}

/** The unit of a rehearsal, apart from any template's instances. */
export const guestUnit = (unit: string): string => `progressdb-rollout-rehearsal-${plain(unit)}.service`
/** Looks after an armed node; `adopt` puts it there, and arming enables it. */
export const switchUnit = (unit: string, kind: 'service' | 'timer'): string =>
  `progressdb-rollout-switch-${plain(unit)}.${kind}`
/** No other unit's: sudo passes over file names with a dot. */
const plain = (unit: string): string =>
  unit
    .replace(/\.service$/, '')
    .replaceAll(/[^A-Za-z0-9-]/g, sign => `_${sign.codePointAt(0)?.toString(16) ?? ''}`)
export const sudoersPath = (unit: string): string => `/etc/sudoers.d/progressdb-rollout-${plain(unit)}`

export const unitFiles = (p: UnitPlan): UnitFile[] => [
  { path: `${p.places.library}/guard`, mode: '0755', text: `#!/bin/sh\n${p.guard}` },
  { path: `${p.places.library}/hold`, mode: '0755', text: holdProgram(p) },
  { path: `${p.places.library}/let-go`, mode: '0755', text: letGoProgram(p) },
  { path: `${p.places.library}/switch`, mode: '0755', text: `#!/bin/sh\n${p.switch}` },
  { path: `${p.places.units}/${switchUnit(p.unit, 'service')}`, mode: '0644', text: switchService(p) },
  { path: `${p.places.units}/${switchUnit(p.unit, 'timer')}`, mode: '0644', text: switchTimer(p) },
  { path: `${p.places.units}/${p.unit}.d/50-progressdb-rollout.conf`, mode: '0644', text: dropInText(p) },
  { path: `${p.places.units}/${guestUnit(p.unit)}`, mode: '0644', text: rehearsalUnit(p) },
  // nobody has to be somebody else for a unit of a user's own
  ...(p.scope === 'user' ? [] : [{ path: sudoersPath(p.unit), mode: '0440' as const, text: sudoers(p) }]),
]

/** Everything that the user who logs in may do as somebody else. Each line of root's is exact: no word of it can be chosen. */
export function sudoers({ unit, deploy, service }: Pick<UnitPlan, 'unit' | 'deploy' | 'service'>): string {
  const guest = guestUnit(unit)
  const lines = [unit, guest]
    .flatMap(name => [
      `--no-block start ${name}`,
      `--no-block stop ${name}`,
      `kill --signal=SIGKILL ${name}`,
      `--full --lines=1000 status ${name}`,
    ])
    .concat(['enable', 'disable'].map(verb => `${verb} --now ${switchUnit(unit, 'timer')}`))
    .map(words => `/usr/bin/systemctl --no-pager ${words}`)
  const { library } = placesOf(unit, { scope: 'system', home: '', runtime: '' })
  const programs = ['hold', 'let-go'].map(name => `${library}/${name} ""`)
  return [
    `# Written by progressdb-rollout adopt for ${unit}. ${deploy} may do this as somebody else, and nothing more.`,
    '# Programs that touch the data run as the user of the service.',
    `${deploy} ALL=(${service}) NOPASSWD: /bin/sh -s`,
    '# Root starts and stops two units, sets the timer of the switch, and runs two programs that take no argument.',
    ...[...lines, ...programs].map(command => `${deploy} ALL=(root) NOPASSWD: ${escaped(command)}`),
    `Defaults:${deploy} !requiretty`,
    '',
  ].join('\n')
}

/** In a command of a sudoers file `:`, `,`, `=` and `\` end or divide something. */
const escaped = (command: string): string => command.replaceAll(/[\\,:=]/g, String.raw`\$&`)

const HELD = '95-progressdb-rollout.conf'

const holdProgram = ({ unit, places }: UnitPlan): string => `#!/bin/sh
# While a rollout changes the server of ${unit}, systemd neither restarts it nor ends one that takes long.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
dir='${places.runtime}/${unit}.d'
mkdir -p "$dir"
cat >"$dir/.held" <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=no
TimeoutStartSec=1d
TimeoutStopSec=1h
WatchdogSec=0
END
mv -f "$dir/.held" "$dir/${HELD}"
${places.ctl} daemon-reload
`

const letGoProgram = ({ unit, places }: UnitPlan): string => `#!/bin/sh
# ${unit} is looked after as its unit says again.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
rm -f '${places.runtime}/${unit}.d/${HELD}'
${places.ctl} daemon-reload
`

/** As the user that drives the node, with exactly its rights: nothing of it is root's. */
const switchService = (
  p: UnitPlan,
): string => `# Written by progressdb-rollout adopt: brings ${p.unit} back where nobody speaks for a rollout any more.
[Unit]
Description=Dead man's switch of ${p.unit}
[Service]
Type=oneshot
${p.scope === 'user' ? '' : `User=${p.deploy}\n`}ExecStart=${p.places.library}/switch
`

const switchTimer = (
  p: UnitPlan,
): string => `# Written by progressdb-rollout adopt; enabled while ${p.unit} is armed.
[Unit]
Description=Dead man's switch of ${p.unit}
[Timer]
OnActiveSec=2s
OnUnitInactiveSec=5s
AccuracySec=1s
[Install]
WantedBy=timers.target
`

/** Where the programs keep something beside the data: `.<folder>-<what>`. */
export const beside = (data: string, what: 'staging' | 'snapshots'): string =>
  `${above(data)}/.${data.slice(above(data).length + 1)}-${what}`

const above = (path: string): string => path.slice(0, path.lastIndexOf('/'))

const dropInText = ({ scope, places, data }: UnitPlan): string => `# Written by progressdb-rollout adopt.
[Service]
# refuses a start that would open the data with the wrong release, and leaves the mark of the right one
ExecStartPre=${places.library}/guard
${scope === 'user' ? '' : `# where the marks, snapshots and what is set aside lie\nReadWritePaths=-${above(data)}\n`}`

/** Variables by which a server could be led away from its copy, whatever its configuration says. */
const LEADS_AWAY =
  'PROGRESSDB_DB_PATH PROGRESSDB_ADDR PROGRESSDB_ADDRESS PROGRESSDB_PORT PROGRESSDB_CONFIG PROGRESSDB_KMS_DATA_DIR'

/** The same server as a guest: its user, limits and environment, a copy of its data, and nothing else of this machine. */
function rehearsalUnit(p: UnitPlan): string {
  return `# Written by progressdb-rollout adopt: the server of ${p.unit} on a copy of its data.
[Unit]
Description=Rehearsal of a release for ${p.unit}
[Service]
Type=exec
${p.scope === 'user' ? '' : `User=${p.service}\n`}${p.carried.join('\n')}
UnsetEnvironment=${LEADS_AWAY}
WorkingDirectory=${p.staging}/cwd
ExecStart=${guestCommand(p)}
Restart=no
RuntimeMaxSec=${p.stageSeconds}
TimeoutStopSec=1h
Nice=19
CPUWeight=1
IOSchedulingClass=idle
OOMScoreAdjust=1000
NoNewPrivileges=yes
RestrictSUIDSGID=yes
LockPersonality=yes
${p.scope === 'user' ? '' : sandbox(p)}`
}

/** What only root's systemd can do: the rest of the machine is out of the guest's reach. */
function sandbox(p: UnitPlan): string {
  const hidden = [...new Set([p.data, p.dataPath, beside(p.data, 'snapshots')])]
  return `CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
IPAddressDeny=any
IPAddressAllow=localhost
ReadWritePaths=${p.staging}
InaccessiblePaths=${hidden.map(path => `-${path}`).join(' ')}
InaccessiblePaths=-${p.install}/state -${p.places.library}
`
}

/** The unit's own command line, on the staged release, with the copy's configuration and data. */
export function guestCommand(
  p: Pick<UnitPlan, 'execStart' | 'install' | 'binary' | 'config' | 'dataPath' | 'staging'>,
): string {
  const words = p.execStart.trim()
  const [, rest = ''] = /^\S+\s*(.*)$/s.exec(words) ?? []
  const places: Record<string, string> = {
    [p.config]: `${p.staging}/config`,
    [p.dataPath]: `${p.staging}/data`,
  }
  // whole paths only, as one place may lie in another
  const args = rest.replaceAll(/[^\s="']+/g, word => places[word] ?? word)
  return `${p.install}/staged/${p.binary}${args === '' ? '' : ` ${args}`}`
}
