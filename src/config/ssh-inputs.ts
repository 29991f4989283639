import type { Problem } from '../domain/errors.ts'
import type { Config, Inputs } from './config.ts'

/**
 * What a fleet over ssh needs beside its file. On a person's own machine their known hosts, keys and agent serve; in a job
 * nothing is there unless it was given.
 */
export function missingSsh(
  config: Config,
  inputs: Inputs,
  where: { ci: boolean; agent: boolean },
): Problem[] {
  if (config.shell.kind !== 'ssh' || !where.ci) return []
  return [
    ...(inputs.sshKnownHosts === '' ? [noKnownHosts(config)] : []),
    ...(inputs.sshKey === '' && !where.agent ? [noKey] : []),
  ]
}

const noKnownHosts = ({ nodes, shell, drain }: Config): Problem => {
  const jump = shell.kind === 'ssh' && shell.jump ? [shell.jump] : []
  const machines = [
    ...jump,
    ...nodes.flatMap(n => n.machine ?? []),
    ...(drain.kind === 'haproxy' ? drain.via : []),
  ]
  const [first] = machines
  const port = first && first.port !== 22 ? `-p ${first.port} ` : ''
  const hosts = [...new Set(machines.map(m => m.host))].slice(0, 20).join(' ')
  return {
    code: 'SSH_KNOWN_HOSTS_MISSING',
    what: 'nobody has said which host keys the nodes have',
    because: 'a key that is trusted on first use protects against nothing',
    next: `run  ssh-keyscan -t ed25519 ${port}${hosts}  , compare each fingerprint with  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub  on the server's own console, and pass the lines as ssh-known-hosts`,
    where: 'ssh-known-hosts',
  }
}

const noKey: Problem = {
  code: 'SSH_KEY_MISSING',
  what: 'there is no key for the nodes, and no agent that holds one',
  next: 'pass one as ssh-key: ${{ secrets.ROLLOUT_SSH_KEY }}; to make one: ssh-keygen -t ed25519 -N "" -C rollout -f rollout_key',
  where: 'ssh-key',
}
