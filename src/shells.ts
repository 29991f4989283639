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
/** By node. */
export type Shells = ReadonlyMap<NodeId, Shell>

/** What reaches each node, from where the fleet file says that they are. Throws `UserError`. */
export async function shellsOf({ config, inputs, dir, env, last }: Placing): Promise<Shells> {
  const { shell, nodes } = config
  switch (shell.kind) {
    case 'local': {
      const here = localShell()
      return new Map(nodes.map(n => [n.name, here]))
    }
    case 'ssh':
      return openSsh({
        dir,
        nodes: nodes.flatMap(n => (n.machine ? [{ ...n.machine, name: n.name }] : [])),
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
