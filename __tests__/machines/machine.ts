import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
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
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A whole machine: systemd as its first process, its own sshd, network and data disk, over a copy-on-write view of this one.
 * It lives in network namespaces that the test made, on addresses that exist nowhere else.
 */
export type Machine = {
  name: string
  address: string
  /** Its files as seen from here. */
  root: string
  hostKey: string
  /** Runs a command on it as root, and answers its output. Throws where it fails. */
  run: (...command: string[]) => string
  /** Takes its network away, and gives it back. */
  cut: () => void
  heal: () => void
  /** Starts it again, in order, and waits until it is up. */
  reboot: () => Promise<void>
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
  mkdirSync(join(root, 'srv', 'db'), { recursive: true })
  sh('mount', disk, join(root, 'srv', 'db'))
  const hostKey = basics(root, name)
  furnish(root)
  const output = openSync(join(dir, name, 'console.log'), 'a')
  const running = boot({ name: namespace, root, console: output })
  const run = (...command: string[]): string =>
    sh('nsenter', '-a', '-t', String(leader(running)), '--', ...command)
  await booted(run, join(dir, name, 'console.log'))
  return {
    name,
    address,
    root,
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
    close: async () => {
      await end(running)
      removeGroups(namespace)
      for (const path of [join(root, 'srv', 'db'), root, over]) sh('umount', '-l', path)
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
  sh('mkfs.ext4', '-q', '-m', '0', '-O', '^has_journal', image)
  return sh('losetup', '-f', '--show', image).trim()
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
 * cleans up below it.
 */
function boot(m: { name: string; root: string; console: number }): ChildProcess {
  const script = `for h in systemd unified; do
  [ -d /sys/fs/cgroup/$h ] || continue
  mkdir -p /sys/fs/cgroup/$h/${m.name} && echo $$ >/sys/fs/cgroup/$h/${m.name}/cgroup.procs
done
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd
while :; do
  systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$1" --machine=${m.name} --network-namespace-path=/run/netns/${m.name} --console=pipe &
  wait $! && code=0 || code=$?
  # the machine asked to be started again
  [ $code = 133 ] || exit $code
done`
  return spawn('unshare', ['--mount', '--', 'sh', '-c', script, 'sh', m.root], {
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
