import { expect } from 'vitest'
import type { Ran, Told } from './engine.ts'
import { footprint } from './footprint.ts'
import type { Rig } from './rig.ts'

/** Each error once, with what happened, and the next thing to do. */
export function wellSaid(errors: Told[]): void {
  for (const { code, what, next } of errors) {
    expect(what.length, `${code} says what`).toBeGreaterThan(10)
    expect(next.length, `${code} says what to do next`).toBeGreaterThan(10)
  }
  const said = errors.map(e => `${e.code} ${e.what}`)
  expect(said).toEqual([...new Set(said)])
}

/** Refused with exactly these problems, all of them in this one run, and no node shows a trace of it. */
export async function refused(rig: Rig, run: () => Promise<Ran>, codes: string[]): Promise<Told[]> {
  const before = footprint(rig.fleet)
  const ran = await run()
  expect(ran.errors.map(e => e.code).toSorted(), ran.text).toEqual(codes.toSorted())
  wellSaid(ran.errors)
  expect(ran.code, ran.text).toBe(3)
  expect(footprint(rig.fleet)).toEqual(before)
  return ran.errors
}
