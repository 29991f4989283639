import { readFileSync } from 'node:fs'
import type { Config } from './config/config.ts'
import { UserError } from './domain/errors.ts'

/** The certificates that nodes with https are checked against, where the fleet file names some. Throws `UserError`. */
export function authorities({ shell }: Config): { ca?: string } {
  if (shell.kind !== 'ssh' || shell.ca === undefined) return {}
  try {
    return { ca: readFileSync(shell.ca, 'utf8') }
  } catch (error) {
    throw new UserError({
      code: 'CA_NOT_READABLE',
      what: `the file with certificates, ${shell.ca}, cannot be read`,
      because: error instanceof Error && 'code' in error ? String(error.code) : 'unknown',
      next: 'correct `ssh.ca` in the fleet file: a path as seen from the folder of the run',
    })
  }
}
