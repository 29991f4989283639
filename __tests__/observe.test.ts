import { describe, expect, test } from 'vitest'
import type { Clock } from '../src/domain/clock.ts'
import type { Reading } from '../src/domain/measurement.ts'
import { createObserver, type Machine, type ObservePorts } from '../src/observe.ts'
import type { Measured } from '../src/probe/block.ts'

/** A clock whose sleepers wake in order, as fast as the machine can. */
const virtualClock = (): Clock => {
  let now = 1_000_000
  return {
    now: () => now,
    sleep: async (ms, stop) => {
      if (stop?.aborted) return
      const wake = now + Math.max(0, ms)
      await new Promise(resolve => setImmediate(resolve))
      now = Math.max(now, wake)
    },
  }
}

const measured: Measured = {
  health: { of: 5, failed: 0, errors: 0 },
  version: 'v0.2.2',
  probes: [{ step: 'sign', of: 10, failed: 0, errors: 0 }],
  latency: { 3: 10 },
}
const free: Reading<number> = { is: 'value', value: 0.4 }

const ports = (machines: Record<string, string[]>) => {
  const asked: string[] = []
  const p: ObservePorts = {
    probe: { block: async target => (asked.push(`${target.id} ${target.url}`), measured) },
    metrics: { read: async () => ({ heap: { is: 'value', value: 7 } }) },
    machine: async (node): Promise<Machine> => ({ diskFree: free, process: machines[node]?.shift() ?? '' }),
    url: node => `http://${node}:8080`,
    clock: virtualClock(),
  }
  return { p, asked }
}

const plan = (p: ObservePorts, canary: string[], baseline: string[]) => {
  const from = p.clock.now()
  return { canary, baseline, from, to: from + 5_000, rate: 2, metrics: [] }
}
const never = new AbortController().signal

describe('one block', () => {
  test('measures both arms, each node once', async () => {
    const { p, asked } = ports({ a: ['1', '1'], b: ['2', '2'] })
    const wanted = plan(p, ['a'], ['b'])
    const block = await createObserver(p)(wanted, never)
    expect(block).toEqual({
      from: wanted.from,
      to: wanted.to,
      canary: [
        {
          node: 'a',
          ...measured,
          series: { heap: { is: 'value', value: 7 } },
          diskFree: free,
          restarted: false,
        },
      ],
      baseline: [
        {
          node: 'b',
          ...measured,
          series: { heap: { is: 'value', value: 7 } },
          diskFree: free,
          restarted: false,
        },
      ],
    })
    expect(asked.toSorted()).toEqual(['a http://a:8080', 'b http://b:8080'])
  })

  test.each([
    ['within the first block', ['1', '2'], [true]],
    ['between blocks', ['1', '1', '2', '2'], [false, true, false]],
    ['never', ['1', '1', '1'], [false, false]],
    ['not known once', ['1', '1', '', '1'], [false, false, false]],
    ['not known when it happened', ['1', '1', '', '2'], [false, false, true]],
  ])('a restart %s', async (_, processes, restarted) => {
    const { p } = ports({ a: [...processes] })
    const observe = createObserver(p)
    const seen = []
    for (const _ of restarted) seen.push((await observe(plan(p, ['a'], []), never)).canary[0]?.restarted)
    expect(seen).toEqual(restarted)
  })

  test('the restart of an upgrade is none: the node changed sides', async () => {
    const { p } = ports({ a: ['1', '1', '2', '2'] })
    const observe = createObserver(p)
    expect((await observe(plan(p, [], ['a']), never)).baseline[0]?.restarted).toBe(false)
    expect((await observe(plan(p, ['a'], []), never)).canary[0]?.restarted).toBe(false)
  })

  test('a stop asks nothing more', async () => {
    const { p } = ports({ a: ['1'] })
    const stop = new AbortController()
    stop.abort()
    const block = await createObserver(p)(plan(p, ['a'], []), stop.signal)
    expect(block.canary[0]).toMatchObject({ series: {}, diskFree: { is: 'noData', why: 'stopped' } })
  })
})
