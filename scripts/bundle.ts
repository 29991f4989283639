import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild'

/** What goes into `dist/`, by file name. */
export type Dist = Map<string, { text: string; executable: boolean }>
/** The program's first file, or a text that stands for it; both are resolved from the root of the repository. */
export type Entry = { file: string } | { text: string }

export const OLDEST_NODE = [22, 19] as const

/**
 * First lines of the bundle. Static imports run before it, so it is the bundle's rule that those are Node.js builtins
 * only, which every Node.js since 18 has; all else is loaded below it.
 */
const banner = (): string => {
  const [major, minor] = OLDEST_NODE
  return `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module'
{
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < ${major} || (major === ${major} && minor < ${minor})) {
    console.error('error  NODE_TOO_OLD  progressdb-rollout needs Node.js ${major}.${minor} or newer')
    console.error(\`       because this is Node.js \${process.versions.node}, \${process.execPath}\`)
    console.error('       next  run it with a newer one, or in a checkout of the repository: npm ci && npx . --help')
    process.exit(3)
  }
}
const require = __createRequire(import.meta.url)
`
}

/**
 * An ES import of `http` makes Node.js read every export of it, and with that load a second undici of its own; `require` does not.
 * And the toolkit's packages do nothing when they are loaded, so that a part of one which nobody uses need not be there.
 */
const quickStart: Plugin = {
  name: 'quick-start',
  setup: build => {
    build.onResolve({ filter: /^(node:)?https?$/ }, ({ path, kind, namespace }) =>
      kind === 'import-statement' && namespace === 'file'
        ? { path: path.replace('node:', ''), namespace: 'required' }
        : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('node:${path}')`,
    }))
    build.onResolve({ filter: /^@actions\// }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === quickStart) return undefined
      const found = await build.resolve(path, { kind, resolveDir, pluginData: quickStart })
      return { ...found, sideEffects: false }
    })
  },
}

const options = (root: string, entry: Entry): BuildOptions => ({
  absWorkingDir: root,
  ...('file' in entry
    ? { entryPoints: [entry.file] }
    : { stdin: { contents: entry.text, resolveDir: root, sourcefile: 'entry.ts', loader: 'ts' as const } }),
  outfile: 'dist/index.mjs',
  bundle: true,
  write: false,
  metafile: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  charset: 'utf8',
  legalComments: 'inline',
  loader: { '.sh': 'text', '.yml': 'text' },
  banner: { js: banner() },
  logLevel: 'silent',
  plugins: [quickStart],
})

const packageFolder = (input: string): string | undefined =>
  /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]

/** Folders of the packages that the bundle contains, relative to the root, in order. */
export const bundledPackages = (metafile: Metafile): string[] => {
  const folders = Object.keys(metafile.inputs).map(packageFolder)
  return [...new Set(folders.filter(folder => folder !== undefined))].toSorted((a, b) => (a < b ? -1 : 1))
}

/** Two copies of a package are two sets of connections, settings and faults: of undici there is one. */
const onlyOneUndici = (packages: string[]): void => {
  const copies = packages.filter(folder => folder.endsWith('node_modules/undici'))
  if (copies.length > 1)
    throw new Error(`the bundle contains undici ${copies.length} times: ${copies.join(', ')}`)
}

type Package = { name: string; version: string; license: string }

const readPackage = (folder: string): Package => {
  const { name, version, license }: Package = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return { name, version, license }
}

const licenceText = (folder: string): string => {
  const file = readdirSync(folder).find(name => /^(licen[cs]e|copying)(\.|$)/i.test(name))
  return file === undefined ? '' : readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim()
}

/** Name, version, licence and its whole text for every bundled package. Throws where a package states no licence. */
const licences = (root: string, packages: string[]): string => {
  const sections = packages.map(folder => {
    const { name, version, license } = readPackage(join(root, folder))
    if (!license) throw new Error(`${name} ${version} states no licence`)
    const text =
      licenceText(join(root, folder)) ||
      `(The package contains no licence text; its package.json says ${license}.)`
    return `${name} ${version}\n${license}\n\n${text}\n`
  })
  const head = 'dist/index.mjs contains the following packages.\n'
  return [head, ...sections].join(`\n${'-'.repeat(78)}\n\n`)
}

/** Only builtins may be imported statically: anything else would load before the banner can refuse. */
const onlyBuiltins = (metafile: Metafile): void => {
  for (const output of Object.values(metafile.outputs))
    for (const { path, kind, external } of output.imports)
      if (external === true && kind === 'import-statement' && !/^(node:)?[a-z_/]+$/.test(path))
        throw new Error(`the bundle imports ${path} from outside`)
}

/** Builds everything that `dist/` holds. The same sources and lock file give the same bytes. */
export const buildDist = async (root: string, entry: Entry): Promise<Dist> => {
  const result = await build(options(root, entry))
  const [output] = result.outputFiles ?? []
  if (output === undefined || result.metafile === undefined) throw new Error('esbuild wrote nothing')
  const packages = bundledPackages(result.metafile)
  onlyOneUndici(packages)
  onlyBuiltins(result.metafile)
  return new Map([
    ['index.mjs', { text: output.text, executable: true }],
    ['pick-node.sh', { text: readFileSync(join(root, 'src/pick-node.sh'), 'utf8'), executable: true }],
    ['THIRD_PARTY_LICENSES', { text: licences(root, packages), executable: false }],
  ])
}

/** How `folder` differs from what was built, one line a file; empty when it is byte for byte the same. */
export const differences = (dist: Dist, folder: string): string[] => {
  const present = existsSync(folder) ? readdirSync(folder) : []
  const wrong = [...dist].flatMap(([name, { text }]) => {
    if (!present.includes(name)) return [`dist/${name} is missing`]
    return readFileSync(join(folder, name), 'utf8') === text
      ? []
      : [`dist/${name} is not what the sources give`]
  })
  return [
    ...wrong,
    ...present.filter(name => !dist.has(name)).map(name => `dist/${name} is not built from anything`),
  ]
}
