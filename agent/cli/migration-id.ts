/**
 * The name by which the same command finds its migration again: a digest of what defines one. Order, spelling and
 * repetition of patterns do not matter. Changing this function orphans what users have unfinished.
 */
import { createHash } from 'node:crypto'
import type { NewMigration } from '../../shared/api/migrations.ts'
import type { Filter } from '../../shared/policy.ts'

export function migrationId(migration: NewMigration): string {
  const definition = canonical({ ...migration, filter: canonicalFilter(migration.filter) })
  return createHash('sha256').update(`dray 1\n${definition}`).digest('hex').slice(0, 16)
}

export function canonicalFilter(filter: Filter): Filter {
  const sorted = (globs: string[]) => [...new Set(globs)].sort()
  return { include: sorted(filter.include), exclude: sorted(filter.exclude), only: filter.only }
}

/** JSON whose objects have their members in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
