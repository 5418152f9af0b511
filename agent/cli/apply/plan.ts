/** What is to be done so that what is there becomes what is wanted. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { type Section, sections, type Wanted } from '../../../shared/api/apply.ts'
import { plural } from '../figures.ts'
import { type Known, nouns } from './nouns.ts'

/** Of each section that the file has. */
export type State = { readonly [S in Section]?: ReadonlyMap<string, Known<S>> }

export interface FieldChange {
  /** `filter.include`. */
  readonly field: string
  /** Undefined where there is none. */
  readonly before?: unknown
  readonly after?: unknown
}

export interface Change {
  readonly section: Section
  readonly id: string
  /** `impossible`: it differs in what never changes. */
  readonly action: 'create' | 'change' | 'keep' | 'delete' | 'impossible'
  readonly fields: readonly FieldChange[]
  /** As the file has it; null where it is to go. */
  readonly item: unknown
  /** That it is held to; 0 where it is to be made. */
  readonly revision: number
}

/** In the order in which it is done: what others name is made before them, and goes after them. */
export function planOf(wanted: Wanted, state: State, prune: boolean): Change[] {
  const changes: Change[] = []
  const deletions: Change[] = []
  for (const section of sections) {
    const items = wanted[section] as Record<string, unknown> | undefined
    if (!items) continue
    const known = (state[section] ?? new Map()) as ReadonlyMap<string, Known<Section>>
    for (const [id, item] of Object.entries(items)) {
      changes.push(changeOf(section, id, item, known.get(id) ?? null))
    }
    for (const [id, { item, revision }] of prune ? known : []) {
      if (Object.hasOwn(items, id)) continue
      deletions.push({ section, id, action: 'delete', fields: fieldsOf(item, {}), item: null, revision })
    }
  }
  return [...changes, ...deletions.reverse()]
}

function changeOf(section: Section, id: string, item: unknown, known: Known<Section> | null): Change {
  const { canonical, fixed = [] } = nouns[section]
  const form = (value: unknown) => (canonical ? (canonical as (value: unknown) => unknown)(value) : value)
  if (!known) return { section, id, action: 'create', fields: fieldsOf({}, form(item)), item, revision: 0 }
  const fields = fieldsOf(form(known.item), form(item))
  const isFixed = fields.some(({ field }) => fixed.includes(field.split('.')[0]!))
  const action = fields.length === 0 ? 'keep' : isFixed ? 'impossible' : 'change'
  return { section, id, action, fields, item, revision: known.revision }
}

/** Those in which the two differ. */
function fieldsOf(before: unknown, after: unknown, path: readonly string[] = []): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return []
  if (!isRecord(before) || !isRecord(after)) {
    // One that has come or gone is told by its parts.
    if (isRecord(before ?? after) && path.length > 0 && (before === undefined || after === undefined)) {
      return fieldsOf(before ?? {}, after ?? {}, path)
    }
    return [{ field: path.join('.'), before, after }]
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) => fieldsOf(before[name], after[name], [...path, name]))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const signs = { create: '+', change: '~', keep: '=', delete: '-', impossible: '!' } as const

/** Lines for people. */
export function planText(changes: readonly Change[]): string {
  return changes
    .flatMap((change) => [`${signs[change.action]} ${titleOf(change)}`, ...fieldLines(change)])
    .map((line) => `${line}\n`)
    .join('')
}

export const titleOf = ({ section, id }: Pick<Change, 'section' | 'id'>): string =>
  `${nouns[section].name} ${id}`

function fieldLines({ action, fields }: Change): string[] {
  if (action === 'delete') return []
  if (action === 'create') {
    // What is as usual goes without saying, and so does what a place is: its bucket or its path says it.
    const said = fields.filter(
      ({ field, after }) => !isNothing(after) && !/^(source|destination)\.kind$/.test(field),
    )
    return said.map(({ field, after }) => `    ${field}: ${text(after)}`)
  }
  return fields.map(({ field, before, after }) => `    ${field}: ${text(before)} → ${text(after)}`)
}

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (typeof value === 'object' && Object.keys(value).length === 0)

function text(value: unknown): string {
  if (value === undefined || value === null) return '(none)'
  if (typeof value === 'string') return value === '' || /\s/.test(value) ? JSON.stringify(value) : value
  return JSON.stringify(value)
}

/** `1 to create, 2 unchanged`. */
export function countsText(changes: readonly Change[]): string {
  const of = (action: Change['action']) => changes.filter((change) => change.action === action).length
  const said = [
    [of('create'), 'to create'],
    [of('change'), 'to change'],
    [of('delete'), 'to delete'],
    [of('impossible'), 'that cannot be changed'],
    [of('keep'), 'unchanged'],
  ] as const
  const parts = said.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))
  return parts.length === 0 ? plural(0, 'thing') : parts.join(', ')
}
