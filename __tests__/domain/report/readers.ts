import { Window } from 'happy-dom'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import { unified } from 'unified'

/** A Markdown tree as far as these tests look at it. */
export type Tree = {
  type: string
  value?: string
  lang?: string | null | undefined
  children?: Tree[]
}

export const parseGfm = (page: string): Tree => unified().use(remarkParse).use(remarkGfm).parse(page)

/** Like GitHub: parsed, then bare links and addresses found in the text. */
export const readGfm = async (page: string): Promise<Tree> => {
  const reader = unified().use(remarkParse).use(remarkGfm)
  return reader.run(reader.parse(page))
}

export const nodesOf = (tree: Tree, type: string): Tree[] => [
  ...(tree.type === type ? [tree] : []),
  ...(tree.children ?? []).flatMap(child => nodesOf(child, type)),
]

export const textOf = (tree: Tree): string => tree.value ?? (tree.children ?? []).map(textOf).join('')

/** The runner's rules: a line that, trimmed, opens with `::name ...::`, and `##[name ...]` anywhere in a line. */
export const workflowCommands = (log: string): string[] =>
  log.split(/\r\n|[\n\r]/).filter(line => {
    const trimmed = line.trimStart()
    const modern = trimmed.startsWith('::') && trimmed.indexOf('::', 2) > 2
    const old = line.indexOf('##[')
    return modern || (old >= 0 && line.indexOf(']', old) > old)
  })

type Mermaid = { parse: (text: string) => Promise<{ diagramType: string }> }
let mermaid: Mermaid | undefined

/** Throws when GitHub's chart library cannot read it. It wants a browser's window for its sanitizer. */
export const readChart = async (chart: string): Promise<string> => {
  if (mermaid === undefined) {
    const window = new Window()
    Object.assign(globalThis, { window, document: window.document })
    mermaid = (await import('mermaid')).default
  }
  return (await mermaid.parse(chart)).diagramType
}
