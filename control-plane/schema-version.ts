/**
 * The tables of a Durable Object, brought up to date when it wakes under a newer version of the Worker, whatever it was in the middle of. Each
 * step is taken once, in order, in one transaction; a step that was released is never changed, only followed by another.
 */

export type Step = (sql: SqlStorage) => void
export type Row = Record<string, SqlStorageValue>
/** Runs a statement that writes, and counts the rows. */
export type Write = (query: string, ...values: SqlStorageValue[]) => void

/**
 * `steps`: from nothing to what this version works with. Throws where a newer version was here before: going back is not possible, and
 * nothing is changed.
 */
export function bringUpToDate(storage: DurableObjectStorage, part: string, steps: readonly Step[]): void {
  const { sql } = storage
  sql.exec(
    'CREATE TABLE IF NOT EXISTS schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID',
  )
  const [row] = sql.exec<{ version: number }>('SELECT version FROM schema WHERE part = ?', part).toArray()
  const version = row?.version ?? 0
  if (version === steps.length) return
  if (version > steps.length) {
    throw new Error(
      `the tables of ${part} are of version ${version}, this Worker knows ${steps.length}: deploy the newer one again`,
    )
  }
  storage.transactionSync(() => {
    for (const step of steps.slice(version)) step(sql)
    sql.exec('INSERT OR REPLACE INTO schema VALUES (?, ?)', part, steps.length)
  })
}

/** To a table that may have some of them already: what came before versions were counted did not say which. */
export function addColumns(sql: SqlStorage, table: string, columns: Readonly<Record<string, string>>): void {
  const rows = sql.exec<{ name: string }>(`PRAGMA table_info(${table})`).toArray()
  const known = new Set(rows.map(({ name }) => name))
  for (const [name, type] of Object.entries(columns)) {
    if (!known.has(name)) sql.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`)
  }
}
