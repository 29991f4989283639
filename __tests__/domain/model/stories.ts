import type { Request } from '../../../src/domain/event.ts'
import type { Choose } from './choose.ts'
import type { Nature } from './node.ts'
import { type Scenario, World } from './world.ts'

/** What a release can be like. */
export const good: Nature = {
  newStarts: true,
  newHolds: true,
  migrates: false,
  surprise: false,
  drain: true,
  supervised: false,
}
export const natures: Record<string, Nature> = {
  good,
  'without a drain': { ...good, drain: false },
  supervised: { ...good, supervised: true },
  'fails to start': { ...good, newStarts: false },
  'hides data': { ...good, newHolds: false },
  migrates: { ...good, migrates: true, supervised: true },
  'migrates, without a drain': { ...good, migrates: true, drain: false },
  'migrates by surprise': { ...good, migrates: true, surprise: true },
}

/** A world in which the release was promoted without any fault. */
export const promotedFirst = (choose: Choose, scenario: Scenario): World => {
  const world = new World(scenario, choose)
  world.faults = false
  world.job()
  world.faults = true
  return world
}

/** Jobs of one fleet, one after the other. */
export const stories: Record<string, { story: Partial<Request>[]; promoted?: boolean }> = {
  'stopped after the canary, then approved': { story: [{ stopAfter: 'canary' }, {}] },
  'stopped after the rehearsal, then approved': { story: [{ stopAfter: 'rehearse' }, {}] },
  'stopped after the canary, then settled': { story: [{ stopAfter: 'canary' }, { mode: 'recover' }] },
  'stopped after the canary, then rolled back by hand': {
    story: [{ stopAfter: 'canary' }, { mode: 'rollback', tag: 'v1.0.0' }],
  },
  'stopped after the canary, then rolled back by hand with its data': {
    story: [{ stopAfter: 'canary' }, { mode: 'rollback', tag: 'v1.0.0', rollbackData: 'restore' }],
  },
  'going back restores': { story: [{ rollbackData: 'restore' }] },
  'going back keeps': { story: [{ rollbackData: 'keep' }] },
  'rolled back by hand': { story: [{ mode: 'rollback', tag: 'v1.0.0' }], promoted: true },
  'rolled back by hand with its data': {
    story: [{ mode: 'rollback', tag: 'v1.0.0', rollbackData: 'restore' }],
    promoted: true,
  },
}
