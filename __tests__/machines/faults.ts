import { setTimeout as sleep } from 'node:timers/promises'
import { type MachineFleet, serverOf } from './fleet.ts'
import type { Machine } from './machine.ts'

/** What can happen to a machine. `skew` only where everything that a user runs there obeys libfaketime: see `readyForSkew`. */
export type FaultName = 'cut' | 'slow' | 'crash' | 'reboot' | 'freeze' | 'full' | 'readonly' | 'eio' | 'skew'

type Undo = () => void | Promise<void>
type Fault = (m: Machine, kind: MachineFleet['kind']) => Undo | Promise<Undo>

const offAndOn = async (m: Machine): Promise<void> => {
  await m.off()
  await m.on()
}

/** Each begins what its name says, and answers what ends it. */
const FAULTS: Record<FaultName, Fault> = {
  cut: m => {
    m.cut()
    return m.heal
  },
  slow: m => {
    m.slow('256kbit')
    return () => m.slow()
  },
  crash: async m => {
    await m.off()
    return m.on
  },
  reboot: async m => {
    await m.reboot()
    return () => undefined
  },
  freeze: (m, kind) => {
    const pid = serverOf(m, kind)
    if (pid === '') return () => undefined
    m.run('sh', '-c', `kill -STOP ${pid} 2>/dev/null || :`)
    return () => void m.run('sh', '-c', `kill -CONT ${pid} 2>/dev/null || :`)
  },
  full: m => {
    m.run(
      'sh',
      '-c',
      `fallocate -l $(df --output=avail -B1 /srv/db | tail -n 1) /srv/db/fill || :; dd if=/dev/zero of=/srv/db/rest bs=512 2>/dev/null || :`,
    )
    return () => void m.run('rm', '-f', '/srv/db/fill', '/srv/db/rest')
  },
  readonly: m => {
    m.readonly()
    return () => offAndOn(m)
  },
  eio: m => {
    m.eio()
    return () => offAndOn(m)
  },
  skew: m => {
    m.run('sh', '-c', `echo ${m.name === 'db-1' ? '+26h' : '-26h'} >/etc/faketimerc`)
    return () => void m.run('sh', '-c', 'echo +0 >/etc/faketimerc')
  },
}

/** Lets it last so long, ms, and ends it whatever happens meanwhile. */
export async function suffers(
  { fault, machine, kind }: { fault: FaultName; machine: Machine; kind: MachineFleet['kind'] },
  lasts: number,
): Promise<void> {
  const undo = await FAULTS[fault](machine, kind)
  try {
    await sleep(lasts)
  } finally {
    await undo()
  }
}

/** From now on each session there takes its wall clock from a file; time that only passes stays true. */
export function readyForSkew(m: Machine): void {
  const lib = m.run('sh', '-c', 'ls /usr/lib/*/faketime/libfaketime.so.1').trim()
  m.run(
    'sh',
    '-c',
    `echo +0 >/etc/faketimerc; chmod 644 /etc/faketimerc
echo 'SetEnv LD_PRELOAD=${lib} FAKETIME_TIMESTAMP_FILE=/etc/faketimerc FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1' >>/etc/ssh/sshd_config.d/test.conf
systemctl restart ssh`,
  )
}
