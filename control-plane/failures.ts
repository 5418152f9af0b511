/**
 * What failed in the passes of a migration, as people ask for it. Causes and counts come from the causes' rows; whatever has to be looked for
 * is looked for in windows, so that nobody else waits for it: whoever asks goes on from where an answer ends.
 */
import type { Cause, Failure, FailureState } from '../shared/api/failures.ts'
import { publicKey } from '../shared/key.ts'
import { remedies } from '../shared/remedy.ts'
import type { FailureRow, Ids, Meant } from './failure-table.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'

/** Ids that are looked through in one go: some 20 ms. */
const window = 50_000

export interface Page {
  readonly failures: Failure[]
  /** From which id on to ask for more; null: there is no more. */
  readonly next: number | null
}

/** The most frequent first. */
export function causesOf(tables: MigrationTables, pass: PassRow): Cause[] {
  const isOver = tables.passes.wholeAfter(pass.number) !== null
  const causes = tables.failures.causes(pass.number).map((row): Cause => {
    const { id, code, form, message, objects, bytes, waived, firstAt, lastAt, samples } = row
    // A pass over everything has tried all of them again.
    const retried = isOver ? objects - waived : row.retried
    return {
      ...{ id: String(id), code, message, rest: form === null, remedy: remedies[code], objects, bytes },
      ...{ open: objects - retried - waived, retried, waived, firstAt, lastAt },
      samples: samples.map(publicKey),
    }
  })
  return causes.sort((a, b) => b.objects - a.objects)
}

/** Of those that are meant, from the id `from` on: at most `limit`, and perhaps none although there are more. */
export function failuresOf(
  tables: MigrationTables,
  pass: PassRow,
  asked: Meant,
  from: number,
  limit: number,
): Page {
  const { meant, retriedBy } = asMeant(tables, pass, asked)
  const ids = meant && partOf(tables.failureIds(pass), meant, from)
  if (!ids) return { failures: [], next: null }
  const rows = tables.failures.list(ids, meant, limit)
  const next = rows.length === limit ? rows.at(-1)!.id + 1 : ids.end
  return {
    failures: rows.map((row) => viewOf(row, retriedBy)),
    next: next < ids.all ? next : null,
  }
}

/** How many are meant, from the id `from` on. */
export function countOf(
  tables: MigrationTables,
  pass: PassRow,
  asked: Meant,
  from: number,
  most: number,
): { readonly n: number; readonly next: number | null } {
  const { meant } = asMeant(tables, pass, asked)
  if (!meant) return { n: 0, next: null }
  const { cause, prefix, text, ids: some } = asked
  const state = asked.state === 'not-waived' ? undefined : asked.state
  if (prefix === undefined && text === undefined && some === undefined) {
    const causes = causesOf(tables, pass).filter(({ id }) => cause === undefined || id === String(cause))
    return { n: causes.reduce((n, each) => n + each[state ?? 'objects'], 0), next: null }
  }
  const ids = partOf(tables.failureIds(pass), meant, from)
  if (!ids) return { n: 0, next: null }
  const n = tables.failures.count(ids, meant, most)
  return { n, next: n < most && ids.end < ids.all ? ids.end : null }
}

/** What is asked for, as it is in the rows: those that nobody has touched were tried again by a later pass over everything. Null: none is meant. */
function asMeant(
  tables: MigrationTables,
  pass: PassRow,
  asked: Meant,
): { readonly meant: Meant | null; readonly retriedBy: number | null } {
  const retriedBy = tables.passes.wholeAfter(pass.number)?.number ?? null
  if (retriedBy === null) return { meant: asked, retriedBy }
  if (asked.state === 'open') return { meant: null, retriedBy }
  return { meant: asked.state === 'retried' ? { ...asked, state: 'not-waived' } : asked, retriedBy }
}

/** A window of them, where they have to be looked for; null past the last. `all` is the end of all of them. */
function partOf(
  { first, end }: Ids,
  { cause, prefix, text, state }: Meant,
  from: number,
): (Ids & { readonly all: number }) | null {
  const at = Math.max(first, from)
  if (at >= end) return null
  const isFound = prefix === undefined && text === undefined && (state === undefined || cause !== undefined)
  return { first: at, end: isFound ? end : Math.min(end, at + window), all: end }
}

function viewOf(row: FailureRow, retriedBy: number | null): Failure {
  const { id, key, cause, code, message, bytes, at, waiver } = row
  const by = row.retriedBy ?? (waiver ? null : retriedBy)
  const state: FailureState = waiver ? 'waived' : by === null ? 'open' : 'retried'
  return {
    ...{ id, ...publicKey(key), cause: String(cause), code, message, bytes, at, state },
    ...{ retriedBy: by, waiver },
  }
}
