import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectEnd, openScenario, type Scenario } from '../action/scenario.ts'
import { serving } from '../action/ground-truth.ts'
import { type BuiltRelease, buildRelease } from '../standin/release.ts'
import { AWKWARD, HOSTILE_LABEL } from './fleet.ts'
import { type DockerHost, openDocker } from './host.ts'
import { publish } from './images.ts'

/*
 * Three servers in containers of a real Docker, their images in a real registry, behind a real HAProxy, and clients that write and read
 * all the time and try nothing again: no request may fail because a node was moved. The truth is what Docker and the servers themselves say.
 */

let host: DockerHost
let s: Scenario
let runs: BuiltRelease
let next: BuiltRelease
let bad: BuiltRelease

beforeAll(async () => {
  host = await openDocker()
  runs = await buildRelease({ version: '0.2.1' })
  next = await buildRelease({ version: '0.2.2' })
  bad = await buildRelease({ version: '0.2.3', faults: { slow: 400, faultsAfter: 12_000 } })
  for (const release of [runs, next, bad]) publish(host, release)
  const config = { canary: { watch: '15s' }, judge: { 'p95-floor': '100ms', 'min-samples': 3 } }
  s = await openScenario({ runs, releases: [runs, next, bad], host, balanced: true, config })
})
afterAll(async () => {
  await s?.end()
  await host?.close()
})

type Inspected = { Config: Record<string, unknown>; HostConfig: Record<string, unknown>; Mounts: unknown[] }
const inspected = (name: string): Inspected => JSON.parse(host.docker('inspect', name))[0]
/** Everything that somebody chose, as Docker tells it. */
const chosen = ({ Config, HostConfig, Mounts }: Inspected) => {
  const env: unknown = Config['Env']
  return {
    env: Array.isArray(env)
      ? env
          .map(String)
          .filter(entry => !entry.startsWith('MADE_FOR='))
          .toSorted((a, b) => (a < b ? -1 : 1))
      : env,
    command: [Config['Entrypoint'], Config['Cmd'], Config['User'], Config['WorkingDir']],
    restart: HostConfig['RestartPolicy'],
    memory: HostConfig['Memory'],
    ports: HostConfig['PortBindings'],
    // the label of a volume that is named later differs in a letter
    mounts: Mounts.map(mount => JSON.stringify({ ...Object(mount), Mode: '' })).toSorted(),
  }
}

const nothingLeft = (): void => {
  expect(host.docker('ps', '--all', '--format', '{{.Names}}')).not.toContain('rehearsal')
  expect(host.docker('network', 'ls', '--format', '{{.Name}}').split('\n').toSorted()).toEqual([
    'bridge',
    'host',
    'none',
  ])
  expect(existsSync('/tmp/owned')).toBe(false)
}

describe('containers', () => {
  test('are promoted to a good release, and are what they were but for the image', async () => {
    const before = ['db-1', 'db-2', 'db-3'].map(name => chosen(inspected(name)))
    const job = await s.run({ tag: 'v0.2.2' })
    expectEnd(job, 'success', { outcome: 'promoted', verdict: 'pass', version: 'v0.2.2', data: 'kept' })
    const { truth, said } = await s.status()
    expect(said.code).toBe(0)
    for (const node of truth) expect(node).toMatchObject(serving('v0.2.2'))
    expect(['db-1', 'db-2', 'db-3'].map(name => chosen(inspected(name)))).toEqual(before)
    const { Config } = inspected('db-1')
    expect(Config['Env']).toEqual(expect.arrayContaining([`AWKWARD=${AWKWARD}`, 'MADE_FOR=0.2.2']))
    expect(Config['Labels']).toMatchObject({
      hostile: HOSTILE_LABEL,
      'org.opencontainers.image.version': '0.2.2',
    })
    expect(Config['StopTimeout']).toBe(60)
    const words = [job.lines.join('\n'), said.text, said.summary]
    for (const text of words) expect(text).not.toContain('of two lines')
    expect(
      host
        .docker('ps', '--all', '--filter', 'status=running', '--format', '{{.Names}}')
        .split('\n')
        .toSorted(),
    ).toEqual(['db-1', 'db-2', 'db-3'])
    nothingLeft()
  })

  test('go back from a bad release, while the old one still serves elsewhere', async () => {
    const served = inspected('db-1')
    const job = await s.run({ tag: 'v0.2.3' })
    expectEnd(job, 'failure', {
      outcome: 'rolled-back',
      version: 'v0.2.2',
      data: 'kept',
      'reason-code': 'latency-higher',
    })
    const { truth } = await s.status()
    for (const node of truth) expect(node).toMatchObject(serving('v0.2.2'))
    // not one like it: the very container that served before
    expect(JSON.stringify(inspected('db-1').Config)).toBe(JSON.stringify(served.Config))
    expect(chosen(inspected('db-1'))).toEqual(chosen(served))
    nothingLeft()
  })

  test('go back by hand', async () => {
    const job = await s.run({ mode: 'rollback', reason: 'a test' })
    expectEnd(job, 'success', { outcome: 'rolled-back', version: 'v0.2.1' })
    const { truth } = await s.status()
    for (const node of truth) expect(node).toMatchObject(serving('v0.2.1'))
    nothingLeft()
  })

  test('failed no request, lost no acknowledged write, and nothing of the environment is written anywhere', async () => {
    const lost = await s.check(bad)
    expect(lost.missing).toEqual([])
    expect(lost.acknowledged).toBeGreaterThan(500)
    console.log(`${s.load?.requests()} requests, ${lost.acknowledged} acknowledged writes`)
    expect(s.load?.failures).toEqual([])
    const found = filesWith(s.at(), 'of two lines')
    expect(found).toEqual([])
  })
})

const filesWith = (folder: string, text: string): string[] => {
  try {
    return execFileSync('grep', ['-rl', '--exclude-dir=node_modules', text, folder], { encoding: 'utf8' })
      .trim()
      .split('\n')
  } catch {
    return []
  }
}
