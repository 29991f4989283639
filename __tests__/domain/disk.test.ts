import { describe, expect, test } from 'vitest'
import {
  lacking,
  needBefore,
  needOfUpgrade,
  nodeDisk,
  shareRewritten,
  tightest,
} from '../../src/domain/disk.ts'
import type { Proof } from '../../src/domain/node.ts'
import { facts } from './survey.ts'

const GB = 1e9
const on = (checkpoint: 'reflink' | 'link' | 'copy') =>
  nodeDisk(facts({ bytes: 10 * GB, mutableBytes: GB, checkpoint, diskFree: 40 * GB, diskTotal: 100 * GB }))
const proof = (bytesBefore: number, bytesWritten: number): Proof => ({
  name: 'p',
  runs: [],
  bytesBefore,
  bytesAfter: bytesBefore,
  bytesWritten,
})

describe('before anything was measured', () => {
  test.each([
    ['reflink', 0, 10],
    ['link', 10 + 2, 22],
    ['copy', 10 + 20, 40],
  ] as const)('%s takes %d GB now and %d GB at worst', (mode, now, worst) => {
    expect(needBefore(on(mode))).toEqual({ now: now * GB, worst: worst * GB })
  })
})

describe('after the rehearsal', () => {
  test('what was written anew on the smallest copy is scaled to each node', () => {
    const proofs = { 'db-1': proof(2 * GB, GB) }
    expect(shareRewritten(proofs)).toBe(0.5)
    expect(needOfUpgrade(on('link'), proofs)).toBe((1 + 10 + 5) * GB)
  })
  test('the worst of the copies counts', () => {
    expect(shareRewritten({ a: proof(10, 1), b: proof(10, 7), c: proof(0, 5) })).toBe(0.7)
  })
  test('a rewrite that does not make the data larger still takes its space beside the checkpoint', () => {
    expect(needOfUpgrade(on('reflink'), { a: proof(GB, GB) })).toBe(10 * GB)
  })
  test('nothing measured is everything rewritten', () => {
    expect(shareRewritten({})).toBe(1)
    expect(shareRewritten({ a: proof(0, 0) })).toBe(1)
  })
})

test('the reserve stays free', () => {
  const disk = on('link')
  expect(lacking(disk, 30 * GB, 0.1)).toBe(0)
  expect(lacking(disk, 30 * GB + 1, 0.1)).toBe(1)
})

test('a fleet is as tight as its tightest node', () => {
  expect(tightest({ a: on('link'), b: { ...on('copy'), free: GB } })).toEqual({
    now: 30 * GB,
    worst: 40 * GB,
    free: GB,
  })
  expect(tightest({})).toEqual({ now: 0, worst: 0, free: 0 })
})
