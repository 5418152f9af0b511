/**
 * Brings the catalogue's tables up to date, each migration exactly once, recorded the way wrangler records it
 * (`d1_migrations`), so that a database may change hands between the two.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Miniflare } from 'miniflare'
import { DrayError } from '../../shared/error.ts'

type Database = Awaited<ReturnType<Miniflare['getD1Database']>>

const ledger = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

/** Returns the names of those that were applied now. One that fails leaves nothing of itself. */
export async function applyMigrations(database: Database, directory: string): Promise<string[]> {
  const known = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  await database.prepare(ledger).run()
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
  const done = new Set(results.map((row) => row.name))
  refuseNewer(done, known)

  const missing = known.filter((name) => !done.has(name))
  for (const name of missing) {
    const statements = readFileSync(join(directory, name), 'utf8')
      .split('--> statement-breakpoint')
      .map((text) => text.trim())
      .filter((text) => text !== '')
    await database.batch([
      ...statements.map((text) => database.prepare(text)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
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
