/** What reaches a fleet over ssh. `alias` is the name that stands on command lines; never text that a person wrote. */
export type SshHost = { alias: string; host: string; port: number; user: string }

export type SshFiles = {
  /** Folder of the control sockets; short, as the kernel allows about 100 bytes for their names. */
  sockets: string
  /** Files of ours; where there is none, the user's own are used. */
  knownHosts?: string
  identity?: string
}

const seconds = (n: number): string => String(n)

/**
 * The one file of options (`-F`): a jump's inner ssh takes no others. What stands here first wins over what is included.
 * `own`: the user's and the machine's files are read after it, for whatever it leaves open (outside of CI).
 * Nothing is trusted on first use, nothing is forwarded to the node, and nobody is asked anything.
 */
export function sshConfig(
  hosts: SshHost[],
  files: SshFiles,
  options: { jump?: SshHost; own: boolean },
): string {
  const { jump, own } = options
  const entry = (h: SshHost, more: string[]): string[] => [
    `Host ${h.alias}`,
    `  HostName ${h.host}`,
    `  Port ${h.port}`,
    `  User ${h.user}`,
    ...more.map(line => `  ${line}`),
  ]
  return [
    ...hosts.flatMap(h =>
      entry(
        h,
        [jump ? `ProxyJump ${jump.alias}` : own ? '' : 'ProxyJump none'].filter(l => l !== ''),
      ),
    ),
    ...(jump ? entry(jump, own ? [] : ['ProxyJump none']) : []),
    'Host *',
    ...common(files, own).map(line => `  ${line}`),
    ...(own ? ['Host *', '  Include ~/.ssh/config', '  Include /etc/ssh/ssh_config'] : []),
    '',
  ].join('\n')
}

const common = (files: SshFiles, own: boolean): string[] => [
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
  `ControlPath ${quoted(`${files.sockets}/%C`)}`,
  `ControlPersist ${seconds(60)}`,
  `ConnectTimeout ${seconds(10)}`,
  'ConnectionAttempts 1',
  `ServerAliveInterval ${seconds(5)}`,
  'ServerAliveCountMax 3',
  'TCPKeepAlive no',
  'Compression no',
  ...(own ? [] : ['CanonicalizeHostname no', 'HashKnownHosts no']),
  'LogLevel ERROR',
]

/** A path as one word of ssh_config; its `%` are no tokens, but for the one of ours. */
const quoted = (path: string): string => `"${path}"`
