import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/file.ts'
import { INPUTS } from '../../src/config/input-table.ts'
import { readInputs } from '../../src/config/inputs.ts'

type Step = { uses?: string; with?: Record<string, string>; 'timeout-minutes'?: number }
type Job = { steps: Step[]; concurrency?: unknown }

const folder = join(import.meta.dirname, '../../examples')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const jobsOf = (name: string): Job[] => {
  const jobs: Record<string, Job> = parse(read(name)).jobs
  return Object.values(jobs)
}
const workflows = readdirSync(folder).filter(name => name.endsWith('.yml') && name !== 'rollout.yml')
const usesOf = (name: string): Step[] =>
  jobsOf(name)
    .flatMap(job => job.steps)
    .filter(step => step.uses?.includes('/progressdb-rollout@'))

/** What stands for an expression here: the kind of value that it has on GitHub. */
const SAMPLES: Record<string, string> = {
  'github.ref_name': 'v0.2.2',
  'github.event.release.tag_name': 'v0.2.2',
  'inputs.tag': 'previous',
  'inputs.version': 'v0.2.2',
  'inputs.stop-after': 'none',
  'inputs.data': 'keep',
  'inputs.reason': 'slow reads',
  'inputs.mode': 'recover',
  'needs.goreleaser.outputs.artifacts': '[]',
  'needs.goreleaser.outputs.metadata': '{"tag":"v0.2.2"}',
  'needs.canary.outputs.plan-hash': 'a'.repeat(64),
  'secrets.PROGRESSDB_BACKEND_KEY': 'backend-secret',
  'secrets.PROGRESSDB_ADMIN_KEY': 'admin-secret',
}
const sampled = (text: string): string =>
  text.replace(/\$\{\{ *([^ }]+) *\}\}/g, (_, expression: string) => {
    const sample = SAMPLES[expression]
    if (sample === undefined) throw new Error(`no sample for ${expression}`)
    return sample
  })

describe('the examples', () => {
  test('are the workflows that the README names', () => {
    expect(workflows.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'recover.yml',
      'release-by-hand.yml',
      'release-with-approval.yml',
      'release.yml',
      'rollback.yml',
      'status.yml',
    ])
  })

  test.each(workflows)('%s gives the action inputs that it has and accepts', name => {
    const uses = usesOf(name)
    expect(uses.length).toBeGreaterThan(0)
    for (const { with: given = {} } of uses) {
      expect(Object.keys(given).filter(key => !INPUTS.some(input => input.name === key))).toEqual([])
      const inputs = readInputs(input => (given[input] === undefined ? undefined : sampled(given[input])))
      expect(inputs.keys).toEqual({ backend: 'backend-secret', admin: 'admin-secret' })
    }
  })

  test.each(workflows)(
    '%s: the step has no time limit of its own, which would leave no time to settle',
    name => {
      expect(usesOf(name).filter(step => step['timeout-minutes'] !== undefined)).toEqual([])
    },
  )

  test.each(['rollback.yml', 'recover.yml', 'status.yml'])('%s queues behind nothing', name => {
    for (const job of jobsOf(name)) expect(job.concurrency).toBeUndefined()
    expect(parse(read(name)).concurrency).toBeUndefined()
  })

  test('rollout.yml is a fleet of three nodes in at most twelve lines', () => {
    const text = read('rollout.yml')
    expect(text.split('\n').filter(line => line !== '' && !line.startsWith('#')).length).toBeLessThanOrEqual(
      12,
    )
    const config = parseConfig(text, 'rollout.yml')
    expect(config.nodes.map(node => node.name)).toEqual(['db-1', 'db-2', 'db-3'])
    expect(config.canary).toEqual(['db-1'])
    expect(new Set(config.nodes.flatMap(node => [node.install, node.data, node.url])).size).toBe(9)
  })
})
