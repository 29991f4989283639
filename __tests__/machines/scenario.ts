import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { builtAction } from '../action/built-action.ts'
import { type ByHand, byHand, TOKEN } from '../action/by-hand.ts'
import { QUICK } from '../action/scenario.ts'
import { type Given, type GitHubDouble, startGitHubDouble } from '../github/double.ts'
import { readNode } from '../local-fleet/checker.ts'
import { ready } from '../local-fleet/server-process.ts'
import type { Tree } from '../local-fleet/rollout-yaml.ts'
import { type Acknowledged, startWriter, type Writer } from '../local-fleet/writer.ts'
import { type CompositeOptions, type CompositeResult, startComposite } from '../runner/composite.ts'
import type { BuiltRelease } from '../standin/release.ts'
import {
  DATA,
  type FleetOptions,
  type MachineFleet,
  type MachineTruth,
  openMachines,
  truthOf,
  USER,
} from './fleet.ts'

/** A fleet of machines, a GitHub with its releases, clients that write, and whoever runs the product from outside. */
export type MachineScenario = {
  fleet: MachineFleet
  github: GitHubDouble
  writer: Writer
  at: (...parts: string[]) => string
  /** Writes the fleet file anew: what `init` found, where it was run, with short times. */
  configure: (over?: Tree) => void
  /** Runs `init` in a repository of its own, whose files lie in `at('repository')`. */
  init: (words: string[], o: { knownHosts: string; as: 'deploy' | 'admin' }) => Promise<ByHand>
  run: (inputs: Record<string, string>, options?: Partial<CompositeOptions>) => Promise<CompositeResult>
  /** As the engine's command line; `as`: with whose key. */
  byHand: (words: string[], as?: 'deploy' | 'admin') => Promise<ByHand>
  truth: () => Promise<MachineTruth[]>
  /** Asserts that `status` tells of each machine what its own tools show, and answers that. */
  status: () => Promise<{ truth: MachineTruth[]; said: ByHand }>
  /** Runs that GitHub knows; the first job is run 1. */
  runs: NonNullable<Given['runs']>
  secrets: Record<string, string>
  /** Stops the writer; acknowledged writes that are on no node. */
  missing: () => Promise<Acknowledged[]>
  end: () => Promise<void>
}

export type MachineScenarioOptions = Omit<FleetOptions, 'release'> & {
  runs: BuiltRelease
  releases: BuiltRelease[]
  config?: Tree
}

const DRAIN = { commands: { out: 'touch /home/deploy/drained', in: 'rm -f /home/deploy/drained' } }

export async function openMachineScenario(o: MachineScenarioOptions): Promise<MachineScenario> {
  const dir = mkdtempSync(join(tmpdir(), 'machine-scenario-'))
  const at = (...parts: string[]): string => join(dir, ...parts)
  const action = await builtAction()
  const fleet = await openMachines({ ...o, release: o.runs })
  const runs: MachineScenario['runs'] = []
  const github = await startGitHubDouble({
    runs,
    owner: 'progressdb',
    repo: 'ProgressDB',
    token: TOKEN,
    refs: ['0'.repeat(40)],
    releases: o.releases.map(r => ({
      tag: `v${r.version}`,
      files: { [r.archiveName]: readFileSync(r.archive), 'checksums.txt': r.checksums },
    })),
  })
  const keys = `backend=${fleet.keys.probe}\nadmin=${fleet.keys.admin}\n`
  writeFileSync(at('keys'), keys, { mode: 0o600 })
  mkdirSync(at('workspace', '.github'), { recursive: true })
  // names that only the user's own ssh configuration knows
  mkdirSync(at('.ssh'))
  writeFileSync(
    at('.ssh', 'config'),
    fleet.machines.map(m => `Host ${m.name}\n  HostName ${m.address}\n`).join(''),
  )
  const configure = (over: Tree = {}): void => {
    const found = at('repository', '.github', 'rollout.yml')
    const described: Tree = existsSync(found) ? parse(readFileSync(found, 'utf8')) : base(fleet)
    const settings = { ...described, ...MANNERS, ...o.config, ...over }
    writeFileSync(at('workspace', '.github', 'rollout.yml'), stringify(settings))
  }
  configure()
  const writer = startWriter({
    nodes: fleet.machines.map(m => ({ name: m.name, url: fleet.urlOf(m), drainMark: fleet.drainMark(m) })),
    key: fleet.keys.writer,
    rate: 10,
    obeyDrain: true,
    file: at('acknowledged.jsonl'),
  })
  let jobs = 0
  const truth = (): Promise<MachineTruth[]> => Promise.all(fleet.machines.map(m => truthOf(fleet, m)))
  const ask: MachineScenario['byHand'] = (words, as = 'deploy') =>
    byHand({ at, github, action, ssh: { key: fleet[as], knownHosts: fleet.knownHosts } }, words)
  return {
    fleet,
    github,
    writer,
    at,
    configure,
    init: (words, { knownHosts, as }) => {
      mkdirSync(at('repository'), { recursive: true })
      return byHand(
        { at, github, action, ssh: { key: fleet[as], knownHosts } },
        ['init', ...words],
        at('repository'),
      )
    },
    run: (inputs, options = {}) => {
      const workDir = at(`runner-${++jobs}`)
      mkdirSync(workDir)
      return startComposite({
        actionDir: action,
        workspace: at('workspace'),
        workDir,
        inputs: { keys, 'ssh-key': fleet.deploy, 'ssh-known-hosts': fleet.knownHosts, ...inputs },
        secrets: [fleet.keys.probe, fleet.keys.admin, TOKEN, fleet.deploy],
        machineEnvironment: {
          PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
          HOME: at(),
          LANG: 'C.UTF-8',
        },
        github: {
          api_url: github.url,
          repository: 'progressdb/ProgressDB',
          repository_owner: 'progressdb',
          token: TOKEN,
          run_id: String(jobs),
        },
        ...options,
      }).done
    },
    byHand: ask,
    runs,
    secrets: {
      backend: fleet.keys.probe,
      admin: fleet.keys.admin,
      token: TOKEN,
      'ssh-key': ownLines(fleet.deploy),
    },
    truth,
    status: async () => {
      const shown = await truth()
      const said = await ask(['status'])
      for (const [i, m] of fleet.machines.entries()) tells(said.summary, m.name, shown[i])
      return { truth: shown, said }
    },
    missing: async () => {
      await writer.stop()
      const gone = await Promise.all(
        fleet.machines.map(async m => {
          const writes = writer.acknowledged.filter(w => w.node === m.name)
          const live = await readNode(fleet.urlOf(m), fleet.keys.checker, writes)
          return writes.filter(w => !live.has(w.id))
        }),
      )
      return gone.flat()
    },
    end: async () => {
      await writer.stop()
      await github.close()
      await fleet.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Every machine is adopted, and runs what its release folder holds from now on. */
export async function adoptAll({ byHand: ask, fleet }: MachineScenario): Promise<void> {
  const adopted = await ask(['adopt', '--as', 'root', '--yes'], 'admin')
  expect(adopted.code, adopted.text).toBe(0)
  for (const m of fleet.machines) m.run('systemctl', 'restart', 'progressdb')
  await Promise.all(fleet.machines.map(m => ready(fleet.urlOf(m), 30_000)))
}

/** Of a private key; its first lines are those of every key of its kind. */
const ownLines = (key: string): string => key.split('\n').slice(2).join('\n')

/** A page's row of a machine against what `systemctl`, `readlink` and HTTP show. */
export function tells(page: string, name: string, shown: MachineTruth | undefined): void {
  const row =
    page.split('\n').find(line => line.startsWith(`| ${name} `) || line.startsWith(`| ${name} |`)) ?? ''
  expect(row, page).not.toBe('')
  const serves = shown !== undefined && shown.active === 'active' && shown.answers !== '' && !shown.drained
  if (serves) {
    expect(row).toContain(shown.answers)
    expect(shown.exe).toBe(shown.answers)
    expect(row).not.toMatch(/does not serve|unreachable|could not be looked at/)
  } else expect(row).toMatch(/does not serve|unreachable|could not be looked at/)
}

/** What no look at a machine can tell. */
const MANNERS: Tree = { ...QUICK, drain: DRAIN, rehearse: { memory: '100MB' } }

const base = (fleet: MachineFleet): Tree => ({
  profile: 'progressdb',
  repository: 'progressdb/ProgressDB',
  ssh: { user: 'deploy' },
  ...(fleet.kind === 'unit'
    ? {
        systemd: { unit: 'progressdb.service' },
        install: '/opt/progressdb',
        data: DATA,
        config: '/etc/progressdb/config.yaml',
      }
    : fleet.kind === 'user-unit'
      ? { systemd: { unit: 'progressdb.service', user: true }, ...USER }
      : { process: { env: { PROGRESSDB_ABORT_SECONDS: '0.2' } }, ...USER }),
  nodes: fleet.machines.map((m): Tree => ({ name: m.name, host: m.address, port: 8080 })),
})
