/** Keys and list indices from the top of a document to a value. */
export type Path = readonly (string | number)[]

/** The own member of a mapping or list, or `undefined`. */
export const member = (value: unknown, key: string | number): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined

export const valueAt = (root: unknown, path: Path): unknown => path.reduce<unknown>(member, root)

/** `/nodes/2/port`: a path as one word, for comparing. */
export const pointer = (path: Path): string => path.map(key => `/${key}`).join('')

/** `nodes.port`: the name of a setting, list indices left out. */
export const settingName = (path: Path): string => path.filter(key => typeof key === 'string').join('.')

const HOLE = Symbol('left out')

/** Takes one value out of a document, in place; its neighbours in a list keep their index until `withoutHoles`. */
export const take = (root: unknown, path: Path): void => {
  const parent = valueAt(root, path.slice(0, -1))
  const key = path.at(-1)
  if (key === undefined || typeof parent !== 'object' || parent === null) return
  if (Array.isArray(parent)) parent[Number(key)] = HOLE
  else Reflect.deleteProperty(parent, key)
}

/** Where a value of a shortened document stood in the original. */
export type Origin = (path: Path) => Path

/** A copy in which lists have closed up over what was taken. */
export const withoutHoles = (root: unknown): { value: unknown; origin: Origin } => {
  const indices = new Map<string, number[]>()
  const copy = (value: unknown, at: string): unknown => {
    if (Array.isArray(value)) {
      const left = value.flatMap((element, index) => (element === HOLE ? [] : [index]))
      indices.set(at, left)
      return left.map((index, position) => copy(value[index], `${at}/${position}`))
    }
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner, `${at}/${key}`)]))
  }
  const value = copy(root, '')
  const origin: Origin = path =>
    path.map((key, depth) =>
      typeof key === 'number' ? (indices.get(pointer(path.slice(0, depth)))?.[key] ?? key) : key,
    )
  return { value, origin }
}
