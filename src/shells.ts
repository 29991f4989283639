import type { Config, Inputs } from './config/config.ts'
import { unreachable } from './domain/errors.ts'
import type { NodeId } from './domain/node.ts'
import { inActions } from './github/annotations.ts'
import type { Reach } from './probe/http.ts'
import { localShell } from './shell/local.ts'
import type { Shell } from './shell/port.ts'
import { openSsh } from './shell/ssh.ts'

/** `dir` is the folder of this use of the action; `last`: nothing comes after this process. */
type Placing = { config: Config; inputs: Inputs; dir: string; env: NodeJS.ProcessEnv; last: boolean }
/** By node, and by `balancerName` the balancers that only we reach. */
export type Shells = ReadonlyMap<NodeId, Shell>

/** What reaches each node, from where the fleet file says that they are. Throws `UserError`. */
export async function shellsOf({ config, inputs, dir, env, last }: Placing): Promise<Shells> {
  const { shell, nodes, drain } = config
  switch (shell.kind) {
    case 'local': {
      const here = localShell()
      return new Map(nodes.map(n => [n.name, here]))
    }
    case 'ssh':
      return openSsh({
        dir,
        nodes: [
          ...nodes.flatMap(n => (n.machine ? [{ ...n.machine, name: n.name }] : [])),
          ...(drain.kind === 'haproxy' ? drain.via.map(at => ({ ...at, name: balancerName(at) })) : []),
        ],
        ...(shell.jump ? { jump: shell.jump } : {}),
        key: inputs.sshKey,
        knownHosts: inputs.sshKnownHosts,
        own: !inActions(env),
        last,
        env,
      })
    default:
      return unreachable(shell)
  }
}

/** No node can be called so. */
const balancerName = ({ host, port }: { host: string; port: number }): string => `balancer ${host}:${port}`

/** The machines under `drain.haproxy.via`; `undefined` where each node moves itself. */
export function balancersOf({ drain }: Config, shells: Shells): Shell[] | undefined {
  if (drain.kind !== 'haproxy' || drain.via.length === 0) return undefined
  return drain.via.flatMap(at => shells.get(balancerName(at)) ?? [])
}

/** The address of a node behind its own loopback leads through its connection. */
export function reachOf(config: Config, shells: Shells): Reach {
  const behind = new Map(
    config.nodes.flatMap(({ name, url, listens }) =>
      listens ? [[new URL(url).origin, { name, listens }] as const] : [],
    ),
  )
  return origin => {
    const found = behind.get(origin)
    return found && shells.get(found.name)?.forward(found.listens)
  }
}
