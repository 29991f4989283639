import type { Problem } from './errors.ts'
import type { ContainerFacts } from './facts.ts'
import type { SurveyedNode, Wish } from './survey.ts'
import { printable, Untrusted } from './text.ts'

/** What of a container has to be known: the same at its adoption as before each release. */
export type ContainerSeen = {
  node: string
  container: ContainerFacts
  /** Paths on the machine, as the fleet file names them. */
  data: string
  config: string
  /** The service reads that file. */
  configRead: boolean
}

/** Why a container must not be driven as it is. */
export function containerProblems(seen: ContainerSeen): Problem[] {
  const { node, container, data, config } = seen
  if (container.status === 'missing') return [notFound(node)]
  const out: Problem[] = []
  if (container.managedBy !== '')
    out.push({
      code: 'CONTAINER_MANAGED',
      what: `${node}: its container is looked after by ${container.managedBy}`,
      because:
        'whoever made it would make it again, of the version that it knows, over data that a newer one wrote: without a snapshot and without a way back',
      next: 'take the database out of there and run it by docker run, with the same name, mounts, networks and environment; then adopt it',
    })
  if (container.removesItself)
    out.push({
      code: 'CONTAINER_REMOVES_ITSELF',
      what: `${node}: its container is removed as soon as it ends (--rm)`,
      because: 'the container that serves now is what a way back starts again',
      next: 'make it again without --rm, then adopt it',
    })
  if (container.servedAs === '')
    out.push({
      code: 'DATA_NOT_MOUNTED',
      what: `${node}: ${data} is in none of the mounts of its container`,
      because: 'what a container keeps within itself dies with it',
      next: 'correct `data:` in the fleet file (docker inspect shows the mounts), or mount a folder for the data',
    })
  if (container.configAs === '' && seen.configRead)
    out.push({
      code: 'CONFIG_NOT_MOUNTED',
      what: `${node}: ${config} is in none of the mounts of its container`,
      because: 'a copy of the server is given a configuration of its own in its place',
      next: 'correct `config:` in the fleet file, or mount the file into the container',
    })
  return out.map(problem => ({ ...problem, where: node }))
}

/** The same of a node that was surveyed. */
export const problemsOfContainer = (n: SurveyedNode, wish: Pick<Wish, 'profile'>): Problem[] =>
  n.facts.container
    ? containerProblems({
        node: n.node,
        container: n.facts.container,
        data: n.facts.container.data,
        config: n.facts.container.config,
        configRead: wish.profile === 'progressdb' || n.facts.configSha !== '',
      })
    : []

const notFound = (node: string): Problem => ({
  code: 'CONTAINER_NOT_FOUND',
  what: `${node}: there is no container of that name`,
  next: 'correct `docker: { container: … }`;  docker ps --all  shows them',
  where: node,
})

/** Who looks after it, by the labels that such tools leave; '' for nobody. Three JSON texts, as Docker writes them. */
export function managedBy(labels: string): string {
  const [compose, swarm, pod] = [...labels.matchAll(/"((?:[^"\\]|\\.)*)"|null/g)].map(found => found[1] ?? '')
  const shown = (text: string): string => printable(new Untrusted(text), 80)
  if (compose) return `docker compose (project ${shown(compose)})`
  if (swarm) return `docker swarm (service ${shown(swarm)})`
  return pod ? `Kubernetes (pod ${shown(pod)})` : ''
}
