import { failure, type Reply } from './http.ts'

export type Page = { limit: number; before: string; after: string; anchor: string }
export type Pagination = {
  before_anchor: string
  after_anchor: string
  has_before: boolean
  has_after: boolean
  count: number
  total: number
}

/** The paging of the frontend calls: one reference at most, limit 1 to 1000, 50 when not given. */
export function frontendPage(query: URLSearchParams): Page | Reply {
  const page = adminPage(query)
  const references = [page.before, page.after, page.anchor].filter(reference => reference !== '')
  const invalid = (why: string) => failure(400, `invalid pagination: ${why}`)
  if (references.length > 1) return invalid('only one of anchor, before, after can be specified')
  if (!['', 'created_ts', 'updated_ts'].includes(query.get('sort_by') ?? ''))
    return invalid("sort_by must be 'created_ts' or 'updated_ts'")
  if (page.limit < 0) return invalid('limit cannot be negative')
  if (query.has('limit') && page.limit === 0) return invalid('limit must be at least 1')
  if (page.limit > 1000) return invalid('limit cannot exceed 1000')
  return { ...page, limit: page.limit || 50 }
}

/** The paging of the admin calls: taken as it comes, so that no limit means an empty list. */
export function adminPage(query: URLSearchParams): Page {
  const limit = /^-?\d+$/.test(query.get('limit') ?? '') ? Number(query.get('limit')) : 0
  return {
    limit,
    before: query.get('before') ?? '',
    after: query.get('after') ?? '',
    anchor: query.get('anchor') ?? '',
  }
}

/**
 * The window of `keys` (oldest first) that a page asks for, oldest first, and what it says of the rest. Without a
 * reference it is the newest.
 */
export function windowOf(keys: string[], page: Page): { keys: string[]; pagination: Pagination } {
  const [from, to] = bounds(keys, page)
  const found = keys.slice(from, to)
  return {
    keys: found,
    pagination: {
      before_anchor: found[0] ?? '',
      after_anchor: found.at(-1) ?? '',
      has_before: from > 0,
      has_after: to < keys.length,
      count: found.length,
      total: keys.length,
    },
  }
}

function bounds(keys: string[], { limit, before, after, anchor }: Page): [number, number] {
  const at = (key: string) => {
    const found = keys.findIndex(candidate => candidate >= key)
    return found < 0 ? keys.length : found
  }
  if (anchor !== '') return [Math.max(0, at(anchor) - limit), at(anchor) + limit + 1]
  if (before !== '') return [Math.max(0, at(before) - limit), at(before)]
  if (after !== '') {
    const start = keys[at(after)] === after ? at(after) + 1 : at(after)
    return [start, start + limit]
  }
  return [Math.max(0, keys.length - limit), keys.length]
}
