import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { newKeys, PRELOAD_USER } from '../local-fleet/fleet.ts'
import { preloadFolder } from '../local-fleet/preload.ts'
import { serverYaml, type Keys } from '../local-fleet/server-config.ts'
import { ready } from '../local-fleet/server-process.ts'
import { keyPair } from '../shell/sshd.ts'
import { addUser, type Machine, openNetwork, sh, startMachine } from './machine.ts'

/** Machines as somebody sets them up who knows no rollout: a unit, a user for it, a binary in /usr/local/bin. */
export type MachineFleet = {
  dir: string
  kind: NonNullable<FleetOptions['kind']>
  machines: Machine[]
  keys: Keys
  /** The key of `deploy`, who may do nothing there yet, and that of root. */
  deploy: string
  admin: string
  knownHosts: string
  urlOf: (m: Machine) => string
  /** The drain command makes this file there, and the writer rests while it is there. */
  drainMark: (m: Machine) => string
  close: () => Promise<void>
}

export const UNIT = `[Unit]
Description=ProgressDB
After=network.target
[Service]
User=progressdb
Environment=PROGRESSDB_ABORT_SECONDS=0.2 "GREETING=it's a test"
ExecStart=/usr/local/bin/progressdb \\
  --config /etc/progressdb/config.yaml
Restart=on-failure
RestartSec=1
TimeoutStopSec=30
LimitNOFILE=8192
[Install]
WantedBy=multi-user.target
`

export const DATA = '/srv/db/progressdb'
export const PORT = 8080

export type FleetOptions = {
  machines: number
  release: { binary: string }
  messages?: number
  walOn?: boolean
  unit?: string
  /**
   * Who runs the server: a unit of the machine's, one of `deploy`, who has everything below the home folder and a folder on the data
   * disk, or nobody: it was started by hand there.
   */
  kind?: 'unit' | 'user-unit' | 'process'
}

export const USER = {
  install: '/home/deploy/progressdb',
  data: '/srv/db/deploy/progressdb',
  config: '/home/deploy/etc/config.yaml',
}

export async function openMachines(options: FleetOptions): Promise<MachineFleet> {
  const dir = mkdtempSync(join(tmpdir(), 'machines-'))
  openNetwork()
  const keys = newKeys()
  const [deploy, admin] = [keyPair(dir, 'deploy'), keyPair(dir, 'admin')]
  const data = join(dir, 'data')
  await preloadFolder(data, options.messages ?? 200, PRELOAD_USER)
  const started = await Promise.allSettled(
    Array.from({ length: options.machines }, (_, i) =>
      startMachine({
        dir,
        name: `db-${i + 1}`,
        index: i + 1,
        furnish: root =>
          furnish(root, { ...options, keys, data, deploy: deploy.public, admin: admin.public }),
      }),
    ),
  )
  const machines = started.flatMap(s => (s.status === 'fulfilled' ? [s.value] : []))
  const close = async (): Promise<void> => {
    await Promise.all(machines.map(m => m.close()))
    rmSync(dir, { recursive: true, force: true })
  }
  const broken = started.find(s => s.status === 'rejected')
  if (broken?.status === 'rejected') {
    await close()
    throw broken.reason
  }
  const urlOf = (m: Machine): string => `http://${m.address}:${PORT}`
  const kind = options.kind ?? 'unit'
  if (kind === 'process') for (const m of machines) startByHand(m, '/home/deploy/bin/progressdb')
  await Promise.all(machines.map(m => ready(urlOf(m), 30_000)))
  return {
    dir,
    kind,
    machines,
    keys,
    deploy: deploy.private,
    admin: admin.private,
    knownHosts: machines.map(m => `${m.address} ${m.hostKey}\n`).join(''),
    urlOf,
    drainMark: m => join(m.root, 'home/deploy/drained'),
    close,
  }
}

type Furniture = FleetOptions & { keys: Keys; data: string; deploy: string; admin: string }

function furnish(root: string, f: Furniture): void {
  addUser(root, 'deploy', '/home/deploy', f.deploy)
  if (f.kind === 'user-unit' || f.kind === 'process') return furnishUser(root, f)
  addUser(root, 'progressdb', '/var/lib/progressdb-home')
  mkdirSync(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 })
  writeFileSync(join(root, 'root/.ssh/authorized_keys'), `${f.admin}\n`, { mode: 0o600 })
  copyFileSync(f.release.binary, join(root, 'usr/local/bin/progressdb'))
  chmodSync(join(root, 'usr/local/bin/progressdb'), 0o755)
  mkdirSync(join(root, 'etc/progressdb'))
  writeFileSync(join(root, 'etc/progressdb/config.yaml'), configOf(f), { mode: 0o640 })
  sh('cp', '-a', f.data, join(root, DATA))
  sh('chroot', root, 'chown', '-R', 'progressdb:', DATA)
  sh('chroot', root, 'chown', 'root:progressdb', '/etc/progressdb/config.yaml')
  writeFileSync(join(root, 'etc/systemd/system/progressdb.service'), f.unit ?? UNIT)
  sh(
    'ln',
    '-s',
    '../progressdb.service',
    join(root, 'etc/systemd/system/multi-user.target.wants/progressdb.service'),
  )
}

/** As somebody sets it up who may not be root. */
function furnishUser(root: string, f: Furniture): void {
  const home = join(root, 'home/deploy')
  for (const folder of ['bin', 'etc', '.config/systemd/user/default.target.wants'])
    mkdirSync(join(home, folder), { recursive: true })
  copyFileSync(f.release.binary, join(home, 'bin/progressdb'))
  chmodSync(join(home, 'bin/progressdb'), 0o755)
  writeFileSync(join(root, USER.config), configOf(f, USER.data), { mode: 0o600 })
  mkdirSync(join(root, 'srv/db/deploy'))
  sh('cp', '-a', f.data, join(root, USER.data))
  if (f.kind === 'user-unit') userUnit(root, home)
  sh('chroot', root, 'chown', '-R', 'deploy:', '/home/deploy', '/srv/db/deploy')
}

function userUnit(root: string, home: string): void {
  const unit = UNIT.replace('User=progressdb\n', '')
    .replace('/usr/local/bin', '/home/deploy/bin')
    .replace('/etc/progressdb/config.yaml', USER.config)
    .replace('multi-user', 'default')
    .replace('After=network.target\n', '')
  writeFileSync(join(home, '.config/systemd/user/progressdb.service'), unit)
  sh(
    'ln',
    '-s',
    '../progressdb.service',
    join(home, '.config/systemd/user/default.target.wants/progressdb.service'),
  )
  // its programs go on when nobody is logged in
  mkdirSync(join(root, 'var/lib/systemd/linger'), { recursive: true })
  writeFileSync(join(root, 'var/lib/systemd/linger/deploy'), '')
}

/** As somebody does who has no supervisor. */
export function startByHand(m: Machine, binary: string): void {
  const line = `cd && PROGRESSDB_ABORT_SECONDS=0.2 exec setsid ${binary} --config ${USER.config} </dev/null >>server.log 2>&1 &`
  m.run('su', 'deploy', '-s', '/bin/sh', '-c', line)
}

/** The process that serves there, by the file it was started with; '' where none does. */
export const serverOf = (m: Machine, kind: MachineFleet['kind']): string =>
  kind === 'unit'
    ? m
        .run('systemctl', 'show', '--value', '--property=MainPID', 'progressdb.service')
        .trim()
        .replace(/^0$/, '')
    : m.run('sh', '-c', `pgrep -o -u deploy -f -- 'progressdb --config ${USER.config}$' || :`).trim()

function configOf({ keys, walOn = false }: Furniture, data = DATA): string {
  const config: unknown = parse(serverYaml({ port: PORT, data, keys, walOn }))
  if (typeof config !== 'object' || config === null || !('server' in config)) throw new Error('no server')
  return stringify({ ...config, server: { ...Object(config.server), address: '0.0.0.0' } })
}

/** What a machine shows by its own tools; nothing of it comes from the product. */
export type MachineTruth = {
  /** By `systemctl`, `readlink` and HTTP. */
  active: string
  exe: string
  link: string
  answers: string
  restart: string
  drained: boolean
  lease: string
  staging: boolean
}

export async function truthOf(fleet: MachineFleet, m: Machine): Promise<MachineTruth> {
  const quiet = (...command: string[]): string =>
    m.run('sh', '-c', '"$@" 2>/dev/null || :', 'sh', ...command).trim()
  const show = (property: string, otherwise: string): string =>
    fleet.kind === 'process'
      ? otherwise
      : m.run('systemctl', 'show', '--value', `--property=${property}`, 'progressdb.service').trim()
  const pid = serverOf(m, fleet.kind)
  const install = fleet.kind === 'unit' ? '/opt/progressdb' : USER.install
  return {
    active: show('ActiveState', pid === '' ? 'inactive' : 'active'),
    exe: versionIn(quiet('readlink', `/proc/${pid}/exe`)),
    link: versionIn(quiet('readlink', `${install}/current`)),
    answers: await ready(fleet.urlOf(m), 5000).catch(() => ''),
    restart: show('Restart', 'on-failure'),
    drained: quiet('ls', '/home/deploy/drained') !== '',
    lease: /^rollout=(.*)$/m.exec(quiet('cat', `${install}/state/lease`))?.[1] ?? '',
    staging: quiet('sh', '-c', 'ls -d /srv/db/*/.*-staging') !== '',
  }
}

const versionIn = (path: string): string => /releases\/(v[^/]+)-[0-9a-f]{12}/.exec(path)?.[1] ?? ''

/** Serves this version, and nothing is left over. */
export const serving = (version: string): Partial<MachineTruth> => ({
  active: 'active',
  exe: version,
  link: version,
  answers: version,
  restart: 'on-failure',
  drained: false,
  lease: '',
  staging: false,
})

export const fileOf = (m: Machine, path: string): string => readFileSync(join(m.root, path), 'utf8')
