import * as z from 'zod/mini'
import { fleetSettings } from './fleet.ts'
import { hookSettings } from './hooks.ts'
import { safetySettings } from './safety.ts'
import { watchSettings } from './watch.ts'

/** The whole fleet file, as written (input) and with durations in ms, shares 0..1 and static defaults filled in (output). */
export const fileSchema = z.strictObject(
  { ...fleetSettings, ...watchSettings, ...safetySettings, ...hookSettings },
  'a mapping of settings, such as nodes: [db-1]',
)
export type FleetFile = z.output<typeof fileSchema>
export type NodeEntry = FleetFile['nodes'][number]
