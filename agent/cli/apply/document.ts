/** The file of `dray apply`: read, held to its schema, and every fault named by its place in it. */
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import type * as z from 'zod'
import { applySchema, items, type Section, sections, type Wanted } from '../../../shared/api/apply.ts'
import { DrayError } from '../../../shared/error.ts'

export interface ApplyDocument {
  readonly wanted: Wanted
  /** `file:line` of what a path leads to, or of the nearest that there is. */
  at(...path: readonly PropertyKey[]): string
}

type Path = readonly PropertyKey[]

/** Most faults that are told at once. */
const most = 20

/** `name`: what the file is called in messages. Throws `usage`. */
export function readDocument(text: string, name: string): ApplyDocument {
  const lines = new LineCounter()
  // Later words of YAML 1.1, such as `no` for false, are names here.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const place = (offset: number) => `${name}:${lines.linePos(offset).line}`
  const [fault] = document.errors
  if (fault) {
    throw wrong(`${place(fault.pos[0])}: ${fault.message}`, 'Correct it: the file is to be YAML.')
  }
  const at = (...path: Path) => place(offsetOf(document.contents, path))
  const value = sectionsIn(() => document.toJS(), at())
  const parsed = applySchema.safeParse(value)
  if (!parsed.success) throw faults(parsed.error.issues, document.contents, place)
  refuseDoubles(parsed.data, value, at)
  return { wanted: parsed.data, at }
}

/** A section with nothing in it is one of no things. */
function sectionsIn(read: () => unknown, where: string): Record<string, unknown> {
  let value: unknown
  try {
    value = read() ?? {}
  } catch (error) {
    throw wrong(`${where}: ${(error as Error).message}`, 'Write less of it by aliases.')
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw wrong(`${where}: this is no list of sections`, `There are ${sections.join(', ')}.`)
  }
  return Object.fromEntries(Object.entries(value as object).map(([section, of]) => [section, of ?? {}]))
}

/** Two names may be one: https://s3.example.com and https://S3.example.com/. */
function refuseDoubles({ limits }: Wanted, given: Record<string, unknown>, at: ApplyDocument['at']): void {
  const names = Object.keys(given.limits ?? {})
  if (names.length === Object.keys(limits ?? {}).length) return
  throw wrong(`${at('limits')}: limits: two of these names are one endpoint`, 'Leave one of them out.')
}

function faults(
  issues: readonly z.core.$ZodIssue[],
  root: Node | null,
  place: (offset: number) => string,
): DrayError {
  const told = issues
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...issue.path, key] as Path, message: 'there is no such field' }))
        : [{ path: issue.path, message: messageOf(issue) }],
    )
    .map((fault) => ({ ...fault, offset: offsetOf(root, fault.path) }))
    .sort((a, b) => a.offset - b.offset)
  const lines = told.map(({ offset, path, message }) => `${place(offset)}: ${path.join('.')}: ${message}`)
  const [first = '', ...rest] = lines
  const more = rest.slice(0, most - 1)
  if (rest.length >= most) more.push(`and ${rest.length - most + 1} more`)
  return wrong(first, [...more, remedy(told[0]?.path ?? [])].join('\n  '))
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return `no name for this: ${issue.issues[0]?.message}`
  const { message } = issue
  if (issue.code === 'invalid_type' && /received undefined$/.test(message)) return 'this is missing'
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`
  return message.replace(/^Invalid input: /, '')
}

function remedy(path: Path): string {
  const [section, , field] = path
  const known = typeof section === 'string' && section in items ? (section as Section) : null
  if (known === null) return `There are ${sections.join(', ')}.`
  const fields = `A ${known.slice(0, -1)} has ${Object.keys(items[known].shape).join(', ')}.`
  if (field === 'source' || field === 'destination') {
    return 'A place is { connection: NAME, bucket: NAME, prefix: folder/ } or { path: /directory, site: NAME }.'
  }
  return `${fields} See docs/apply.md.`
}

/** Where it is; of a field that is not there, where the thing is that lacks it. */
function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root
  let offset = root?.range?.[0] ?? 0
  for (const name of path) {
    const pair: Pair | undefined = isMap(node)
      ? node.items.find(({ key }) => keyText(key) === String(name))
      : undefined
    const next = pair ? pair.value : (node as { items?: unknown[] } | null)?.items?.[Number(name)]
    const start = pair ? (pair.key as Node).range?.[0] : (next as Node | undefined)?.range?.[0]
    if (start === undefined) break
    offset = start
    node = next
  }
  return offset
}

const keyText = (key: unknown): string => String(isScalar(key) ? key.value : key)

const wrong = (message: string, hint: string) => new DrayError('usage', 'read the file', message, { hint })
