/** What became of what, value by value. Pure. */
export interface Difference {
  /** Of the value, as in `windows.0.from`; empty: the whole. */
  readonly path: string
  /** Undefined: there was none, or there is none any more. */
  readonly before?: unknown
  readonly after?: unknown
}

/** In the order of the fields, those that are equal left out. `null` on a side: there was nothing. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const sides = [before, after].filter((side) => side !== null && side !== undefined)
  if (sides.length > 0 && sides.every(isPlain)) {
    const names = new Set(sides.flatMap((side) => Object.keys(side)))
    return [...names].flatMap((name) =>
      differences(fieldOf(before, name), fieldOf(after, name), path === '' ? name : `${path}.${name}`),
    )
  }
  return [
    {
      path,
      ...(before !== undefined && before !== null && { before }),
      ...(after !== undefined && after !== null && { after }),
    },
  ]
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const fieldOf = (value: unknown, name: string) => (isPlain(value) ? value[name] : undefined)
