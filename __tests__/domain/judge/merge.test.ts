import { expect, test } from 'vitest'
import { merge } from '../../../src/domain/judge/merge.ts'
import type { NodeBlock } from '../../../src/domain/measurement.ts'

const block = (node: string, more: Partial<NodeBlock> = {}): NodeBlock => ({
  node,
  health: { of: 2, failed: 1, errors: 0 },
  version: 'v1.0.0',
  probes: [],
  latency: { 3: 1 },
  series: {},
  diskFree: { is: 'value', value: 0.5 },
  restarted: false,
  ...more,
})

test('one block per node: counts added, the first failure and the last good reading kept', () => {
  const merged = merge([
    block('b', {
      probes: [{ step: 'sign', of: 3, failed: 1, errors: 0, limited: 1, firstFailure: { text: 'x', at: 9 } }],
    }),
    block('a', { series: { heap: { is: 'value', value: 1 } } }),
    block('b', {
      probes: [
        { step: 'sign', of: 2, failed: 1, errors: 1, firstFailure: { text: 'y', at: 4 } },
        { step: 'list', of: 1, failed: 0, errors: 0 },
      ],
      version: 'unknown',
      restarted: true,
    }),
    block('a', { series: { heap: { is: 'error', why: '503' } }, diskFree: { is: 'noData', why: '' } }),
  ])
  expect(merged.map(m => m.node)).toEqual(['a', 'b'])
  expect(merged[0]).toMatchObject({
    series: { heap: { value: 1 } },
    diskFree: { value: 0.5 },
    latency: { 3: 2 },
  })
  expect(merged[1]).toEqual({
    ...block('b'),
    health: { of: 4, failed: 2, errors: 0 },
    latency: { 3: 2 },
    restarted: true,
    probes: [
      { step: 'sign', of: 5, failed: 2, errors: 1, limited: 1, firstFailure: { text: 'y', at: 4 } },
      { step: 'list', of: 1, failed: 0, errors: 0 },
    ],
  })
})

test('merging what is merged changes nothing', () => {
  const once = merge([block('a'), block('b'), block('a')])
  expect(merge(once)).toEqual(once)
})
