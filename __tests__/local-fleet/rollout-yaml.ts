import { stringify } from 'yaml'
import type { Fleet } from './fleet.ts'

/** Plain data: what YAML can say. In overrides `null` removes a setting. */
export type Tree = { [key: string]: Tree | string | number | boolean | null | (Tree | string)[] }

/** A rollout file for a local fleet, with short times. `overrides` are merged into it, setting by setting. */
export function rolloutYaml(fleet: Fleet, overrides: Tree = {}): string {
  return stringify(merged(rolloutSettings(fleet), overrides))
}

function rolloutSettings(fleet: Fleet): Tree {
  const mark = `"${fleet.dir}/$NODE_NAME/drained"`
  return {
    profile: 'progressdb',
    repository: 'progressdb/ProgressDB',
    local: true,
    process: { env: fleet.env },
    install: `${fleet.dir}/{name}/install`,
    data: `${fleet.dir}/{name}/data`,
    nodes: fleet.nodes.map(({ name, port }) => ({ name, port })),
    canary: { nodes: 1, watch: '10s' },
    lease: { ttl: '10s' },
    drain: { commands: { out: `touch ${mark}`, in: `rm -f ${mark}` } },
  }
}

function merged(base: Tree, overrides: Tree): Tree {
  const result: Tree = { ...base }
  for (const [key, value] of Object.entries(overrides)) {
    const under = result[key]
    if (value === null) delete result[key]
    else result[key] = isTree(value) && isTree(under) ? merged(under, value) : value
  }
  return result
}

const isTree = (value: Tree[string] | undefined): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
