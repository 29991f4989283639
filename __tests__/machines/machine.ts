import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A whole machine: systemd as its first process, its own sshd, network and data disk, over a copy-on-write view of this one.
 * It lives in network namespaces that the test made, on addresses that exist nowhere else.
 */
export type Machine = {
  name: string
  address: string
  /** Its files as seen from here, but for those of its data disk. */
  root: string
  /** Those, while it runs. */
  disk: () => string
  hostKey: string
  /** Runs a command on it as root, and answers its output. Throws where it fails. */
  run: (...command: string[]) => string
  /** Takes its network away, and gives it back. */
  cut: () => void
  heal: () => void
  /** Starts it again, in order, and waits until it is up. */
  reboot: () => Promise<void>
  /** Takes its power away: nothing runs, and of its data disk only what was flushed is left. `on` checks the disk and starts it again. */
  off: () => Promise<void>
  on: () => Promise<void>
  /** Its data disk answers every call with an error, until the machine was off. */
  eio: () => void
  /** Its kernel finds its data disk damaged, and writes no more to it, until the machine was off. */
  readonly: () => void
  /** Its link carries so many bits in a second; `undefined`: as many as come. */
  slow: (rate?: string) => void
  close: () => Promise<void>
}

export type MachineOptions = {
  dir: string
  name: string
  index: number
  /** Prepares its files before it starts; `root` is where they lie. */
  furnish: (root: string) => void
}

export const NETWORK = '198.18.78'
const BRIDGE = 'br0'
/** Of this run's, so that two never meet. */
const prefix = `pdbr${process.pid}`

export const sh = (command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** The network that the machines share with this process, which must be alone in a network namespace. */
export function openNetwork(): void {
  if (sh('ip', 'route').trim() !== '' && !sh('ip', 'route').startsWith(NETWORK))
    throw new Error('start this with `unshare --net`: the machines must reach nothing but each other')
  sh('ip', 'link', 'set', 'lo', 'up')
  if (sh('ip', '-o', 'link').includes(` ${BRIDGE}:`)) return
  sh('ip', 'link', 'add', BRIDGE, 'type', 'bridge')
  sh('ip', 'addr', 'add', `${NETWORK}.1/24`, 'dev', BRIDGE)
  sh('ip', 'link', 'set', BRIDGE, 'up')
}

export async function startMachine({ dir, name, index, furnish }: MachineOptions): Promise<Machine> {
  const [root, over, namespace] = [join(dir, name, 'root'), join(dir, name, 'over'), `${prefix}-${name}`]
  const address = `${NETWORK}.${10 + index}`
  const link = `v${index}`
  sh('ip', 'netns', 'add', namespace)
  sh('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  sh('ip', 'link', 'set', link, 'master', BRIDGE, 'up')
  const inside = (...words: string[]): string => sh('ip', '-n', namespace, ...words)
  inside('link', 'set', 'lo', 'up')
  inside('addr', 'add', `${address}/24`, 'dev', 'eth0')
  inside('link', 'set', 'eth0', 'up')
  mkdirSync(root, { recursive: true })
  mkdirSync(over)
  sh('mount', '-t', 'tmpfs', '-o', 'size=1g,mode=755', namespace, over)
  mkdirSync(join(over, 'upper'))
  mkdirSync(join(over, 'work'))
  const layers = `lowerdir=/,upperdir=${over}/upper,workdir=${over}/work`
  sh('mount', '-t', 'overlay', namespace, '-o', layers, root)
  const disk = dataDisk(join(dir, name))
  const mounted = join(root, 'srv', 'db')
  mkdirSync(mounted, { recursive: true })
  sh('mount', disk, mounted)
  const hostKey = basics(root, name)
  furnish(root)
  sh('umount', mounted)
  const output = openSync(join(dir, name, 'console.log'), 'a')
  const whole = { name: namespace, root, disk, console: output }
  let running = boot(whole)
  const run = (...command: string[]): string =>
    sh('nsenter', '-a', '-t', String(leader(running)), '--', ...command)
  await booted(run, join(dir, name, 'console.log'))
  const shutdown = (how: 'flushed' | 'lost'): string =>
    run('perl', '-e', SHUTDOWN, String({ flushed: 1, lost: 2 }[how]))
  return {
    name,
    address,
    root,
    disk: () => `/proc/${leader(running)}/root/srv/db`,
    hostKey,
    run,
    cut: () => void sh('ip', 'link', 'set', link, 'down'),
    heal: () => void sh('ip', 'link', 'set', link, 'up'),
    reboot: async () => {
      const before = leader(running)
      run('sh', '-c', 'systemctl --no-block reboot')
      for (let tries = 0; tries < 600 && lead(running) === before; tries++) await sleep(100)
      for (let tries = 0; tries < 600 && lead(running) === undefined; tries++) await sleep(100)
      await booted(run, join(dir, name, 'console.log'))
    },
    off: async () => {
      shutdown('lost')
      await end(running)
    },
    on: async () => {
      checkDisk(disk)
      running = boot(whole)
      await booted(run, join(dir, name, 'console.log'))
    },
    eio: () => void shutdown('flushed'),
    readonly: () => writeFileSync(`/sys/fs/ext4/${basename(disk)}/trigger_fs_error`, '1'),
    slow: rate => {
      const there = (...words: string[]): string =>
        sh('nsenter', `--net=/run/netns/${namespace}`, '--', 'tc', ...words)
      const here = (...words: string[]): string => sh('tc', ...words)
      for (const [tc, device] of [
        [there, 'eth0'],
        [here, link],
      ] as const) {
        if (rate === undefined) tc('qdisc', 'del', 'dev', device, 'root')
        else
          tc('qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate', rate, 'burst', '16kb', 'latency', '2s')
      }
    },
    close: async () => {
      await end(running)
      removeGroups(namespace)
      for (const path of [root, over]) sh('umount', '-l', path)
      sh('losetup', '-d', disk)
      sh('ip', 'netns', 'del', namespace)
      rmSync(join(dir, name), { recursive: true, force: true })
    },
  }
}

/** A real file system of its own, of which locks and inodes are what they are on a server. */
function dataDisk(home: string): string {
  const image = join(home, 'disk.img')
  sh('truncate', '-s', '1G', image)
  sh('mkfs.ext4', '-q', '-m', '0', '-e', 'remount-ro', image)
  return sh('losetup', '-f', '--show', image).trim()
}

/** The kernel's own way of testing what a file system survives: FS_IOC_SHUTDOWN, with its log flushed or not. */
const SHUTDOWN = 'open D, "<", "/srv/db" or die $!; ioctl(D, 0x8004587D, pack("L", $ARGV[0])) or die $!'

/** What a boot does before it mounts a disk; its exit code says whether something was mended. */
function checkDisk(disk: string): void {
  const { status, stdout } = spawnSync('/sbin/fsck.ext4', ['-y', disk], { encoding: 'utf8' })
  if (status === null || status > 2) throw new Error(`the disk is lost:\n${stdout}`)
}

/** Own name, keys and id; of everything that is enabled here, only what the test needs. */
function basics(root: string, name: string): string {
  writeFileSync(join(root, 'etc/hostname'), `${name}\n`)
  writeFileSync(join(root, 'etc/hosts'), `127.0.0.1 localhost ${name}\n`)
  writeFileSync(join(root, 'etc/machine-id'), '')
  for (const file of readdirSync(join(root, 'etc/ssh')).filter(f => f.startsWith('ssh_host_')))
    rmSync(join(root, 'etc/ssh', file))
  const key = join(root, 'etc/ssh/ssh_host_ed25519_key')
  sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key)
  mkdirSync(join(root, 'etc/ssh/sshd_config.d'), { recursive: true })
  writeFileSync(
    join(root, 'etc/ssh/sshd_config.d/test.conf'),
    'PasswordAuthentication no\nUseDNS no\nMaxStartups 100\nPermitRootLogin prohibit-password\n',
  )
  // a shell that starts slowly would be measured with every command
  writeFileSync(join(root, 'root/.bashrc'), '')
  const units = join(root, 'etc/systemd/system')
  for (const entry of readdirSync(units).filter(e => /\.(?:wants|requires)$/.test(e)))
    rmSync(join(units, entry), { recursive: true })
  mkdirSync(join(units, 'multi-user.target.wants'))
  sh('ln', '-s', '/lib/systemd/system/ssh.service', join(units, 'multi-user.target.wants/ssh.service'))
  for (const masked of ['console-getty.service', 'systemd-resolved.service', 'systemd-networkd.service'])
    sh('ln', '-sf', '/dev/null', join(units, masked))
  return readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
}

/**
 * Control groups of its own, or a restart on one machine would meet the processes of another; a private /run/systemd, as nspawn
 * cleans up below it; its disk is mounted for it alone, or it would stay mounted when the machine is off.
 */
function boot(m: { name: string; root: string; disk: string; console: number }): ChildProcess {
  const script = `for h in systemd unified; do
  [ -d /sys/fs/cgroup/$h ] || continue
  mkdir -p /sys/fs/cgroup/$h/${m.name} && echo $$ >/sys/fs/cgroup/$h/${m.name}/cgroup.procs
done
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd
while read -r _ path _; do
  case $path in */root/srv/db) umount "$path" ;; esac
done </proc/self/mounts
mount "$2" "$1/srv/db" || exit 1
while :; do
  systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$1" --machine=${m.name} --network-namespace-path=/run/netns/${m.name} --console=pipe &
  wait $! && code=0 || code=$?
  # the machine asked to be started again
  [ $code = 133 ] || exit $code
done`
  return spawn('unshare', ['--mount', '--', 'sh', '-c', script, 'sh', m.root, m.disk], {
    stdio: ['ignore', m.console, m.console],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  })
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

/** The same, or nothing where it is down. */
function lead(running: ChildProcess): number | undefined {
  try {
    return leader(running)
  } catch {
    return undefined
  }
}

/** The machine's first process: the child of nspawn, which is the child of the shell that started it. */
function leader(running: ChildProcess): number {
  const [nspawn] = childrenOf(running.pid ?? 0)
  const [first] = nspawn === undefined ? [] : childrenOf(nspawn)
  if (first === undefined) throw new Error('the machine does not run')
  return first
}

async function booted(run: Machine['run'], log: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    try {
      if (/^(?:running|degraded)$/m.test(run('sh', '-c', 'systemctl is-system-running || :'))) return
    } catch {
      // not yet
    }
    await sleep(100)
  }
  throw new Error(
    `the machine did not start:\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-3000) : ''}`,
  )
}

async function end(running: ChildProcess): Promise<void> {
  if (running.exitCode !== null) return
  const ended = new Promise(resolve => running.once('exit', resolve))
  try {
    // nspawn itself does not take its machine with it
    process.kill(leader(running), 'SIGKILL')
  } catch {
    running.kill('SIGKILL')
  }
  await ended
}

function removeGroups(name: string): void {
  for (const hierarchy of ['systemd', 'unified']) {
    const group = `/sys/fs/cgroup/${hierarchy}/${name}`
    if (existsSync(group))
      sh('find', group, '-depth', '-type', 'd', '-exec', 'rmdir', '--ignore-fail-on-non-empty', '{}', ';')
  }
}

/** A user of the machine. */
export function addUser(root: string, user: string, home: string, authorized?: string): void {
  sh(
    'chroot',
    root,
    'useradd',
    '--system',
    '--create-home',
    '--home-dir',
    home,
    '--shell',
    '/bin/sh',
    '--password',
    '*',
    user,
  )
  if (authorized === undefined) return
  const folder = join(root, home, '.ssh')
  mkdirSync(folder, { recursive: true })
  appendFileSync(join(folder, 'authorized_keys'), `${authorized}\n`)
  chmodSync(join(folder, 'authorized_keys'), 0o600)
  sh('chroot', root, 'chown', '-R', `${user}:`, join(home, '.ssh'))
}
