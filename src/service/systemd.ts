import type { UnitService } from '../config/config.ts'
import type { UnitServer } from './port.ts'

/** A unit of systemd. 143 is a server without a handler for TERM (ProgressDB 0.1), whose every acknowledged write is on disk by then. */
export const unitServer = ({ unit, scope }: UnitService): UnitServer => ({
  kind: 'systemd',
  unit,
  scope,
  cleanExits: ['0', '143'],
})
