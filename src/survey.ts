import { constants, copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import type { Clock } from './domain/clock.ts'
import { readServerConfig } from './config/server-config.ts'
import { compared } from './domain/comparison.ts'
import { type Problem, UserError } from './domain/errors.ts'
import { type Holding, working } from './domain/holder.ts'
import type { Lease, NodeId } from './domain/node.ts'
import { list } from './domain/log.ts'
import { breakingChanges } from './domain/release-notes.ts'
import type { Survey, SurveyedNode, SurveyedRelease } from './domain/survey.ts'
import { printable, Untrusted } from './domain/text.ts'
import type { MetricSource } from './metrics/source.ts'
import { type NodePort, StepFailed } from './node/port.ts'
import type { Probe } from './probe/probe.ts'
import type { Releases, ResolvedRelease } from './releases/port.ts'
import { asImage } from './survey-image.ts'

/** What a survey reads with. `dir` is a folder of ours for downloads. */
export type Surveyor = {
  config: Config
  nodes: ReadonlyMap<NodeId, NodePort>
  probe: Probe
  metrics: MetricSource
  releases: Releases
  /** Answers the image's problem, if one is required and missing, or holds another program. */
  image(release: SurveyedRelease): Promise<Problem[]>
  dir: string
  progress(what: string, done: number, of: number): void
  clock: Clock
  /** By node, which adoption this engine and fleet file would make of its unit; none for a plain process. */
  adoptions: ReadonlyMap<NodeId, string>
  /** GitHub's own address, as here: no page of any other server is linked to. */
  server: string
  /** What is known of the run behind a lease. */
  holding(lease: Lease): Promise<Holding>
  say(topic: string, text: string): void
}

/** Reads every node and, where one is asked for, the release. Changes nothing. Reports everything that is wrong, not the first. */
export async function survey(s: Surveyor, wanted: { tag: string; stop: AbortSignal }): Promise<Survey> {
  const found = await Promise.all(s.config.nodes.map(n => reached(s, n.name, wanted.stop)))
  const nodes = await Promise.all(found.flatMap(f => ('now' in f ? [heldBy(s, f)] : [])))
  const failed = found.flatMap(f => ('failure' in f ? [f] : []))
  const unreachable = compared(
    failed,
    nodes.map(n => n.node),
  )
  const { release, problems } = wanted.tag === '' ? { problems: [] } : await releaseOf(s, nodes, wanted)
  return {
    nodes,
    unreachable,
    problems,
    warnings: [...inTheClear(s.config), ...oneUser(s.config), ...outdated(s, nodes)],
    ...(release ? { release } : {}),
  }
}

const asRoot = ({ service }: Config): string =>
  service.kind === 'systemd' && service.scope === 'user' ? '' : ' --as root'

/** An adoption of another version, or from another fleet file, goes on to serve; what it guards with is older. */
function outdated({ adoptions, config }: Surveyor, nodes: SurveyedNode[]): string[] {
  const old = nodes.filter(
    ({ node, facts: { unit } }) => unit && unit.madeBy !== '' && unit.madeBy !== adoptions.get(node),
  )
  const names = old.map(n => n.node)
  return names.length === 0
    ? []
    : [
        `${list(names)}: adopted by another version of this product, or with other paths in the fleet file; adopt again when you can, which restarts nothing:  progressdb-rollout adopt ${names.join(' ')}${asRoot(config)}`,
      ]
}

/** What the convenience of a unit of one's own costs. */
const oneUser = ({ service }: Config): string[] =>
  service.kind === 'systemd' && service.scope === 'user'
    ? [
        'the units are of the user that drives the nodes: whoever breaks into a server can choose what is started next, and a rehearsal is not kept from the live data (systemd: { user: true })',
      ]
    : []

const inTheClear = ({ shell }: Config): string[] =>
  shell.kind === 'ssh' && shell.plainHttp
    ? ['requests and API keys travel to the nodes unencrypted; you accepted that (plain-http)']
    : []

async function heldBy(s: Surveyor, n: SurveyedNode): Promise<SurveyedNode> {
  if (n.now.lease === 'free') return n
  const lease = linked(n.now.lease, s.server)
  const seen = { ...n, now: { ...n.now, lease } }
  return working(lease) ? { ...seen, holding: await s.holding(lease) } : seen
}

/** The node says which page it is; a link to anywhere else is not shown. */
const linked = ({ run, ...lease }: Lease, server: string): Lease =>
  run?.server === server ? { ...lease, run } : lease

type Reached = SurveyedNode | Survey['unreachable'][number]

async function reached(s: Surveyor, id: NodeId, stop: AbortSignal): Promise<Reached> {
  const port = s.nodes.get(id)
  const config = s.config.nodes.find(n => n.name === id)
  if (!port || !config) throw new TypeError(`no port for ${id}`)
  try {
    const { now, facts } = await port.inspect()
    const target = { id, url: config.url }
    const server = readServerConfig(facts.configText)
    const base = { node: id, facts, intakeWal: server.intakeWal, drainRefused: await port.drainRefused() }
    // in a container the same folder has another path
    const elsewhere = otherData(id, facts.container?.servedAs ?? config.data, server.dataPath)
    if (typeof now.running !== 'object') {
      return {
        ...base,
        now,
        reports: 'unknown',
        why: 'it does not run',
        counts: undefined,
        problems: elsewhere,
      }
    }
    const ready = await s.probe.ready(target, stop)
    const asked = ready.ready ? await ask(s, target, stop) : { counts: undefined, problems: [] }
    return {
      ...base,
      ...asked,
      problems: [...elsewhere, ...asked.problems],
      now: { ...now, ready: ready.ready },
      reports: ready.version,
      why: ready.why,
    }
  } catch (error) {
    if (error instanceof StepFailed) return { node: id, failure: error.failure }
    throw error
  }
}

/** A checkpoint of a folder that the server does not use would prove nothing. */
function otherData(id: NodeId, configured: string, served: string | undefined): Problem[] {
  if (served === undefined || configured === '' || served === configured) return []
  return [
    {
      code: 'DATA_IS_ELSEWHERE',
      what: `${id}: its server keeps its data in ${printable(new Untrusted(served), 200)}, the fleet file says ${configured}`,
      next: 'write the same path in both: `data:` in the fleet file, `server.db_path` in the configuration of the server',
      where: id,
    },
  ]
}

/** Counts and every configured series, read once, so that a refused key or a misspelt name is found before anything starts. */
async function ask(
  s: Surveyor,
  target: { id: string; url: string },
  stop: AbortSignal,
): Promise<Pick<SurveyedNode, 'counts' | 'problems'>> {
  const missing = await s.metrics.missing(target, s.config.metrics, stop)
  const found = [...(await s.probe.refusedKeys(target, stop)), ...missing]
  try {
    return { counts: await s.probe.counts(target, stop), problems: found }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { counts: undefined, problems: [...error.problems, ...found] }
  }
}

type Wanted = { tag: string; stop: AbortSignal }

async function releaseOf(
  s: Surveyor,
  nodes: SurveyedNode[],
  wanted: Wanted,
): Promise<{ release?: SurveyedRelease; problems: Problem[] }> {
  const { service } = s.config
  // an image that is built apart is compared with no archive
  const needed = service.kind === 'docker' && service.program === 'none' ? [] : nodes
  const platforms = [
    ...new Map(needed.map(({ facts: { os, arch } }) => [`${os}/${arch}`, { os, arch }])).values(),
  ]
  try {
    const resolved = await s.releases.resolve(wanted.tag, platforms)
    const release = await downloaded(s, resolved, wanted.stop)
    const image = await s.image(release)
    if (service.kind !== 'docker') return { release, problems: image }
    const { images } = resolved
    return {
      release: await asImage({ service, ports: s.nodes, nodes, release, images, dir: s.dir }),
      problems: image,
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { problems: error.problems }
  }
}

async function downloaded(
  s: Surveyor,
  resolved: ResolvedRelease,
  stop: AbortSignal,
): Promise<SurveyedRelease> {
  const binaries: Record<string, string> = {}
  let digestSource = ''
  for (const { os, arch, name } of resolved.archives) {
    const progress = (done: number, of: number): void => s.progress(name, done, of)
    const fetched = await s.releases.fetchBinary(resolved, { os, arch }, { dir: s.dir, stop, progress })
    binaries[`${os}/${arch}`] = fetched.sha256
    await kept(fetched.file, join(s.dir, fetched.sha256))
    digestSource = fetched.digestSource
  }
  return {
    tag: resolved.tag,
    version: resolved.version,
    digestSource,
    assets: resolved.archives.map(({ name, sha256, os, arch }) => ({ name, sha256, os, arch })),
    binaries,
    breaking: breakingChanges(resolved.notes).map(line => printable(line, 200)),
  }
}

/** By its digest, for the steps that install it: they need no network. */
async function kept(file: string, as: string): Promise<void> {
  await copyFile(file, `${as}.new`, constants.COPYFILE_FICLONE)
  await rename(`${as}.new`, as)
}
