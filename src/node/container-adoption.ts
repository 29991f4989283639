import { containerProblems } from '../domain/container-problems.ts'
import type { Problem } from '../domain/errors.ts'
import type { ContainerServer } from '../service/port.ts'
import { ask, type Reached } from './ask.ts'
import { inspectionOf } from './observed.ts'
import { ownerOf } from './owner.ts'
import { SHORT } from './places.ts'

/** A node whose server is a container. `deploy` drives it, whoever is logged in now. */
export type ContainerNode = Reached & { service: ContainerServer; deploy: string }

/**
 * Before a container is adopted: the folders that only root can make are made and given to whoever drives the node, and the container is
 * looked at. Answers why it cannot be driven; [] where it can. Throws `StepFailed`.
 */
export async function prepareContainer(on: ContainerNode): Promise<Problem[]> {
  const { config, service, deploy } = on
  const owner = await ownerOf(config, service, () => ask(on, { name: 'who', words: [] }, { limit: SHORT }))
  const as = owner.other === undefined ? {} : { as: owner.other }
  const mine = `own=${deploy} 755 ${config.install}`
  if (!owner.adopted)
    await ask(on, { name: 'setup', words: [mine, `${mine}/state`] }, { limit: SHORT, ...as })
  const { facts } = inspectionOf(await ask(on, { name: 'inspect', words: [] }, { limit: SHORT, ...as }))
  if (!facts.container) return []
  const { data, config: file, name: node } = config
  return containerProblems({
    node,
    container: facts.container,
    data,
    config: file,
    configRead: facts.configSha !== '',
  })
}
