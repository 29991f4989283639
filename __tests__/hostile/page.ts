import { nodesOf, readChart, readGfm, textOf, type Tree } from '../domain/report/readers.ts'

/** What GitHub makes of a page: its headings, tables, folds and charts, and everything that must not be in it. */
export type Shape = {
  headings: string[]
  /** Of each table: the widths of its rows. */
  tables: number[][]
  html: string[]
  charts: string[]
  links: string[]
  images: number
}

type WithUrl = Tree & { url?: string; depth?: number }

/** Throws where a chart cannot be drawn. */
export async function shapeOf(page: string): Promise<Shape> {
  const tree = await readGfm(page)
  const charts = nodesOf(tree, 'code').filter(block => block.lang === 'mermaid')
  const urls = (nodesOf(tree, 'link') as WithUrl[]).map(link => link.url ?? '')
  return {
    headings: nodesOf(tree, 'heading').map(heading => textOf(heading)),
    tables: nodesOf(tree, 'table').map(table => (table.children ?? []).map(row => row.children?.length ?? 0)),
    html: nodesOf(tree, 'html').map(node => node.value ?? ''),
    charts: await Promise.all(charts.map(chart => readChart(chart.value ?? ''))),
    links: urls,
    images: nodesOf(tree, 'image').length,
  }
}
