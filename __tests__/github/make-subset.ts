/**
 * Writes `api.github.com.subset.json`: the few operations of GitHub's published description that this product uses, with
 * every schema they reach. The description comes from the npm package `@octokit/openapi` (MIT), far too big to depend on:
 *
 *   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
 *   node __tests__/github/make-subset.ts package/generated/api.github.com.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Description = {
  openapi: Json
  info: Json
  paths: Record<string, Record<string, Json>>
  components: Record<string, Record<string, Json>>
}

const KEEP: Record<string, string[]> = {
  '/repos/{owner}/{repo}/releases': ['get'],
  '/repos/{owner}/{repo}/releases/tags/{tag}': ['get'],
  '/repos/{owner}/{repo}/releases/{release_id}': ['get'],
  '/repos/{owner}/{repo}/releases/assets/{asset_id}': ['get'],
  '/repos/{owner}/{repo}/deployments': ['get', 'post'],
  '/repos/{owner}/{repo}/deployments/{deployment_id}': ['get'],
  '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses': ['get', 'post'],
  '/repos/{owner}/{repo}/actions/runs/{run_id}': ['get'],
}

/** Without examples, prose of schemas and GitHub's own annotations: none of them takes part in validation. */
const lean = (value: Json, key = ''): Json => {
  if (Array.isArray(value)) return value.map(item => lean(item))
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([name, inner]) => key === 'properties' || !isProse(name, inner))
  return Object.fromEntries(kept.map(([name, inner]) => [name, lean(inner, name)]))
}
const isProse = (name: string, value: Json): boolean =>
  name === 'example' ||
  name === 'examples' ||
  name.startsWith('x-') ||
  name === 'externalDocs' ||
  (name === 'description' && typeof value === 'string' && value.length > 60)

const referencesIn = (value: Json): string[] => {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  )
}

const reachable = (whole: Description, from: Json): Record<string, Record<string, Json>> => {
  const components: Record<string, Record<string, Json>> = {}
  const open = referencesIn(from)
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    const [, , kind = '', name = ''] = reference.split('/')
    const found = whole.components[kind]?.[name]
    if (found === undefined) throw new Error(`${reference} leads nowhere`)
    components[kind] ??= {}
    if (components[kind][name] !== undefined) continue
    components[kind][name] = kind === 'examples' ? {} : lean(found)
    open.push(...referencesIn(components[kind][name]))
  }
  return components
}

const [source] = process.argv.slice(2)
if (source === undefined) throw new Error('say where api.github.com.json is')
const whole: Description = JSON.parse(readFileSync(source, 'utf8'))
const paths = Object.fromEntries(
  Object.entries(KEEP).map(([path, methods]) => {
    const item = whole.paths[path]
    if (item === undefined) throw new Error(`${path} is not in the description`)
    return [
      path,
      lean(
        Object.fromEntries(
          Object.entries(item).filter(([key]) => methods.includes(key) || key === 'parameters'),
        ),
      ),
    ]
  }),
)
const subset = { openapi: whole.openapi, info: whole.info, paths, components: reachable(whole, paths) }
writeFileSync(join(import.meta.dirname, 'api.github.com.subset.json'), `${JSON.stringify(subset)}\n`)
