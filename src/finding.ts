import { readServerConfig, type ServerConfig } from './config/server-config.ts'
import type { Problem } from './domain/errors.ts'
import type { FoundNode } from './domain/fleet-file.ts'
import { printable, Untrusted } from './domain/text.ts'
import type { Shell } from './shell/port.ts'
import { type Answer, parseAnswer } from './node/answer.ts'
import { PLAIN_USER } from './node/owner.ts'
import { program } from './node/programs.ts'
import { failureOf } from './node/refusals.ts'
import { SHORT } from './node/places.ts'

/** A server that is to be described. `unit`, `container` where it is known which one it is. */
export type Sought = {
  name: string
  host: string
  shell: Shell
  binary: string
  unit: string
  container: string
}

type Unit = { name: string; active: string; user: string }

/** Looks at what serves there, read-only. Everything but the version, which the server itself says. */
export async function findServer(s: Sought): Promise<{ found: FoundNode } | { problems: Problem[] }> {
  const words = ['install=/', 'data=/', `binary=${s.binary}`, `unit=${s.unit}`]
  const ran = await s.shell.run(program('find', 'systemd'), words, { limit: SHORT })
  if (ran.lost) return { problems: [ran.lost.problem] }
  const answer = parseAnswer(ran.stdout)
  if (answer.end !== 'ok') return { problems: [failureOf(s.name, answer)] }
  return read(s, answer)
}

function read(s: Sought, answer: Answer): { found: FoundNode } | { problems: Problem[] } {
  const one = (key: string): string => answer.values[key]?.at(-1) ?? ''
  const units = (answer.values['found'] ?? []).map(unitIn)
  const [unit, ...others] = units
  if (!unit) return refused(noUnit(s))
  if (others.length > 0) return refused(severalUnits(s, units))
  if (!UNIT.test(unit.name)) return refused(noUnit(s))
  if (!PLAIN_USER.test(unit.user) || unit.user === 'root') return refused(noUser(s, unit))
  const text = answer.values['config_text']?.at(-1)
  if (text === undefined && one('db') === '') return refused(closed(s, one))
  const server = readServerConfig(text ?? '')
  const data = dataOf(one, server)
  if (data.is === '' || [data.is, one('config')].some(path => !PATH.test(path)))
    return refused(noPath(s, one, data.is))
  const shown = (value: string): string => printable(new Untrusted(value), 200)
  return {
    found: {
      name: s.name,
      host: s.host,
      service: {
        kind: 'systemd',
        unit: { is: shown(unit.name), from: `the unit that starts ${shown(one('program'))}` },
      },
      user: shown(unit.user) || 'root',
      install: installOf(shown(one('program')), s.binary),
      data,
      config: { is: one('config'), from: shown(one('config_from')) },
      port: portOf(one, server),
      version: 'unknown',
      intakeWal: server.intakeWal,
    },
  }
}

const refused = (problem: Problem): { problems: Problem[] } => ({ problems: [problem] })

const noUser = ({ name }: Sought, unit: Unit): Problem => ({
  code: 'UNIT_WITHOUT_USER',
  what: `${name}: ${unit.name} runs as ${printable(new Untrusted(unit.user), 60) || 'root'}`,
  because:
    'whoever may work on its data would be root, or somebody whose name cannot stand in a sudoers file',
  next: 'give the unit a user of its own with a plain name (User=progressdb) that owns the data folder',
  where: name,
})

/** What may stand in a fleet file. */
const UNIT = /^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,120}\.service$/
export const PATH = /^(?!.*\/\.{0,2}(?:\/|$))\/[\w.@+=,:~ /-]{1,400}$/

const unitIn = (line: string): Unit => {
  const [name = '', active = '', user = ''] = line.split('\t')
  return { name, active, user }
}

type One = (key: string) => string

function dataOf(one: One, { written }: ServerConfig): FoundNode['data'] {
  const [path, from] =
    one('db') === ''
      ? [written.dataPath, `server.db_path in ${one('config')}`]
      : [one('db'), '--db of the unit']
  const folder = one('folder').replace(/\/+$/, '')
  const whole = path === '' || path.startsWith('/') ? path : `${folder}/${path.replace(/^(?:\.\/)+/, '')}`
  return { is: whole.replace(/\/+$/, ''), from: printable(new Untrusted(from), 300) }
}

function portOf(one: One, { written }: ServerConfig): FoundNode['port'] {
  const addr = /:(\d{1,5})$/.exec(one('addr'))?.[1]
  if (addr !== undefined) return { is: Number(addr), from: '--addr of the unit' }
  if (written.port !== undefined) return { is: written.port, from: 'server.port in its configuration' }
  return { is: 8080, from: 'the usual port, as none is written' }
}

/** Where a release lies already, or a folder that is still to be made. */
export function installOf(path: string, binary: string): FoundNode['install'] {
  const [, adopted] = /^(\/.+)\/releases\/[^/]+\/[^/]+$/.exec(path) ?? []
  return adopted === undefined
    ? { is: `/opt/${binary}`, from: 'a choice: adopt makes this folder, for releases, record and lease' }
    : { is: adopted, from: 'where its releases lie' }
}

const noUnit = ({ name, binary, unit }: Sought): Problem => ({
  code: 'UNIT_NOT_FOUND',
  what:
    unit === ''
      ? `${name}: no unit of systemd there starts a program called ${binary}`
      : `${name}: systemd knows no unit ${unit}`,
  next: `on ${name}  systemctl list-units --type=service  shows them; name the right one with --unit, or a container with --container, or describe plain processes by hand (process: {} in the fleet file)`,
  where: name,
})

const severalUnits = ({ name, binary }: Sought, units: Unit[]): Problem => ({
  code: 'UNITS_SEVERAL',
  what: `${name}: several units start ${binary}: ${units.map(u => `${printable(new Untrusted(u.name), 100)} (${printable(new Untrusted(u.active), 20)})`).join(', ')}`,
  next: 'say which one with --unit',
  where: name,
})

export const closed = ({ name }: Sought, one: One): Problem => ({
  code: 'CONFIG_NOT_READABLE',
  what: `${name}: ${printable(new Untrusted(one('self')), 60)} may not read ${printable(new Untrusted(one('config')), 200)}, where the data folder and the port stand`,
  because: `it belongs to ${printable(new Untrusted(one('config_closed')), 100)}, as it should`,
  next: 'look as somebody who may read it: add  --as root  (or another user)',
  where: name,
})

export const noPath = ({ name }: Sought, one: One, data: string): Problem => ({
  code: 'PATHS_ODD',
  what: `${name}: its data folder (${printable(new Untrusted(data || 'not written'), 200)}) or its configuration (${printable(new Untrusted(one('config')), 200)}) has a path that a fleet file cannot hold`,
  next: 'write an absolute path of letters, digits and plain signs as server.db_path in the configuration of the server',
  where: name,
})
