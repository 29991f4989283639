import type { Problem } from '../domain/errors.ts'
import type { Path } from './tree.ts'

/** A broken rule of the fleet file, at a path in the settings; the file's reader turns the path into `file:line:column`. */
export type Broken = Omit<Problem, 'where'> & { path: Path }

/** The message of a rule in one line. */
export const broken = (path: Path, code: string, what: string, next: string, because?: string): Broken =>
  because === undefined ? { path, code, what, next } : { path, code, what, because, next }
