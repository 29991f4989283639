import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Command } from '../src/domain/event.ts'
import type { NodePort } from '../src/node/port.ts'
import { initial, type Rollout } from '../src/domain/rollout.ts'
import { keepLeases } from '../src/refresh.ts'
import { observed } from './domain/retell/journal.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const holder = { process: 'p-1', who: '', run: '', host: '' }
const lease = { rollout: 'r-1', process: 'p-1', token: 7, left: 9000, parked: false, holder: '', doing: '' }
const holding = (...inFlight: Command[]): Rollout => ({
  ...initial,
  by: holder,
  nodes: { a: { seen: observed({ lease }), tries: 0, failing: 0, witnesses: {} } },
  inFlight: Object.fromEntries(inFlight.map(command => [command.id, command])),
})
const step = (what: Extract<Command, { kind: 'step' }>['step']): Command => ({
  id: 1,
  of: 'settle',
  kind: 'step',
  node: 'a',
  step: what,
})

/** What this process believes after one round in which the node says that its lease has another token, or none. */
const afterLosing = async (...beliefs: Rollout[]): Promise<{ asked: number; lost: boolean }> => {
  let asked = 0
  const [first, ...later] = beliefs
  const refresh: NodePort['refresh'] = async () => {
    asked += 1
    for (const belief of later) leases.follow(belief)
    return 'lost'
  }
  const refuse = (): never => {
    throw new Error('nothing but refresh is asked')
  }
  const node: NodePort = {
    id: 'a',
    refresh,
    inspect: refuse,
    drainRefused: refuse,
    lease: refuse,
    act: refuse,
    reach: refuse,
    published: refuse,
    serverLogs: refuse,
  }
  const clock = {
    now: () => 0,
    sleep: (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms)),
  }
  const leases = keepLeases({ nodes: new Map([['a', node]]), ttl: 3000, clock })
  let lost = false
  void leases.lost.then(() => (lost = true))
  if (first) leases.follow(first)
  await vi.advanceTimersByTimeAsync(1000)
  leases.end()
  return { asked, lost }
}

test('a lease that somebody else has is lost', async () => {
  expect(await afterLosing(holding())).toEqual({ asked: 1, lost: true })
})

test('a lease that this process is giving up is not refreshed', async () => {
  expect(await afterLosing(holding(step({ do: 'release' })))).toEqual({ asked: 0, lost: false })
  expect(await afterLosing(holding(step({ do: 'park', within: 60_000 })))).toEqual({ asked: 0, lost: false })
})

test('nor is it lost when it was given up while the node was asked', async () => {
  expect(await afterLosing(holding(), holding(step({ do: 'release' })))).toEqual({ asked: 1, lost: false })
})
