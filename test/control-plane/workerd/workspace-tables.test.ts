import { getTableColumns, getTableName, is } from 'drizzle-orm'
import { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { describe, expect, it } from 'vitest'
import { exported, keptBack } from '../../../control-plane/routes/export.ts'
import { belongings } from '../../../control-plane/routes/workspace-deletion.ts'
import * as schema from '../../../control-plane/store/schema.ts'

const nameOf = (table: unknown) => getTableName(table as SQLiteTable)
const owned = Object.values(schema as Record<string, unknown>).filter(
  (table) => is(table, SQLiteTable) && 'workspaceId' in getTableColumns(table),
)

describe('every table of things that belong to a workspace', () => {
  it('is exported, or kept back on purpose', () => {
    const known = [...exported.map(({ table }) => nameOf(table)), ...keptBack]
    expect(known.toSorted()).toEqual(owned.map(nameOf).toSorted())
  })

  it('is emptied when the workspace is deleted', () => {
    const known = [...belongings.map((table) => nameOf(table)), 'migrations', 'audit']
    expect(known.toSorted()).toEqual(owned.map(nameOf).toSorted())
  })

  it('is exported by columns that it has', () => {
    for (const { table, columns, by } of exported) {
      const has = Object.keys(getTableColumns(table as SQLiteTable))
      expect(has).toEqual(expect.arrayContaining([...columns, by]))
    }
  })
})
