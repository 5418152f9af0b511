/** The mirror's journal as tables. Keys are blobs: SQLite orders those by their bytes, and text would end at a NUL. */
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { DrayError } from '../../shared/error.ts'

/** Of the tables; another one is another program's. */
const version = 1

const tables = `
  -- A write that was begun, and not known to have ended alike on both sides.
  CREATE TABLE IF NOT EXISTS intents (seq INTEGER PRIMARY KEY, key BLOB NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL);
  -- Keys whose sides may differ. rev: another one each time it is found so. due: when it is looked at next.
  -- sure: before then a write that is late may still land. told: the control plane knows.
  CREATE TABLE IF NOT EXISTS dirty (
    key BLOB PRIMARY KEY, rev INTEGER NOT NULL, since INTEGER NOT NULL, due INTEGER NOT NULL, sure INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0, problem TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS dirty_due ON dirty (due);
  -- Keys that were deleted, while the new side may be behind the old.
  CREATE TABLE IF NOT EXISTS tombstones (key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
  -- One upload of the application's is one on each side; null: that side has none, or one that lacks parts.
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, key BLOB NOT NULL, old TEXT, new TEXT, begun INTEGER NOT NULL, checksum TEXT, ended INTEGER, answer TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS uploads_key ON uploads (key, id);
  -- Of parts whose ETags differ.
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (upload, number)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`

export interface Tables {
  readonly db: DatabaseSync
  /** Resolves when all that was committed before is on the disk. */
  sync(): Promise<void>
  close(): void
}

/**
 * A commit writes to the write-ahead log and does not wait for the disk; `sync` does, beside the event loop. Together they are what SQLite does by itself under
 * `synchronous = FULL`, which would hold up every request for as long as the disk takes. SQLite still waits where the log begins anew.
 */
export function openTables(file: string): Tables {
  const db = new DatabaseSync(file)
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY')
    const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (found !== 0 && found !== version)
      throw new DrayError('config', 'start', `${file} was written by another version of Dray (${found})`, {
        hint: 'Run that version, or let it drain: dray mirror status says when nothing is open and nothing is dirty.',
      })
    db.exec(tables)
    db.exec(`PRAGMA user_version = ${version}`)
    // There from the first commit until the database is closed.
    const log = openSync(`${file}-wal`, 'r+')
    return {
      db,
      sync: () =>
        new Promise((resolve, reject) => {
          fdatasync(log, (error) => (error ? reject(error) : resolve()))
        }),
      close() {
        fdatasyncSync(log)
        closeSync(log)
        db.close()
      },
    }
  } catch (error) {
    db.close()
    throw error
  }
}
