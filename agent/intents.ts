/**
 * The multipart uploads that this agent has begun, or was about to begin, and not ended: so that whoever comes after a crash
 * goes on with them, and none is left behind at the store without anybody knowing whose it is. An intent is stored before its
 * upload is made, since a store's list of uploads does not say who began them.
 *
 *   put       before CreateMultipartUpload
 *   created   the upload's id, right after
 *   drop      it was completed, or aborted
 *
 * One row an upload, however many parts it has: those are the store's to list.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import { type Boundaries, boundariesSchema } from '../shared/boundaries.ts'
import { DrayError } from '../shared/error.ts'
import { type Key, keyFromBytes, keyToBytes } from '../shared/key.ts'
import { type Pinned, pinnedSchema } from '../shared/large-object.ts'

export interface Intent {
  readonly key: Key
  readonly source: Pinned
  readonly boundaries: Boundaries
  /** A digest of what the upload is created with, which cannot be changed afterwards. */
  readonly metadata: string
  /** Milliseconds, by this machine's clock. */
  readonly begun: number
  /** Null until it is known. */
  readonly upload: string | null
}

/** Of one destination. */
export interface Intents {
  find(key: Key): Intent | null
  /** Durable when it returns. Takes the place of the key's earlier one. */
  put(intent: Intent): void
  created(key: Key, upload: string): void
  drop(key: Key): void
  all(): Intent[]
}

export interface IntentStore {
  /** `destination` names the location, always in the same words. */
  of(destination: string): Intents
  /** Whether an upload of this id was begun here, at whichever destination. */
  knows(upload: string): boolean
  /** Makes the file, before other threads of the agent open it too. */
  make(): void
  close(): void
}

const schemaVersion = 1
const rowSchema = z.object({
  key: z.instanceof(Uint8Array).transform((bytes) => keyFromBytes(bytes)),
  source: z.string().transform((text) => pinnedSchema.parse(JSON.parse(text))),
  boundaries: z.string().transform((text) => boundariesSchema.parse(JSON.parse(text))),
  metadata: z.string(),
  begun: z.number(),
  upload: z.string().nullable(),
})

/** Opened at its first use. */
export function openIntents(path: string): IntentStore {
  let opened: ReturnType<typeof open> | null = null
  const db = () => {
    opened ??= open(path)
    return opened
  }
  return {
    of: (destination) => ({
      find(key) {
        const row = db().find.get(destination, keyToBytes(key))
        return row === undefined ? null : rowSchema.parse(row)
      },
      put({ key, source, boundaries, metadata, begun, upload }) {
        const texts = [JSON.stringify(source), JSON.stringify(boundaries), metadata] as const
        db().put.run(destination, keyToBytes(key), ...texts, begun, upload)
      },
      created: (key, upload) => void db().created.run(upload, destination, keyToBytes(key)),
      drop: (key) => void db().drop.run(destination, keyToBytes(key)),
      all() {
        if (opened === null && !existsSync(path)) return []
        const rows = db().all.all(destination)
        return rows.map((row) => rowSchema.parse(row))
      },
    }),
    knows: (upload) => (opened !== null || existsSync(path)) && db().known.get(upload) !== undefined,
    make: () => void db(),
    close() {
      opened?.close()
      opened = null
    },
  }
}

function open(path: string) {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const db = new DatabaseSync(path)
    // FULL: an intent that a power cut forgets is an upload that nobody knows of.
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (user_version !== 0 && user_version !== schemaVersion) throw new Error(`version ${user_version}`)
    db.exec(`
      CREATE TABLE IF NOT EXISTS intent (
        destination TEXT NOT NULL, key BLOB NOT NULL, source TEXT NOT NULL, boundaries TEXT NOT NULL,
        metadata TEXT NOT NULL, begun INTEGER NOT NULL, upload TEXT, PRIMARY KEY (destination, key)
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = ${schemaVersion};
    `)
    const row = 'destination = ? AND key = ?'
    return {
      find: db.prepare(`SELECT * FROM intent WHERE ${row}`),
      put: db.prepare('INSERT OR REPLACE INTO intent VALUES (?, ?, ?, ?, ?, ?, ?)'),
      created: db.prepare(`UPDATE intent SET upload = ? WHERE ${row}`),
      drop: db.prepare(`DELETE FROM intent WHERE ${row}`),
      all: db.prepare('SELECT * FROM intent WHERE destination = ? ORDER BY key'),
      known: db.prepare('SELECT 1 FROM intent WHERE upload = ? LIMIT 1'),
      close: () => db.close(),
    }
  } catch (cause) {
    throw new DrayError('config', 'open the intents', `${path} cannot be used: ${(cause as Error).message}`, {
      hint: 'Make room in the state directory, or move that file away: unfinished uploads are then begun anew.',
      cause,
    })
  }
}
