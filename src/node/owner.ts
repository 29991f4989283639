import type { NodeConfig } from '../config/config.ts'
import type { Problem } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { ContainerServer, Service, UnitServer } from '../service/port.ts'
import type { Answer } from './answer.ts'
import { StepFailed } from './port.ts'

/** Whom the data of a node belongs to. `other`: the user that its programs run as, where that is not the one that logs in. `user`: that of a unit, as
 * systemd names it. `adopted`: root prepared the machine for that. */
export type Owner = { other?: string; user?: string; adopted: boolean }

/** The name of a user that may stand in a file for sudo. */
export const PLAIN_USER = /^[a-z_][a-z0-9_-]{0,31}$/

/** Asks the node, as whoever logs in. */
export type Who = () => Promise<Answer>

/**
 * A server that we start ourselves is ours; that of a unit belongs to the user that the unit names; the data of a container to root,
 * unless whoever logs in has the number that the server runs under. Throws `StepFailed`.
 */
export async function ownerOf(config: NodeConfig, service: Service, who: Who): Promise<Owner> {
  if (service.kind === 'process') return { adopted: true }
  const { values } = await who()
  const one = (key: string): string => values[key]?.at(-1) ?? ''
  const said: Said = { one, near: values['near'] ?? [] }
  const problem =
    service.kind === 'docker' ? withoutDocker(config.name, service, said) : unfit(config.name, service, said)
  if (problem) throw new StepFailed({ ...problem, where: config.name, effect: 'none', kind: 'other' })
  const adopted = one('adopted') === '1'
  if (service.kind === 'docker') {
    const own = one('self_uid') === '0' || (one('self_uid') === one('data_uid') && one('self_uid') !== '')
    return own ? { adopted } : { adopted, other: 'root' }
  }
  const user = one('unit_user')
  return user === one('self') ? { adopted, user } : { adopted, user, other: user }
}

/** The same of a machine that a rollout is to drive. Throws `StepFailed` where nobody prepared it. */
export async function driven(config: NodeConfig, service: Service, who: Who): Promise<Owner> {
  const owner = await ownerOf(config, service, who)
  if (owner.other === undefined || owner.adopted) return owner
  throw new StepFailed({
    code: 'NODE_NOT_ADOPTED',
    what: `${config.name} was never adopted: nobody knows which release it runs, and nothing may be done with its data`,
    next:
      service.kind === 'docker'
        ? `progressdb-rollout adopt ${config.name}`
        : `progressdb-rollout adopt ${config.name} --as root  (or another user who may become root there)`,
    where: config.name,
    effect: 'none',
    kind: 'other',
  })
}

type Said = { one: (key: string) => string; near: string[] }

/** Why a container cannot be driven from here. */
function withoutDocker(node: string, { socket }: ContainerServer, { one }: Said): Problem | undefined {
  const why = one('docker_why')
  if (one('docker_closed') !== '')
    return {
      code: 'DOCKER_REFUSED',
      what: `${node}: ${printable(new Untrusted(one('self')), 60)} may not speak to Docker (${socket} is for ${printable(new Untrusted(one('docker_closed')), 80)})`,
      because: 'only root and the group docker may, and that group is as good as root',
      next: `log in as root, or on ${node}, as root:  usermod -aG docker ${printable(new Untrusted(one('self')), 60)}`,
    }
  if (one('docker_version') === '')
    return {
      code: 'DOCKER_SILENT',
      what: `${node}: Docker does not answer at ${socket}`,
      ...(why === '' ? {} : { because: printable(new Untrusted(why), 300) }),
      next: `see that it runs there:  systemctl status docker   , or name its socket:  docker: { socket: … }`,
    }
  if (one('rootless') === '1')
    return {
      code: 'DOCKER_ROOTLESS',
      what: `${node}: its Docker runs without root`,
      because: 'the copy of a rehearsal lies in a network that nobody outside of it reaches there',
      next: 'run the server in a Docker of root, or as a unit of systemd',
    }
  if (one('without_curl') === '1')
    return {
      code: 'CURL_MISSING',
      what: `${node} has no curl`,
      because:
        'a container is described to Docker over its socket, so that no secret stands on a command line',
      next: `on ${node}, as root:  apt-get install curl   (or what your system uses)`,
    }
  return undefined
}

/** Why a unit cannot be driven. */
function unfit(node: string, { unit }: UnitServer, { one, near }: Said): Problem | undefined {
  const load = one('unit_load')
  if (load === 'silent')
    return {
      code: 'SYSTEMD_SILENT',
      what: `${node}: systemctl says nothing about ${unit}`,
      because: printable(new Untrusted(one('why')), 300),
      next: 'see that systemd and dbus run there:  systemctl status dbus',
    }
  if (load !== 'loaded') {
    const others = near.map(name => printable(new Untrusted(name), 100)).slice(0, 5)
    return {
      code: 'UNIT_NOT_FOUND',
      what: `${node}: systemd knows no unit ${unit} (${printable(new Untrusted(load), 40)})`,
      next:
        others.length > 0
          ? `correct \`systemd: { unit: … }\`; on ${node} there is ${others.join(', ')}`
          : `correct \`systemd: { unit: … }\`; on ${node}  systemctl list-unit-files  shows them all`,
    }
  }
  const user = one('unit_user')
  if (one('unit_dynamic') === 'yes' || user === '' || user === 'root')
    return {
      code: 'UNIT_WITHOUT_USER',
      what: `${node}: ${unit} runs as ${user === '' || user === 'root' ? 'root' : 'a user made at each start'}`,
      because: 'whoever may work on its data would be root, or nobody that stays',
      next: `give the unit a user of its own (User=progressdb) that owns the data folder, then  systemctl daemon-reload  and restart it`,
    }
  if (PLAIN_USER.test(user)) return undefined
  return {
    code: 'UNIT_USER_ODD',
    what: `${node}: the user of ${unit} has a name that cannot be used: ${printable(new Untrusted(user), 60)}`,
    next: 'give the unit a user with a plain name',
  }
}
