import { tightest } from '../disk.ts'
import { bytes, clock, count, list, several, span, utc } from '../log.ts'
import type { NodeId } from '../node.ts'
import type { Plan, PlannedNode } from '../plan.ts'
import type { Inlines } from './inline.ts'
import { joined, table, toMarkdown } from './inline.ts'
import type { Rehearsed, ReportInput } from './input.ts'
import { rehearsalFigures } from './rehearsal.ts'

const maxRows = 30

const shortly = (names: NodeId[]): string =>
  names.length > 4 ? `${list(names.slice(0, 3))} and ${names.length - 3} more` : list(names)

/** Who goes when: the canary with its watch, then the waves. */
const course = (plan: Plan): string => {
  const [canary = [], ...others] = plan.waves
  const then = others.slice(0, 4).map(wave => `, then ${shortly(wave)}`)
  const more = others.length > 4 ? `, then ${several(others.length - 4, 'more wave')}` : ''
  const length = plan.policy.watch.watch + others.length * plan.policy.waveWatch
  const word = canary.length === 1 ? 'canary' : 'canaries'
  return `${word} ${shortly(canary)} for ${clock(plan.policy.watch.watch)}${then.join('')}${more}: ${clock(length)} of watching`
}

/** How often each node is out of service, and whether a lossy rollback would stop it. */
const price = (plan: Plan, rehearsed: Rehearsed | undefined): string => {
  if (rehearsed !== undefined) return 'each node once out of service'
  const all = plan.policy.rehearse === 'every-node' || plan.nodes.length === 1
  const often = all ? 'each node twice' : 'the canary twice, the others once'
  const goes = plan.policy.requireReversible ? 'it stops' : 'it goes on'
  return `${often} out of service (snapshot, upgrade); ${goes} if the rehearsal shows that a rollback would not keep data`
}

const goingBack = (plan: Plan): string => {
  const each = Object.entries(plan.notes.restores).map(([node, { name, age, writes }]) => {
    const held = writes === 'unknown' ? 'an unknown number of writes' : several(writes, 'write')
    return `${node} gets its checkpoint ${name} of ${clock(age)} ago and sets ${held} aside`
  })
  const nodes = shortly(plan.nodes.map(node => node.node))
  return each.length === 0
    ? `${nodes} back to ${plan.version}, data kept.`
    : `back to ${plan.version}: ${each.slice(0, 6).join('; ')}.`
}

/** What a person agrees to, and by when. */
export const approveLine = ({ plan, stopped, rehearsed }: ReportInput): Inlines => {
  if (plan === undefined) return ['nothing yet: there is no plan.']
  const until = stopped?.until === undefined ? '' : ` Approve before ${utc(stopped.until)}.`
  return [
    `${plan.mode === 'rollback' ? goingBack(plan) : `${course(plan)}; ${price(plan, rehearsed)}.`}${until}`,
  ]
}

/** The rehearsal's figures, or that there was none yet. */
export const rehearsedLine = (input: ReportInput): Inlines =>
  input.rehearsed === undefined
    ? ['not rehearsed yet: whether a rollback keeps data is known after the rehearsal on a copy.']
    : rehearsalFigures(input.rehearsed, input)

/** Where the digests come from, and what the notes announce as breaking. */
export const releaseLine = ({ plan }: ReportInput): Inlines => {
  if (plan === undefined) return ['unknown.']
  const { breaking, digestSource } = plan.notes
  const digests = [...new Set(plan.nodes.map(node => node.to.sha256))]
  const says =
    breaking.length === 0
      ? 'no breaking line in its notes'
      : `${several(breaking.length, 'breaking line')} in its notes: `
  const quoted = breaking
    .slice(0, 5)
    .map(line => `"${line}"`)
    .join(', ')
  const shas = joined(
    digests.slice(0, 4).map((sha): Inlines => [{ code: sha.slice(0, 12) }]),
    ', ',
  )
  return ['sha256 ', ...shas, ` from ${digestSource}; ${says}${quoted}${breaking.length > 5 ? ', …' : ''}.`]
}

/** The hash is the contract: it is what an approved run is given back as `plan-hash`. */
export const contractLine = ({ planHash }: ReportInput): Inlines => [
  { code: planHash === '' ? 'none' : planHash },
  '; it stops if anything in it has changed when it is carried out.',
]

const safeStops: Record<PlannedNode['safeStop'], string> = {
  drain: 'drained and quiet',
  'intake-wal': 'intake WAL and recovery on',
  'drain+intake-wal': 'drained and quiet, intake WAL and recovery on',
  'accepted-loss': 'NOT SAFE, accepted by accept-write-loss',
}

const row = (plan: Plan, node: PlannedNode): Inlines[] => {
  const wave = plan.waves.findIndex(names => names.includes(node.node))
  const counts = Object.entries(plan.notes.counts[node.node] ?? {}).map(([what, n]) => `${count(n)} ${what}`)
  const config = node.config.now === node.config.next ? 'unchanged' : 'changes with the binary'
  const place = wave === 0 && plan.mode === 'release' ? 'canary' : wave < 0 ? '–' : `wave ${wave + 1}`
  return [
    [node.node],
    [place],
    [`${node.from.version} → ${node.to.version}`],
    [safeStops[node.safeStop]],
    [node.checkpoint],
    [config],
    [counts.length === 0 ? 'unknown' : counts.join(', ')],
  ]
}

const nodesTable = (plan: Plan): string => {
  const shown = plan.nodes.slice(0, maxRows).map(node => row(plan, node))
  const more = plan.nodes.length - shown.length
  const head = ['node', 'goes as', 'version', 'stop', 'checkpoint', 'configuration', 'holds now']
  return `${table(head, shown)}${more > 0 ? `\n\nand ${several(more, 'more node')}` : ''}`
}

/** Everything the plan decided and took as given, for the part that folds away. */
export const planInFull = (plan: Plan): string => {
  const { notes, policy } = plan
  const disk = tightest(notes.disk)
  const lines: Inlines[] = [
    [`disk: ${bytes(disk.now)} needed now, ${bytes(disk.worst)} at worst, ${bytes(disk.free)} free`],
    [`when a watch cannot decide: ${policy.watch.onInconclusive}; rollback-data: ${policy.rollbackData}`],
    [
      `limits: start ${span(policy.startLimit)}, stop ${span(policy.stopLimit)}, disk reserve ${policy.diskReserve * 100} %`,
    ],
    [`switch: ${notes.switch ?? 'none'}`],
    ...(notes.leftAlone.length === 0
      ? []
      : [[`on ${plan.version} already and left alone: ${shortly(notes.leftAlone)}`]]),
    ...plan.assets
      .slice(0, maxRows)
      .map(
        (asset): Inlines => [
          { code: asset.name },
          ` ${asset.os}/${asset.arch} sha256 `,
          { code: asset.sha256 },
        ],
      ),
    ...notes.breaking.slice(5, 50).map(line => [`breaking: ${line}`]),
    [
      notes.defaults.length === 0
        ? 'no default was taken'
        : `defaults: ${notes.defaults.slice(0, 60).join(' · ')}`,
    ],
  ]
  return `${nodesTable(plan)}\n\n${lines.map(line => `- ${toMarkdown(line, 'start')}`).join('\n')}`
}
