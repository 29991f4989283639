import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { uploadArtifact } from './artifact.ts'
import type { Log } from './log.ts'

export type Nested = {
  uses: string
  with: Record<string, string>
  step: string
  workspace: string
  artifacts: string
  /** Folder of a Node.js program that setup-node is to put on PATH. */
  nodeDir: string | undefined
  log: Log
}
export type NestedEffect = { outputs: Record<string, string>; path: string[] }

const INPUTS: Record<string, string[]> = {
  'actions/setup-node':
    'node-version node-version-file architecture check-latest registry-url scope token cache package-manager-cache cache-dependency-path mirror mirror-token always-auth'.split(
      ' ',
    ),
  'actions/upload-artifact':
    'name path if-no-files-found retention-days compression-level overwrite include-hidden-files archive'.split(
      ' ',
    ),
}

const setupNode = ({ nodeDir, with: inputs }: Nested): NestedEffect => {
  if ((inputs['node-version'] ?? '') === '') throw new Error('setup-node: node-version is empty')
  if (nodeDir === undefined || !existsSync(join(nodeDir, 'node')))
    throw new Error('setup-node: this runner has no Node.js to set up; give it nodeDir')
  return { outputs: { 'node-version': inputs['node-version'] ?? '', 'cache-hit': 'false' }, path: [nodeDir] }
}

/** Refused before any step runs: an action that this runner does not emulate. */
export const checkNested = (uses: string): void => {
  const [name = '', ref] = uses.split('@')
  if (INPUTS[name] === undefined)
    throw new Error(
      `uses: ${uses}: this runner emulates ${Object.keys(INPUTS).join(' and ')} and nothing else`,
    )
  if (ref === undefined || ref === '') throw new Error(`uses: ${uses}: Expected format {owner}/{repo}@{ref}`)
}

/** Does what the named action would have done, by name; its version is not looked at. Throws where it would fail. */
export const runNested = (nested: Nested): NestedEffect => {
  const { uses, log, step } = nested
  const name = uses.split('@')[0] ?? ''
  log.write(`##[group]Run ${uses}`)
  log.write('with:')
  for (const [key, value] of Object.entries(nested.with)) if (value !== '') log.write(`  ${key}: ${value}`)
  log.write('##[endgroup]')
  const unexpected = Object.keys(nested.with).filter(key => !INPUTS[name]?.includes(key.toLowerCase()))
  if (unexpected.length > 0)
    log.issue(
      'warning',
      step,
      `Unexpected input(s) '${unexpected.join("', '")}', valid inputs are ['${INPUTS[name]?.join("', '")}']`,
    )
  if (name === 'actions/setup-node') return setupNode(nested)
  const { workspace, artifacts } = nested
  const outputs = uploadArtifact({
    inputs: nested.with,
    workspace,
    artifacts,
    say: (level, text) => log.issue(level, step, text),
  })
  return { outputs, path: [] }
}
