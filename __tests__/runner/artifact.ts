import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'

export type Upload = {
  /** What the step's `with:` says; names as in actions/upload-artifact. */
  inputs: Record<string, string>
  workspace: string
  /** Where artifacts are kept, a folder for each. */
  artifacts: string
  say: (level: 'warning' | 'notice' | 'error', text: string) => void
}

type Found = { files: string[]; root: string }

const hidden = (path: string): boolean => path.split(sep).some(part => part.startsWith('.'))
const isGlob = (pattern: string): boolean => /[*?[]/.test(pattern)

/** The folder that a pattern searches: itself, or all of it before the first part with a wildcard. */
const searchPath = (pattern: string): string => {
  const parts = pattern.split(sep)
  const wild = parts.findIndex(isGlob)
  return wild < 0 ? pattern : parts.slice(0, wild).join(sep) || sep
}

const commonParent = (paths: string[]): string =>
  paths.reduce((shared, path) => {
    const [a, b] = [shared.split(sep), path.split(sep)]
    const differs = a.findIndex((part, i) => part !== b[i])
    return a.slice(0, differs < 0 ? a.length : differs).join(sep) || sep
  })

const filesBelow = (pattern: string, withHidden: boolean): string[] => {
  const found = isGlob(pattern) ? globSync(pattern) : existsSync(pattern) ? [pattern] : []
  const base = searchPath(pattern)
  return found
    .flatMap(path => (statSync(path).isDirectory() ? globSync(join(path, '**', '{*,.*}')) : [path]))
    .filter(path => statSync(path).isFile() && (withHidden || path === base || !hidden(relative(base, path))))
}

/** Files and the folder their names are relative to, by upload-artifact's rule of the least common ancestor. */
const find = (patterns: string[], workspace: string, withHidden: boolean): Found => {
  const full = (pattern: string): string => resolve(workspace, pattern)
  const wanted = patterns.filter(p => !p.startsWith('!')).map(full)
  const unwanted = new Set(
    patterns.filter(p => p.startsWith('!')).flatMap(p => filesBelow(full(p.slice(1)), true)),
  )
  const files = [...new Set(wanted.flatMap(p => filesBelow(p, withHidden)))]
    .filter(f => !unwanted.has(f))
    .sort()
  const searched = wanted.map(searchPath)
  const [only] = files
  if (files.length === 1 && only !== undefined && searched.length === 1 && searched[0] === only)
    return { files, root: dirname(only) }
  return {
    files,
    root:
      searched.length === 0
        ? workspace
        : commonParent(searched.map(p => (existsSync(p) && statSync(p).isFile() ? dirname(p) : p))),
  }
}

const digest = (files: string[]): string => {
  const sum = createHash('sha256')
  for (const file of files) sum.update(basename(file)).update(readFileSync(file))
  return sum.digest('hex')
}

/** Copies what `path` matches into the artifacts folder, as actions/upload-artifact uploads it. Throws where it fails. */
export const uploadArtifact = ({ inputs, workspace, artifacts, say }: Upload): Record<string, string> => {
  const name = inputs['name'] || 'artifact'
  if (/["':<>|*?\r\n\\/]/.test(name)) throw new Error(`The artifact name is not valid: ${name}`)
  const patterns = (inputs['path'] ?? '')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  if (patterns.length === 0) throw new Error('Input required and not supplied: path')
  const { files, root } = find(patterns, workspace, inputs['include-hidden-files'] === 'true')
  if (files.length === 0) {
    const text = `No files were found with the provided path: ${patterns.join('\n')}. No artifacts will be uploaded.`
    const policy = inputs['if-no-files-found'] || 'warn'
    if (policy === 'error') throw new Error(text)
    if (policy === 'warn') say('warning', text)
    return {}
  }
  const target = join(artifacts, name)
  if (existsSync(target)) {
    if (inputs['overwrite'] !== 'true')
      throw new Error(
        'Failed to CreateArtifact: an artifact with this name already exists on the workflow run',
      )
    rmSync(target, { recursive: true })
  }
  for (const file of files) {
    const copy = join(target, relative(root, file))
    mkdirSync(dirname(copy), { recursive: true })
    cpSync(file, copy)
  }
  return { 'artifact-id': '1', 'artifact-url': `file://${target}`, 'artifact-digest': digest(files) }
}
