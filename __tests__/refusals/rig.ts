import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFleet, type Fleet } from '../local-fleet/fleet.ts'
import { rolloutYaml, type Tree } from '../local-fleet/rollout-yaml.ts'
import { type CompositeResult, runComposite } from '../runner/composite.ts'
import { buildRelease } from '../standin/release.ts'
import { actionFolder, engine, type Ran } from './engine.ts'
import { tinyDist } from './releases.ts'

/** One adopted fleet on v0.2.1, and the program that is asked to roll it out again and again. */
export type Rig = {
  dir: string
  action: string
  fleet: Fleet
  /** The fleet file of this use; `text` is taken as it stands. */
  file(overrides?: Tree | { text: string }): string
  /** `release v0.2.2` by hand, unless told otherwise. */
  release(use?: Use): Promise<Ran>
  /** The same through action.yml. */
  job(use?: Use): Promise<CompositeResult>
  close(): Promise<void>
}

export type Use = {
  tag?: string
  mode?: string
  fleet?: Tree | { text: string }
  /** The input `keys`; default the right ones. */
  keys?: string
  token?: string
  sshKey?: string
  env?: Record<string, string>
}

const isText = (overrides: Tree | { text: string }): overrides is { text: string } =>
  typeof overrides['text'] === 'string'

export type RigOptions = { nodes: number; messages?: number; home?: string }

export async function openRig({
  nodes,
  messages = 300,
  home = mkdtempSync(join(tmpdir(), 'refusals-')),
}: RigOptions): Promise<Rig> {
  const action = await actionFolder(join(home, 'action'))
  const release = await buildRelease({ version: '0.2.1' })
  const fleet = await createFleet({ dir: join(home, 'fleet'), nodes, release, messages, walOn: true })
  const dist = await tinyDist(join(home, 'dist', 'v0.2.2'), 'v0.2.2').then(() => join(home, 'dist'))
  const keys = `backend=${fleet.keys.probe}\nadmin=${fleet.keys.admin}\n`
  let files = 0
  const written = (name: string, text: string): string => {
    const file = join(home, `${(files += 1)}-${name}`)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  const file: Rig['file'] = (overrides = {}) =>
    written(
      'rollout.yml',
      isText(overrides)
        ? overrides.text
        : rolloutYaml(fleet, { releases: { directory: dist }, ...overrides }),
    )
  const call = (use: Use): string[] => [
    use.mode ?? 'release',
    ...(use.mode === 'adopt' ? [] : ['--tag', use.tag ?? 'v0.2.2']),
    '--config',
    file(use.fleet),
    '--keys',
    written('keys', use.keys ?? keys),
    ...(use.token === undefined ? [] : ['--token', written('token', use.token)]),
    ...(use.sshKey === undefined ? [] : ['--ssh-key', written('ssh-key', use.sshKey)]),
  ]
  const rig: Rig = {
    dir: home,
    action,
    fleet,
    file,
    release: (use = {}) => engine({ action, scratch: home, args: call(use), env: use.env ?? {} }),
    job: (use = {}) =>
      runComposite({
        actionDir: action,
        workspace: home,
        workDir: mkdtempSync(join(home, 'work-')),
        inputs: {
          tag: use.tag ?? 'v0.2.2',
          config: file(use.fleet).slice(home.length + 1),
          keys: use.keys ?? keys,
          ...(use.sshKey === undefined ? {} : { 'ssh-key': use.sshKey }),
        },
        env: { PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`, ...use.env },
      }),
    close: async () => {
      await fleet.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
  const adopted = await rig.release({ mode: 'adopt' })
  if (adopted.code !== 0) throw new Error(adopted.text)
  return rig
}
