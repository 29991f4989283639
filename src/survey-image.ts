import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerService } from './config/config.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { list } from './domain/log.ts'
import type { NodeId } from './domain/node.ts'
import type { SurveyedNode, SurveyedRelease } from './domain/survey.ts'
import { type NodePort, StepFailed } from './node/port.ts'
import type { BuiltImage } from './releases/port.ts'

/** `dir` is a folder of ours; `images` what the build recorded of those it made. */
export type Imaging = {
  service: ContainerService
  ports: ReadonlyMap<NodeId, NodePort>
  nodes: SurveyedNode[]
  release: SurveyedRelease
  images: BuiltImage[]
  dir: string
}

/**
 * The release as an image: every node's Docker is asked, with its own credentials, which digest the tag has, and all must answer the
 * same. That digest is what runs from then on; a tag may be moved, and a digest not. Throws `UserError`.
 */
export async function asImage(i: Imaging): Promise<SurveyedRelease> {
  const { release, service } = i
  const tag = tagOf(service, release.version)
  const name = `${service.image}:${tag}`
  const asked = await Promise.all(
    i.nodes.map(async n => ({ node: n.node, ...(await digestOn(i, n.node, tag)) })),
  )
  const refused = asked.flatMap(one => ('problem' in one ? [one.problem] : []))
  if (refused.length > 0) throw new UserError(...refused)
  const told = asked.flatMap(one => ('digest' in one ? [{ node: one.node, digest: one.digest }] : []))
  const [first] = told
  if (!first) return release
  const problems = [
    ...differing(name, told),
    ...notBuilt(name, first.digest, i.images),
    ...moved(i, first.digest),
  ]
  if (problems.length > 0) throw new UserError(...problems)
  await programs(i, first.digest)
  const compared =
    service.program === 'none'
      ? ''
      : `; ${service.program} in it is compared with the archive (${release.digestSource})`
  return {
    ...release,
    digestSource: `the registry, as ${list(told.map(one => one.node))} found ${name}${compared}`,
    binaries: Object.fromEntries(
      i.nodes.map(({ facts: { os, arch } }) => [`${os}/${arch}`, first.digest] as const),
    ),
  }
}

/** A tag has no plus sign. */
const tagOf = ({ tag }: ContainerService, version: string): string =>
  tag.replaceAll('{version}', version).replaceAll('{number}', version.replace(/^v/, '')).replaceAll('+', '_')

async function digestOn(
  { ports }: Imaging,
  node: NodeId,
  tag: string,
): Promise<{ digest: string } | { problem: Problem }> {
  try {
    return { digest: (await ports.get(node)?.published(tag)) ?? '' }
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error
    const { effect: _, kind: __, held: ___, ...problem } = error.failure
    return { problem }
  }
}

const differing = (name: string, told: { node: NodeId; digest: string }[]): Problem[] => {
  const digests = Map.groupBy(told, one => one.digest)
  return digests.size < 2
    ? []
    : [
        {
          code: 'IMAGE_DIFFERS',
          what: `the nodes do not find the same image under ${name}: ${[...digests].map(([digest, on]) => `${list(on.map(one => one.node))} ${digest.slice(0, 12)}…`).join(', ')}`,
          because: 'the tag was moved while they were asked, or a mirror is behind',
          next: 'wait until the registry has settled, then run again',
        },
      ]
}

const notBuilt = (name: string, digest: string, images: BuiltImage[]): Problem[] => {
  const built = images.find(image => image.name === name || image.name === `docker.io/${name}`)
  return built === undefined || built.digest === digest
    ? []
    : [
        {
          code: 'IMAGE_TAG_MOVED',
          what: `${name} is not the image that was built: the registry has sha256 ${digest.slice(0, 12)}…, the build pushed ${built.digest.slice(0, 12)}…`,
          because: 'somebody moved the tag since',
          next: 'find out who did; push the image again, or release under a new version',
        },
      ]
}

/** What is known under this version is that version. */
const moved = ({ nodes, release: { version } }: Imaging, digest: string): Problem[] =>
  nodes.flatMap(({ node, now }) => {
    const known = now.installed.find(r => r.version === version && r.sha256 !== digest)
    return known === undefined
      ? []
      : [
          {
            code: 'IMAGE_TAG_MOVED',
            what: `${node} knows another image as ${version}: sha256 ${known.sha256.slice(0, 12)}…, the registry has ${digest.slice(0, 12)}…`,
            because: 'the tag was moved since, or the image there came from no registry',
            next: 'release under a new version: one version is one image',
            where: node,
          },
        ]
  })

/** For the step that fetches the image on a node: by platform, the digest of the program that it must hold. Empty: nothing is compared. */
async function programs({ dir, service, release }: Imaging, digest: string): Promise<void> {
  const lines = Object.entries(release.binaries).map(([platform, sha256]) => `${platform} ${sha256}\n`)
  const file = join(dir, digest)
  await writeFile(`${file}.new`, service.program === 'none' ? '' : lines.join(''))
  await rename(`${file}.new`, file)
}
