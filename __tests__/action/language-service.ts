import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

export type Finding = { file: string; line: number; message: string }
/** Says what GitHub's own editor service finds wrong with a workflow or an action file. */
export type Validator = { validate: (file: string, text?: string) => Promise<Finding[]>; close: () => void }

type Diagnostic = { message: string; range: { start: { line: number } } }
type Service = { validate: (uri: string, text: string) => Promise<Diagnostic[]> }

const root = join(import.meta.dirname, '../..')

/** The service swallows its own exceptions and logs them: a logger that remembers makes them count. */
const WRAPPER = `
  import { registerLogger, validate as check } from '@actions/languageservice'
  import { TextDocument } from 'vscode-languageserver-textdocument'
  const raised = []
  const keep = message => { raised.push(String(message)) }
  registerLogger({ error: keep, warn: keep, info() {}, log() {} })
  export const validate = async (uri, text) => {
    raised.length = 0
    const found = await check(TextDocument.create(uri, 'yaml', 1, text))
    if (raised.length > 0) throw new Error(raised.join('\\n'))
    return found
  }`

/** The published package imports JSON without import attributes, which Node.js refuses; bundled it works. */
const bundleService = async (folder: string): Promise<Service> => {
  const outfile = join(folder, 'service.mjs')
  await build({
    stdin: { contents: WRAPPER, resolveDir: root },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
    logLevel: 'silent',
  })
  const service: Service = await import(pathToFileURL(outfile).href)
  return service
}

/** Opens the service. It remembers documents by address, so every call gives it a new one. */
export const openValidator = async (): Promise<Validator> => {
  const folder = mkdtempSync(join(root, 'node_modules/.service-'))
  const service = await bundleService(folder)
  let calls = 0
  const validate = async (
    file: string,
    text = readFileSync(join(root, file), 'utf8'),
  ): Promise<Finding[]> => {
    calls += 1
    const found = await service.validate(`file:///${calls}/${file}`, text)
    return found.map(({ message, range }) => ({ file, line: range.start.line + 1, message }))
  }
  return {
    validate,
    close: () => {
      if (existsSync(folder)) rmSync(folder, { recursive: true })
    },
  }
}
