import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type CompositeOptions, type CompositeResult, runComposite } from './composite.ts'
import type { StepResult } from './job.ts'

export type Workbench = {
  /** A path in this test's own folder, which holds `action`, `workspace` and `work`. */
  at: (...parts: string[]) => string
  /** Writes an action.yml with these steps (a YAML list); `head` stands before `runs:`. */
  options: (steps: string, rest?: Partial<CompositeOptions>, head?: string) => CompositeOptions
  run: (steps: string, rest?: Partial<CompositeOptions>, head?: string) => Promise<CompositeResult>
  step: (result: CompositeResult, id: string) => StepResult | undefined
}

/** A fresh folder for each test of the file, and short ways to run an action from it. Signals come fast. */
export const workbench = (): Workbench => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runner-test-'))
    for (const name of ['action', 'workspace', 'work']) mkdirSync(join(folder, name))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const at = (...parts: string[]): string => join(folder, ...parts)
  const options: Workbench['options'] = (steps, rest = {}, head = '') => {
    const indented = steps.trim().replaceAll('\n', '\n    ')
    const text = `name: t\ndescription: t\n${head}\nruns:\n  using: composite\n  steps:\n    ${indented}\n`
    writeFileSync(at('action', 'action.yml'), text)
    return {
      actionDir: at('action'),
      workspace: at('workspace'),
      workDir: at('work'),
      ladder: { interrupt: 400, terminate: 200 },
      env: { NODE: process.execPath },
      ...rest,
    }
  }
  const run: Workbench['run'] = (steps, rest, head) => runComposite(options(steps, rest, head))
  return { at, options, run, step: (result, id) => result.steps.find(one => one.id === id) }
}
