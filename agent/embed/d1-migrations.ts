/**
 * Brings the catalogue's tables up to date, each migration exactly once, recorded the way wrangler records it
 * (`d1_migrations`), so that a database may change hands between the two.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrayError } from '../../shared/error.ts'

export interface Statement {
  readonly sql: string
  readonly values: readonly string[]
}

/** All of them or none; the rows of each. */
export type Batch = (statements: readonly Statement[]) => Promise<unknown[][]>

const ledger = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

const plain = (sql: string): Statement => ({ sql, values: [] })

/** Returns the names of those that were applied now. One that fails leaves nothing of itself. */
export async function applyMigrations(batch: Batch, directory: string): Promise<string[]> {
  const known = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  const [, rows = []] = await batch([plain(ledger), plain('SELECT name FROM d1_migrations')])
  const done = new Set(rows.map((row) => (row as { name: string }).name))
  refuseNewer(done, known)

  const missing = known.filter((name) => !done.has(name))
  for (const name of missing) {
    const statements = readFileSync(join(directory, name), 'utf8')
      .split('--> statement-breakpoint')
      .map((text) => text.trim())
      .filter((text) => text !== '')
    await batch([
      ...statements.map(plain),
      { sql: 'INSERT INTO d1_migrations (name) VALUES (?)', values: [name] },
    ])
  }
  return missing
}

function refuseNewer(done: Set<string>, known: string[]): void {
  const unknown = [...done].filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  throw new DrayError('config', 'start', `the state directory was written by a newer Dray (${unknown[0]})`, {
    hint: 'Use that version or a later one, or give another directory with --state-dir.',
  })
}
