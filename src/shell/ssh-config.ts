/** One machine. `alias` is what stands on ssh's command line: the host's own name, by which the user's own configuration knows it. */
export type SshHost = { alias: string; host: string; port: number; user: string }

export type SshFiles = {
  /** Folder of the control sockets; short, as the kernel allows about 100 bytes for their names. */
  sockets: string
  /** Files of ours; where there is none, the user's own are used. */
  knownHosts?: string
  identity?: string
  /** The user's own configuration; outside of CI. */
  own?: string
}

/**
 * The one file of options (`-F`): a jump's inner ssh takes no others. What stands here first wins over what is included.
 * The user's own file, where one is named, is read after it together with the machine's, for whatever it leaves open.
 * Nothing is trusted on first use, nothing is forwarded to the node, and nobody is asked anything.
 */
export function sshConfig(hosts: SshHost[], files: SshFiles, jump?: SshHost): string {
  const { own } = files
  const entry = (h: SshHost, more: string[]): string[] => [
    `Host ${h.alias}`,
    // else the user's own configuration may know where that is
    ...(h.alias === h.host ? [] : [`  HostName ${h.host}`]),
    `  Port ${h.port}`,
    `  User ${h.user}`,
    ...more.map(line => `  ${line}`),
  ]
  // the user's own configuration may know a jump of its own
  const straight = own !== undefined ? [] : ['ProxyJump none']
  return [
    ...hosts.flatMap(h => entry(h, jump ? [`ProxyJump ${jump.alias}`] : straight)),
    ...(jump ? entry(jump, straight) : []),
    'Host *',
    ...common(files).map(line => `  ${line}`),
    ...(own === undefined ? [] : ['Host *', `  Include "${own}"`, '  Include /etc/ssh/ssh_config']),
    '',
  ].join('\n')
}

const common = (files: SshFiles): string[] => [
  'BatchMode yes',
  'StrictHostKeyChecking yes',
  ...(files.knownHosts === undefined
    ? []
    : [`UserKnownHostsFile ${quoted(files.knownHosts)}`, 'GlobalKnownHostsFile /dev/null']),
  'UpdateHostKeys no',
  'VerifyHostKeyDNS no',
  ...(files.identity === undefined
    ? []
    : [`IdentityFile ${quoted(files.identity)}`, 'IdentitiesOnly yes', 'IdentityAgent none']),
  'PreferredAuthentications publickey',
  'ForwardAgent no',
  'ForwardX11 no',
  'PermitLocalCommand no',
  'ClearAllForwardings no',
  'ExitOnForwardFailure yes',
  'RequestTTY no',
  'EscapeChar none',
  'SendEnv -*',
  'ControlMaster auto',
  `ControlPath ${files.sockets}/%C`,
  'ControlPersist 60',
  'ConnectTimeout 10',
  'ConnectionAttempts 1',
  'ServerAliveInterval 5',
  'ServerAliveCountMax 3',
  'TCPKeepAlive no',
  'Compression no',
  ...(files.own !== undefined ? [] : ['CanonicalizeHostname no', 'HashKnownHosts no']),
  'LogLevel ERROR',
]

/** A path as one word of ssh_config, in which `%` begins no token. */
const quoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`
