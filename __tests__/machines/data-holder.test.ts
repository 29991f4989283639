import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Rig, rig, shells } from '../node/rig.ts'
import { sh } from './machine.ts'

/*
 * Who has the data open is known by the locks that the kernel lists. Some stand there without their holder, and a file of another disk may
 * have the same number.
 */

/** Locks the file of the first argument; with a folder as the second, a file in it that has the same number. */
const LOCK = `
my ($name, $elsewhere) = @ARGV;
my $file;
if ($elsewhere) {
  my $wanted = (stat $name)[1];
  for my $n (1 .. 20000) {
    open($file, '+>', "$elsewhere/$n") or die $!;
    last if (stat $file)[1] == $wanted;
    close $file; undef $file;
  }
  $file or die 'no file has such a number';
} else { open($file, '+<', $name) or die $!; }
my $l = pack('s s x4 q q l x4', 1, 0, 0, 0, 0);
fcntl($file, 37, $l) or die $!;
$| = 1; print "locked"; sleep 1 while 1`

const home = mkdtempSync(join(tmpdir(), 'data-holder-'))
const before = process.env['TMPDIR']
const running: ChildProcess[] = []

const locked = (...args: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const holder = spawn('perl', ['-e', LOCK, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.push(holder)
    holder.stdout.once('data', () => resolve())
    holder.once('exit', code => reject(new Error(`the locker ended: ${code}`)))
  })

describe.each(['tmpfs', 'ext4', 'btrfs'])('data on %s', kind => {
  const disk = join(home, kind)
  const elsewhere = join(home, `${kind}-elsewhere`)
  let r: Rig

  beforeAll(() => {
    mkdirSync(disk)
    mkdirSync(elsewhere)
    if (kind === 'tmpfs') {
      sh('mount', '-t', 'tmpfs', '-o', 'size=64m,mode=777', 'data-holder', disk)
    } else {
      sh('truncate', '-s', '128M', `${disk}.img`)
      sh(`mkfs.${kind}`, '-q', `${disk}.img`)
      sh('mount', '-o', 'loop', `${disk}.img`, disk)
    }
    sh('mount', '-t', 'tmpfs', '-o', 'size=64m,mode=777', 'data-holder', elsewhere)
  })
  afterEach(() => {
    for (const holder of running.splice(0)) holder.kill('SIGKILL')
    r.close()
    process.env['TMPDIR'] = before
  })
  afterAll(() => {
    for (const mounted of [disk, elsewhere]) sh('umount', '-l', mounted)
  })

  const stranger = async (shell: (typeof shells)[number], ...args: string[]): Promise<unknown> => {
    process.env['TMPDIR'] = disk
    r = rig(shell)
    await locked(join(r.config.data, 'store', 'LOCK'), ...args)
    return (await r.node.inspect()).facts.stranger
  }

  test.each(shells)('a lock of a file elsewhere with the same number is nobody, under %s', async shell => {
    expect(await stranger(shell, elsewhere)).toBeUndefined()
  })

  test.each(shells)('a lock without its holder is somebody, under %s', async shell => {
    expect(await stranger(shell)).toBe('other')
  })
})

afterAll(() => rmSync(home, { recursive: true, force: true }))
