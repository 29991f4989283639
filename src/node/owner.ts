import type { NodeConfig } from '../config/config.ts'
import type { Problem } from '../domain/errors.ts'
import { printable, Untrusted } from '../domain/text.ts'
import type { Service, UnitServer } from '../service/port.ts'
import type { Answer } from './answer.ts'
import { StepFailed } from './port.ts'

/** Whom the data of a node belongs to. `other`: the user that its programs run as, where that is not the one that logs in. `user`: that of a unit, as
 * systemd names it. `adopted`: root prepared the machine for that. */
export type Owner = { other?: string; user?: string; adopted: boolean }

/** The name of a user that may stand in a file for sudo. */
export const PLAIN_USER = /^[a-z_][a-z0-9_-]{0,31}$/

/** Asks the node, as whoever logs in. */
export type Who = () => Promise<Answer>

/** A server that we start ourselves is ours; that of a unit belongs to the user that the unit names. Throws `StepFailed`. */
export async function ownerOf(config: NodeConfig, service: Service, who: Who): Promise<Owner> {
  if (service.kind === 'process') return { adopted: true }
  const { values } = await who()
  const one = (key: string): string => values[key]?.at(-1) ?? ''
  const problem = unfit(config.name, service, { one, near: values['near'] ?? [] })
  if (problem) throw new StepFailed({ ...problem, where: config.name, effect: 'none', kind: 'other' })
  const adopted = one('adopted') === '1'
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
    next: `progressdb-rollout adopt ${config.name} --as root  (or another user who may become root there)`,
    where: config.name,
    effect: 'none',
    kind: 'other',
  })
}

type Said = { one: (key: string) => string; near: string[] }

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
