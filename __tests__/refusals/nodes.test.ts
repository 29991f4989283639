import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Fleet, type FleetNode, startNode, stopNode } from '../local-fleet/fleet.ts'
import type { Tree } from '../local-fleet/rollout-yaml.ts'
import { freePorts } from '../local-fleet/server-process.ts'
import { buildRelease } from '../standin/release.ts'
import { refused } from './expect.ts'
import { openRig, type Rig } from './rig.ts'

// A busy machine takes ten times as long as an idle one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** What can be wrong with the nodes, their data and their keys, through the program itself. */

let rig: Rig
const after: (() => Promise<void> | void)[] = []

beforeAll(async () => void (rig = await openRig({ nodes: 2 })))
afterEach(async () => {
  for (const undo of after.splice(0).reverse()) await undo()
})
afterAll(async () => rig.close())

/** The fleet file's nodes, the second of them with other settings. */
const second = (fleet: Fleet, more: Tree): Tree => ({
  nodes: fleet.nodes.map(({ name, port }, i): Tree => ({ name, port, ...(i === 1 ? more : {}) })),
})
const folder = (): string => {
  const made = mkdtempSync(join(rig.dir, 'elsewhere-'))
  after.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}
const last = (): FleetNode => rig.fleet.nodes[1] ?? expect.fail('no second node')

describe('the server', () => {
  test('does not run, then runs again by hand: what the error says to do is what helps', async () => {
    await stopNode(last())
    const [stopped] = await refused(rig, () => rig.release(), ['NODE_STOPPED'])
    expect(stopped?.what).toContain('db-2')
    const looked = await rig.release({ mode: 'status' })
    expect(looked.code, looked.text).toBe(4)
    expect(looked.text).toMatch(/NODE_NOT_SERVING +db-2 does not serve: it does not run/)
    const { binary } = await buildRelease({ version: '0.2.1' })
    last().pid = (await startNode(last(), binary, rig.fleet.env)).pid
    const [stranger] = await refused(rig, () => rig.release(), ['NODE_RUNS_UNKNOWN'])
    expect(stranger?.because).toContain(`process ${last().pid}`)
    expect(stranger?.next).toContain('progressdb-rollout adopt db-2')
    const adopted = await rig.release({ mode: 'adopt' })
    expect(adopted.code, adopted.text).toBe(0)
    const plan = await rig.release({ mode: 'plan' })
    expect(plan.code, plan.text).toBe(0)
  })
  test('does not answer at its port', async () => {
    const [port = 0] = await freePorts(1)
    const [told] = await refused(rig, () => rig.release({ fleet: second(rig.fleet, { port }) }), [
      'NODE_NOT_READY',
    ])
    expect(told?.what).toContain('connection refused')
  })
  test('was never adopted', async () => {
    const install = folder()
    cpSync(last().config, join(install, 'config.yaml'))
    const [told] = await refused(rig, () => rig.release({ fleet: second(rig.fleet, { install }) }), [
      'NODE_NOT_ADOPTED',
    ])
    expect(told?.next).toContain('adopt')
  })
})

describe('the data folder', () => {
  /** The fleet file and the server's own configuration name the same folder. */
  const data = (path: string): Tree => {
    const config = join(folder(), 'config.yaml')
    writeFileSync(config, readFileSync(last().config, 'utf8').replace(last().data, path), { mode: 0o600 })
    return second(rig.fleet, { data: path, config })
  }
  test('is not the one that the server uses: one error, whatever lies there', async () => {
    const path = join(folder(), 'data')
    const use = { fleet: second(rig.fleet, { data: path }) }
    const [told] = await refused(rig, () => rig.release(use), ['DATA_IS_ELSEWHERE'])
    expect(told?.what).toContain(path)
    expect(told?.what).toContain(last().data)
  })
  test.each([
    ['is missing', (_: string): void => {}, 'no such folder'],
    ['is empty', (path: string) => mkdirSync(path), 'is empty'],
    [
      'is not a database',
      (path: string) => {
        mkdirSync(path)
        writeFileSync(join(path, 'holiday.jpg'), 'x')
      },
      'not a ProgressDB database',
    ],
  ])('%s', async (_, make, because) => {
    const path = join(folder(), 'data')
    make(path)
    const [told] = await refused(rig, () => rig.release({ fleet: data(path) }), ['DATA_NOT_FOUND'])
    expect(told?.because).toContain(because)
  })
})

describe('the keys', () => {
  test('an admin key that the server does not know', async () => {
    const keys = `backend=${rig.fleet.keys.probe}\nadmin=no-such-key\n`
    const told = await refused(rig, () => rig.release({ keys }), ['KEY_REFUSED', 'KEY_REFUSED'])
    expect(told.map(t => t.because).join()).toContain('401')
    expect(JSON.stringify(told)).not.toContain('no-such-key')
  })
  test('a key of another role', async () => {
    const keys = `backend=${rig.fleet.keys.probe}\nadmin=${rig.fleet.keys.writer}\n`
    const told = await refused(rig, () => rig.release({ keys }), ['KEY_REFUSED', 'KEY_REFUSED'])
    expect(told.map(t => t.because).join()).toContain('403')
  })
  test('a backend key that the server does not know is found before anything is written', async () => {
    const keys = `backend=no-such-key\nadmin=${rig.fleet.keys.admin}\n`
    const told = await refused(rig, () => rig.release({ keys }), ['KEY_REFUSED', 'KEY_REFUSED'])
    expect(told.map(t => t.what).toSorted()).toEqual([
      expect.stringMatching(/db-1 does not accept the backend key/),
      expect.stringMatching(/db-2 does not accept the backend key/),
    ])
  })
  test('a key that was not given', async () => {
    const [told] = await refused(rig, () => rig.release({ keys: `backend=${rig.fleet.keys.probe}\n` }), [
      'KEY_MISSING',
      'KEY_REFUSED',
      'KEY_REFUSED',
    ])
    expect(told?.next).toContain('admin=')
  })
})

test('a misspelt series is answered with the one that was meant, once for each node', async () => {
  const metrics = [{ name: 'goroutines', series: 'go_gorutines', max: 10_000 }]
  const told = await refused(rig, () => rig.release({ fleet: { metrics } }), [
    'SERIES_UNKNOWN',
    'SERIES_UNKNOWN',
  ])
  expect(told.map(t => t.next)).toEqual(['did you mean  go_goroutines?', 'did you mean  go_goroutines?'])
})

test('two nodes and the release are wrong: all three in one run', async () => {
  const [port = 0] = await freePorts(1)
  const nodes = rig.fleet.nodes.map(
    (n, i): Tree =>
      i === 0 ? { name: n.name, port } : { name: n.name, port: n.port, data: join(rig.dir, 'nowhere') },
  )
  const told = await refused(rig, () => rig.release({ tag: 'v9.9.9', fleet: { nodes } }), [
    'RELEASE_NOT_FOUND',
    'NODE_NOT_READY',
    'DATA_IS_ELSEWHERE',
  ])
  expect(told.map(t => t.what).join('\n')).toMatch(/v9\.9\.9[\s\S]*db-1[\s\S]*db-2/)
})
