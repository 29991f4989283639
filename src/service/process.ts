import type { ProcessService } from '../config/config.ts'
import type { ProcessServer } from './port.ts'

/** Variables that would lead a guest to the production's data or port whatever its configuration says. */
export const LEADS_AWAY = /(?:DB_PATH|DATA_DIR|ADDR|ADDRESS|PORT|LISTEN)$/

/**
 * A server that we start ourselves as a detached process. 143 is a server without a handler for TERM (ProgressDB 0.1), whose
 * every acknowledged write is on disk by then.
 */
export const processService = (config: ProcessService): ProcessServer => {
  const words = (env: [string, string][]): string[] => [
    ...env.map(([name, value]) => `env=${name}=${value}`),
    ...config.args.map(word => `arg=${word}`),
  ]
  const all = Object.entries(config.env)
  return {
    kind: 'process',
    words: words(all),
    stageWords: words(all.filter(([name]) => !LEADS_AWAY.test(name))),
    cleanExits: ['0', '143'],
  }
}
