import type { Problem } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { SshHost } from './ssh-config.ts'

/** What a person is told of the way to a node. `authorize`: the public half of the key, as a line of authorized_keys; '' where it is not known. */
export type Way = { node: string; at: SshHost; knownHosts: string; authorize: string }

/**
 * OpenSSH says why it could not connect in words alone (its exit status is 255 for everything), so its own words are matched here,
 * of releases 7.6 to 10, in one table. What no row knows is told as it is.
 */
const table: [RegExp, (w: Way) => Omit<Problem, 'where'>][] = [
  [/HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i, changedKey],
  [/(?:No .* host key is known for|Host key verification failed)/i, unknownKey],
  [/Permission denied \(|Too many authentication failures/i, keyRefused],
  [/Could not resolve hostname/i, noName],
  [/Connection refused/i, w => unreachable(w, 'nobody listens there (connection refused)')],
  [
    /timed out|No route to host|Network is unreachable|Connection closed|Connection reset|banner exchange/i,
    w => unreachable(w, 'it does not answer'),
  ],
]

/** Why there is no connection to a node, with the next thing to do. `said`: what ssh wrote to its standard error. */
export function sshFailure(way: Way, said: string): Problem {
  const [, tell] = table.find(([words]) => words.test(said)) ?? []
  const last = said
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .slice(-2)
    .join(' ')
  const words = printable(new Untrusted(last), 300)
  const problem = tell?.(way) ?? {
    code: 'SSH_FAILED',
    what: `${way.node}: ssh could not connect to ${place(way)}`,
    next: `try it by hand:  ssh ${command(way)} true`,
  }
  return {
    ...problem,
    because: problem.because ?? (words === '' ? 'ssh said nothing' : words),
    where: way.node,
  }
}

const place = ({ at }: Way): string => `${at.user}@${at.host}${at.port === 22 ? '' : `:${at.port}`}`
const command = ({ at }: Way): string => `${at.port === 22 ? '' : `-p ${at.port} `}${at.user}@${at.host}`
const named = ({ at }: Way): string => (at.port === 22 ? at.host : `[${at.host}]:${at.port}`)

function changedKey(w: Way): Omit<Problem, 'where'> {
  return {
    code: 'SSH_HOST_KEY_CHANGED',
    what: `${w.node}: ${named(w)} shows another host key than the one in ${w.knownHosts}`,
    because: 'the machine was set up anew, or something else answers in its place',
    next: `on the server's own console compare  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub  with  ssh-keyscan -t ed25519 ${scan(w)} | ssh-keygen -lf -  and only then replace its line`,
  }
}

function unknownKey(w: Way): Omit<Problem, 'where'> {
  return {
    code: 'SSH_HOST_UNKNOWN',
    what: `${w.node}: the host key of ${named(w)} is not in ${w.knownHosts}`,
    because: 'no host is trusted on first use',
    next: `add the line that  ssh-keyscan -t ed25519 ${scan(w)}  prints, once its fingerprint equals the one on the server's own console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)`,
  }
}

const scan = ({ at }: Way): string => `${at.port === 22 ? '' : `-p ${at.port} `}${at.host}`

function keyRefused(w: Way): Omit<Problem, 'where'> {
  return {
    code: 'SSH_KEY_REFUSED',
    what: `${w.node}: ${named(w)} does not accept the key for user ${w.at.user}`,
    because: 'the key is not in authorized_keys of that user, or the account is locked',
    next:
      w.authorize === ''
        ? `add the public half of the key to ~${w.at.user}/.ssh/authorized_keys on ${w.at.host}`
        : `add to ${w.at.host}:~${w.at.user}/.ssh/authorized_keys:  ${w.authorize}`,
  }
}

function noName(w: Way): Omit<Problem, 'where'> {
  return {
    code: 'SSH_NAME_UNKNOWN',
    what: `${w.node}: nothing is named ${w.at.host} as seen from here`,
    next: 'correct `host:` in the fleet file, or run where that name can be resolved (a self-hosted runner, or ssh: { jump: … })',
  }
}

function unreachable(w: Way, because: string): Omit<Problem, 'where'> {
  return {
    code: 'SSH_UNREACHABLE',
    what: `${w.node}: no connection to ${place(w)}`,
    because,
    next: `see that the machine is up and that this one may reach it:  ssh ${command(w)} true`,
  }
}
