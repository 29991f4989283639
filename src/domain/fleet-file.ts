import type { Problem } from './errors.ts'
import { WRITTEN } from './host-keys.ts'
import { list } from './log.ts'

/** A value and where it was read, in words that can stand in a comment: printable, one line. */
export type Known<T> = { is: T; from: string }

type FoundUnit = { kind: 'systemd'; unit: Known<string> }
/** `image` as it was started from; `socket` of Docker, '' for the usual one. */
type FoundContainer = { kind: 'docker'; container: Known<string>; image: Known<string>; socket: string }

/** What one server showed: enough for its part of a fleet file. Texts are printable. */
export type FoundNode = {
  name: string
  host: string
  service: FoundUnit | FoundContainer
  /** The user of the unit, or in the container. */
  user: string
  install: Known<string>
  data: Known<string>
  config: Known<string>
  port: Known<number>
  /** As it says itself, `unknown` where it does not answer. */
  version: string
  intakeWal: boolean
}

/** Of the whole fleet. `port`: of sshd. */
export type FoundFleet = {
  nodes: FoundNode[]
  user: string
  port: number
  jump: Known<string>
  repository: Known<string>
}

type Line = { text: string; why: string }

/**
 * The fleet file of what was found, each line with a comment on where it came from. What all nodes share stands once. Answers the
 * problems where they cannot stand in one fleet.
 */
export function fleetFile(fleet: FoundFleet): { text: string } | { problems: Problem[] } {
  const problems = differing(fleet.nodes)
  if (problems.length > 0) return { problems }
  const { nodes, user, port, jump, repository } = fleet
  const [first] = nodes
  if (!first) return { problems: [] }
  const ssh = [
    `user: ${user}`,
    ...(port === 22 ? [] : [`port: ${port}`]),
    ...(jump.is === '' ? [] : [`jump: ${jump.is}`]),
  ]
  const shared = (['install', 'data', 'config'] as const).filter(place => same(nodes, n => n[place].is))
  const lines: Line[] = [
    { text: `repository: ${repository.is}`, why: repository.from },
    {
      text: `ssh: { ${ssh.join(', ')} }`,
      why: `as it was typed${jump.is === '' ? '' : `; the jump from ${jump.from}`}`,
    },
    serviceLine(nodes, first),
    ...shared.map(place => ({
      text: `${place}: ${word(first[place].is)}`,
      why: first[place].from.startsWith('a choice')
        ? first[place].from
        : `${all(nodes)}: ${first[place].from}`,
    })),
  ]
  const entries = nodes.map(n => entry(n, shared))
  return {
    text: [
      `${WRITTEN}, from what ${list(nodes.map(n => n.name))} showed. Everything that is not written has a default.`,
      ...aligned(lines),
      'nodes:',
      ...aligned(entries),
      ...aligned([
        { text: 'canary: { nodes: 1, watch: 10m }', why: 'a choice: how many are first, and for how long' },
      ]),
      ...drainHint(nodes),
      '',
    ].join('\n'),
  }
}

/** As one value of YAML, wherever it stands. */
const word = (text: string): string => (/^[\d.]+$|[,:{}[\]~ ]/.test(text) ? JSON.stringify(text) : text)

const all = (nodes: FoundNode[]): string => list(nodes.map(n => n.name))
const same = (nodes: FoundNode[], of: (n: FoundNode) => string): boolean => new Set(nodes.map(of)).size === 1

function entry(n: FoundNode, shared: readonly string[]): Line {
  const own = (['install', 'data', 'config'] as const).filter(place => !shared.includes(place))
  const words = [
    `name: ${word(n.name)}`,
    ...(n.host === n.name ? [] : [`host: ${n.host}`]),
    `port: ${n.port.is}`,
    ...own.map(place => `${place}: ${word(n[place].is)}`),
  ]
  const answers =
    n.version === 'unknown' ? 'it does not answer there now' : `it answers there as ${n.version}`
  return { text: `  - { ${words.join(', ')} }`, why: `${n.port.from}; ${answers}; runs as ${n.user}` }
}

function aligned(lines: Line[]): string[] {
  const width = Math.min(60, Math.max(...lines.map(({ text }) => text.length)))
  return lines.map(({ text, why }) => `${text.padEnd(width)}  # ${why}`)
}

/** Without a drain a stop is safe only with the server's own log of what it accepted. */
const drainHint = (nodes: FoundNode[]): string[] => {
  const off = nodes.filter(n => !n.intakeWal)
  if (off.length === 0) return []
  return [
    `# ${list(off.map(n => n.name))}: the intake WAL and its recovery are not both on, so a stop may lose acknowledged writes. Turn both on in the`,
    '# configuration of the server, or say how a node is taken out of traffic before it is stopped:',
    '# drain: { haproxy: { socket: /run/haproxy/admin.sock, backend: db } }, or { commands: { out: take it out, in: put it back } }',
  ]
}

/** What runs the server, in a word. */
export const ranBy = ({ service }: FoundNode): string =>
  service.kind === 'systemd' ? service.unit.is : `container ${service.container.is}`

function serviceLine(nodes: FoundNode[], first: FoundNode): Line {
  const { service } = first
  if (service.kind === 'systemd')
    return { text: `systemd: { unit: ${service.unit.is} }`, why: `${all(nodes)}: ${service.unit.from}` }
  const container = same(nodes, ranBy) ? service.container.is : '{name}'
  const image = imageTemplate(service.image.is, first.version)
  const words = [`container: ${word(container)}`, `image: ${word(image.is)}`]
  if (service.socket !== '') words.push(`socket: ${word(service.socket)}`)
  return {
    text: `docker: { ${words.join(', ')} }`,
    why: `${all(nodes)}: ${service.container.from}; the image ${image.from}`,
  }
}

/** The image with the version's place in it. */
function imageTemplate(image: string, version: string): Known<string> {
  const [name = ''] = image.split('@')
  const at = name.lastIndexOf(':')
  const [repository, tag] = at > name.lastIndexOf('/') ? [name.slice(0, at), name.slice(at + 1)] : [name, '']
  const number = version.replace(/^v/, '')
  if (version !== 'unknown' && tag.includes(version))
    return { is: `${repository}:${tag.replace(version, '{version}')}`, from: `is ${image} now` }
  if (version !== 'unknown' && number !== '' && tag.includes(number))
    return { is: `${repository}:${tag.replace(number, '{number}')}`, from: `is ${image} now` }
  return { is: `${repository}:{version}`, from: `is a guess: ${image} names no version` }
}

function differing(nodes: FoundNode[]): Problem[] {
  const kinds = [...new Set(nodes.map(n => n.service.kind))]
  // a container may be called as its node is
  const each = nodes.every(n => n.service.kind === 'docker' && n.service.container.is === n.name)
  const names = [...new Set(nodes.map(ranBy))]
  if (kinds.length < 2 && (names.length < 2 || each)) return []
  const [what, flag] = kinds[0] === 'docker' ? ['containers', '--container'] : ['units', '--unit']
  return [
    {
      code: 'UNITS_DIFFER',
      what: `the nodes run different ${what}: ${nodes.map(n => `${n.name} ${ranBy(n)}`).join(', ')}`,
      because: 'one fleet file describes servers that are upgraded together, and are looked after alike',
      next: `name the one with ${flag}, or make one fleet file for each kind: init with the nodes of one kind only`,
    },
  ]
}
