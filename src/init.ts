import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from './clock.ts'
import type { Inputs } from './config/config.ts'
import { parseConfig } from './config/file.ts'
import type { ByHand } from './config/hand-flags.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { fleetFile, type FoundFleet, type FoundNode, ranBy } from './domain/fleet-file.ts'
import { fingerprint, type HostKey, knownHostsFile, knownHostsLine, WRITTEN } from './domain/host-keys.ts'
import { findContainer } from './finding-container.ts'
import { findServer, type Sought } from './finding.ts'
import type { Console } from './github/console.ts'
import { ownOrigin, repositoryHere } from './origin.ts'
import { httpClient } from './probe/http.ts'
import { createProbe } from './probe/probe.ts'
import { sudoers } from './service/unit-files.ts'
import { knownKeys, type Resolved, shownKeys } from './shell/host-keys.ts'
import type { Shell } from './shell/port.ts'
import { openSsh } from './shell/ssh.ts'
import { jumpOf, type Target, targetsOf } from './targets.ts'
import { type NewFile, workflowsOf } from './workflows.ts'

/** `cwd`: the repository that the files are for. `dir`: a folder of ours. */
export type Init = {
  hand: ByHand
  inputs: Pick<Inputs, 'sshKey' | 'sshKnownHosts'>
  out: Console
  env: NodeJS.ProcessEnv
  cwd: string
  dir: string
}

const FLEET = '.github/rollout.yml'
const KNOWN_HOSTS = '.github/rollout.known_hosts'
/** Keys that machines have shown and that nobody has compared. */
const SHOWN = '.github/rollout.known_hosts.not-compared'
const SUDOERS = '.github/rollout.sudoers'
const BINARY = 'progressdb'

/**
 * Looks at servers, read-only, and writes what a repository needs to roll out to them: the fleet file, known hosts, sudoers and
 * workflows. A machine whose host key nobody vouches for is not looked at. Answers the exit code.
 */
export async function init(i: Init): Promise<number> {
  const targets = await targetsOf(i)
  const jump = await jumpOf(i, targets)
  const taken = filesOf(i, true).filter(({ path }) => existsSync(join(i.cwd, path)))
  if (taken.length > 0) return told(i, taken.map(fileExists))
  const keys = await trustedKeys(i, jump ? [jump, ...targets] : targets)
  if ('problems' in keys) return told(i, keys.problems)
  const ways: Ways = { targets, ...(jump ? { jump: jump.at } : {}) }
  const looked = await lookAt(i, ways, keys.all)
  if ('problems' in looked) return told(i, looked.problems)
  const fleet = fleetOf(i, ways, looked.nodes)
  const text = fleetFile(fleet)
  if ('problems' in text) return told(i, text.problems)
  parseConfig(text.text, FLEET)
  write(i, [
    { path: FLEET, text: text.text },
    { path: KNOWN_HOSTS, text: knownHostsFile(keys.all, keys.from) },
    ...sudoersFile(fleet),
    ...filesOf(i, false),
  ])
  next(i, fleet, keys.all)
  return 0
}

const told = ({ out }: Init, problems: Problem[]): number => {
  for (const problem of problems) out.problem(problem)
  return 3
}

const fileExists = ({ path }: { path: string }): Problem => ({
  code: 'INIT_FILE_EXISTS',
  what: `${path} is there already, and nothing is written over it`,
  next: 'move it away and run init again, or run it in an empty folder and compare',
})

/** Every file but those with what was found. `names`: those too, without a text. */
function filesOf({ cwd }: Init, names: boolean): NewFile[] {
  const hasRelease = existsSync(join(cwd, '.github/workflows/release.yml'))
  const workflows = workflowsOf(ownOrigin(), { builds: repositoryHere(cwd).builds, hasRelease })
  return [...(names ? [FLEET, SUDOERS, KNOWN_HOSTS].map(path => ({ path, text: '' })) : []), ...workflows]
}

type Trusted = { all: HostKey[]; from: string }

/** Keys that somebody vouches for: the file that was given, else the user's own known hosts. Else they are shown, to be compared. */
async function trustedKeys(i: Init, targets: Target[]): Promise<Trusted | { problems: Problem[] }> {
  const given = i.inputs.sshKnownHosts === '' ? undefined : join(i.dir, 'given_known_hosts')
  if (given !== undefined) writeFileSync(given, `${i.inputs.sshKnownHosts.trim()}\n`, { mode: 0o600 })
  const found = await Promise.all(targets.map(async t => ({ t, keys: await knownKeys(t.at, i.env, given) })))
  const unknown = found.filter(({ keys }) => keys.length === 0).map(({ t }) => t)
  const all = found.flatMap(({ keys }) => distinct(keys))
  if (unknown.length === 0)
    return { all, from: given === undefined ? 'from your own known hosts' : 'as they were given and trusted' }
  const shown = await Promise.all(unknown.map(async t => ({ t, keys: await shownKeys(t.at, i.env) })))
  const fresh = shown.flatMap(({ keys }) => keys)
  if (fresh.length > 0)
    write(i, [{ path: SHOWN, text: knownHostsFile([...all, ...fresh], 'NOT COMPARED YET') }])
  return { problems: shown.map(({ t, keys }) => notVouched(t, keys)) }
}

const distinct = (keys: HostKey[]): HostKey[] => [...new Map(keys.map(k => [knownHostsLine(k), k])).values()]

const notVouched = ({ name, at }: Target, keys: HostKey[]): Problem =>
  keys.length === 0
    ? {
        code: 'SSH_HOST_UNKNOWN',
        what: `${name}: nobody has said which host key ${at.host} has, and it shows none`,
        next: `connect once by hand and compare its key:  ssh ${at.port === 22 ? '' : `-p ${at.port} `}${at.user}@${at.host}  , then run this again`,
        where: name,
      }
    : {
        code: 'SSH_HOST_UNKNOWN',
        what: `${name}: nobody has said which host key ${at.host} has; it shows ${keys.map(k => `${k.type} ${fingerprint(k)}`).join(', ')}`,
        because: 'a key that is trusted on first use protects against nothing',
        next: `compare with  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub  on its own console, then run this again with  --ssh-known-hosts "$(cat ${SHOWN})"`,
        where: name,
      }

type Looked = { nodes: FoundNode[] } | { problems: Problem[] }

type Ways = { targets: Target[]; jump?: Resolved }

async function lookAt(i: Init, { targets, jump }: Ways, keys: HostKey[]): Promise<Looked> {
  const shells = await openSsh({
    dir: i.dir,
    nodes: targets.map(({ name, typed, at }) => ({
      name,
      host: typed,
      port: at.port,
      user: i.hand.as ?? at.user,
    })),
    ...(jump ? { jump } : {}),
    key: i.inputs.sshKey,
    knownHosts: keys.map(knownHostsLine).join('\n'),
    own: true,
    last: true,
    env: i.env,
  })
  try {
    const looked = await Promise.all(targets.map(t => lookAtOne(i, t, shells.get(t.name))))
    const problems = looked.flatMap(l => ('problems' in l ? l.problems : []))
    return problems.length > 0
      ? { problems }
      : { nodes: looked.flatMap(l => ('found' in l ? [l.found] : [])) }
  } finally {
    await Promise.all([...shells.values()].map(shell => shell.close()))
  }
}

async function lookAtOne(
  i: Init,
  { name, at }: Target,
  shell: Shell | undefined,
): Promise<{ found: FoundNode } | { problems: Problem[] }> {
  if (!shell) throw new TypeError(`no shell for ${name}`)
  const { unit = '', container = '' } = i.hand
  const looked = await serverOn({ name, host: at.host, shell, binary: BINARY, unit, container })
  if ('problems' in looked) return looked
  const { found } = looked
  i.out.line(
    'look',
    `${name}: ${ranBy(found)} as ${found.user}, data in ${found.data.is}, port ${found.port.is}`,
  )
  return { found: { ...found, version: await versionOf(found, shell) } }
}

/** A unit of systemd, else a container, unless somebody said which. */
async function serverOn(s: Sought): Promise<{ found: FoundNode } | { problems: Problem[] }> {
  if (s.container !== '') return (await findContainer(s)) ?? { problems: [] }
  const unit = await findServer(s)
  const none =
    'problems' in unit && unit.problems.every(p => ['UNIT_NOT_FOUND', 'NOT_FOUND'].includes(p.code))
  return none && s.unit === '' ? ((await findContainer(s)) ?? unit) : unit
}

/** What the server itself answers, through the connection. */
async function versionOf({ name, port }: FoundNode, shell: Shell): Promise<string> {
  const http = httpClient({ reach: () => shell.forward({ host: '127.0.0.1', port: port.is }) })
  try {
    const probe = createProbe(http.ask, systemClock, {
      profile: 'progressdb',
      rollout: '',
      user: '',
      keys: {},
      patience: 0,
    })
    const { version } = await probe.ready({ id: name, url: `http://${name}:${port.is}` })
    return version
  } catch (error) {
    if (error instanceof UserError) return 'unknown'
    throw error
  } finally {
    await http.close()
  }
}

function fleetOf(i: Init, { targets, jump }: Ways, nodes: FoundNode[]): FoundFleet {
  const [first] = targets
  const through = jump ? `${jump.user}@${jump.host}${jump.port === 22 ? '' : `:${jump.port}`}` : ''
  return {
    nodes,
    user: first?.at.user ?? '',
    port: first?.at.port ?? 22,
    jump: { is: through, from: 'your own ssh configuration' },
    repository: repositoryHere(i.cwd),
  }
}

/** What adopt will put into /etc/sudoers.d, to be read before. Whoever may speak to Docker needs no such file, or is given root by hand. */
function sudoersFile({ nodes, user }: FoundFleet): NewFile[] {
  const [first] = nodes
  if (first?.service.kind !== 'systemd') return []
  const rights = sudoers({ unit: first.service.unit.is, deploy: user, service: first.user })
  const head = `${WRITTEN}: what adopt will write to /etc/sudoers.d on each node. To be read; nothing has to be done with it.`
  return [{ path: SUDOERS, text: `${head}\n${rights}` }]
}

function write({ cwd, out }: Init, files: NewFile[]): void {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), text)
    out.line('wrote', path)
  }
}

function next({ out }: Init, { nodes }: FoundFleet, keys: HostKey[]): void {
  for (const key of keys) out.line('host key', `${key.host} ${key.type} ${fingerprint(key)}`)
  const version = nodes.find(n => n.version !== 'unknown')?.version ?? 'v0.2.2'
  out.lines([
    '',
    'nothing was changed on the nodes; next:',
    `  1  read ${FLEET}: each line says where it came from`,
    nodes[0]?.service.kind === 'docker'
      ? '  2  progressdb-rollout adopt                  records what runs, and restarts nothing'
      : '  2  progressdb-rollout adopt --as root        shows what it will do, asks, and restarts nothing',
    `  3  progressdb-rollout plan ${version.startsWith('v') ? version : `v${version}`}             (or a newer version) shows every problem that is left`,
    `  4  gh secret set ROLLOUT_SSH_KEY --env production <the-key   and   gh variable set ROLLOUT_KNOWN_HOSTS <${KNOWN_HOSTS}`,
    '  5  gh secret set PROGRESSDB_BACKEND_KEY --env production   and   PROGRESSDB_ADMIN_KEY; then commit .github',
    ...(ownOrigin() === undefined
      ? ['     in the workflows, write the commit of this product in place of OWNER/progressdb-rollout@0000…']
      : []),
  ])
}
