import { readServerConfig } from './config/server-config.ts'
import type { Problem } from './domain/errors.ts'
import type { FoundNode, Known } from './domain/fleet-file.ts'
import { printable, Untrusted } from './domain/text.ts'
import { closed, installOf, noPath, PATH, type Sought } from './finding.ts'
import { type Answer, parseAnswer } from './node/answer.ts'
import { SHORT } from './node/places.ts'
import { program } from './node/programs.ts'
import { failureOf } from './node/refusals.ts'

const SOCKET = '/var/run/docker.sock'

type Container = { name: string; status: string; user: string; image: string }

/** The same of a server in a container. `undefined`: there is none, or no Docker. */
export async function findContainer(
  s: Sought,
): Promise<{ found: FoundNode } | { problems: Problem[] } | undefined> {
  const words = ['install=/', 'data=/', `binary=${s.binary}`, `container=${s.container}`, `socket=${SOCKET}`]
  const ran = await s.shell.run(program('find-container', 'docker'), words, { limit: SHORT })
  if (ran.lost) return { problems: [ran.lost.problem] }
  const answer = parseAnswer(ran.stdout)
  const asked = s.container !== ''
  if (answer.end === 'docker-silent' && !asked) return undefined
  if (answer.end !== 'ok') return { problems: [failureOf(s.name, answer)] }
  const all = (answer.values['found'] ?? []).map(containerIn)
  const [container, ...others] = all
  if (!container) return asked ? { problems: [notFound(s)] } : undefined
  if (others.length > 0) return { problems: [several(s, all)] }
  return read(s, container, answer)
}

const containerIn = (line: string): Container => {
  const [name = '', status = '', user = '', image = ''] = line.split('\t')
  return { name, status, user, image }
}

function read(
  s: Sought,
  container: Container,
  answer: Answer,
): { found: FoundNode } | { problems: Problem[] } {
  const one = (key: string): string => answer.values[key]?.at(-1) ?? ''
  const text = answer.values['config_text']?.at(-1)
  if (text === undefined && one('db') === '') return { problems: [closed(s, one)] }
  const server = readServerConfig(text ?? '')
  const inside = one('db') || server.written.dataPath
  const whole =
    inside === '' || inside.startsWith('/') ? inside : `${one('folder')}/${inside.replace(/^(?:\.\/)+/, '')}`
  const data = onMachine(whole.replace(/\/+$/, ''), answer.values['mount'] ?? [])
  if ([data, one('config'), one('socket')].some(path => !PATH.test(path)))
    return { problems: [noPath(s, one, data)] }
  const shown = (value: string): string => printable(new Untrusted(value), 200)
  return {
    found: {
      name: s.name,
      host: s.host,
      service: {
        kind: 'docker',
        container: { is: container.name, from: `the container that starts ${s.binary}` },
        image: { is: container.image, from: 'its image' },
        socket: one('socket') === SOCKET ? '' : one('socket'),
      },
      user: shown(container.user) || 'root',
      install: installOf('', s.binary),
      data: { is: data, from: `${shown(whole)} in the container, by its mounts` },
      config: { is: one('config'), from: shown(one('config_from')) },
      port: portOf(one, server.written.port ?? 8080),
      version: 'unknown',
      intakeWal: server.intakeWal,
    },
  }
}

/** Where the machine has what a container sees there; '' where no mount holds it. */
function onMachine(path: string, mounts: string[]): string {
  const [best] = mounts
    .map(line => line.split('\t'))
    .flatMap(([from = '', to = '']) => (to !== '' && `${path}/`.startsWith(`${to}/`) ? [{ from, to }] : []))
    .toSorted((a, b) => b.to.length - a.to.length)
  return best === undefined ? '' : `${best.from}${path.slice(best.to.length)}`
}

function portOf(one: (key: string) => string, inside: number): Known<number> {
  if (one('network') === 'host')
    return { is: inside, from: 'server.port in its configuration, in the network of the machine' }
  const published = new RegExp(`"${inside}/tcp":\\[[^\\]]*?"HostPort":"(\\d{1,5})"`).exec(one('ports'))?.[1]
  return published === undefined
    ? { is: inside, from: 'server.port in its configuration; it is published nowhere' }
    : { is: Number(published), from: `where port ${inside} of the container is published` }
}

const notFound = ({ name, container }: Sought): Problem => ({
  code: 'CONTAINER_NOT_FOUND',
  what: `${name}: Docker knows no container ${container}`,
  next: `on ${name}  docker ps --all  shows them; name the right one with --container`,
  where: name,
})

const several = ({ name, binary }: Sought, all: Container[]): Problem => ({
  code: 'CONTAINERS_SEVERAL',
  what: `${name}: several containers run ${binary}: ${all.map(c => printable(new Untrusted(c.name), 100)).join(', ')}`,
  next: 'say which one with --container',
  where: name,
})
