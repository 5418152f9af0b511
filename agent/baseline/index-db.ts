/**
 * Which leaf holds what is known of which range: an interval map in SQLite. Its intervals are disjoint; a range that was
 * never written is in none. An interval may be narrower than its leaf, where a later leaf took a piece of the range over.
 *
 * Boundaries are stored so that SQLite's order of blobs is ours: the start as the empty blob, a key with a zero byte before it,
 * the end as the single byte 1.
 */
import { DatabaseSync } from 'node:sqlite'
import { type Key, keyFromBytes, keyToBytes } from '../../shared/key.ts'
import { isEmpty, type Range } from '../../shared/range.ts'

const schemaVersion = 1

export interface Interval {
  readonly range: Range
  readonly leaf: number
  /** Milliseconds: when the listings began that the rows come from. */
  readonly began: number
}

interface Row {
  after: Uint8Array
  through: Uint8Array
  leaf: number
  began: number
}

export type IntervalIndex = ReturnType<typeof openIndex>

/** Throws where the file is no such index, or of another version. */
export function openIndex(path: string) {
  const db = new DatabaseSync(path)
  try {
    // NORMAL: a power cut may forget the last leaves, never mix them up; what is forgotten is proved again.
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (user_version !== 0 && user_version !== schemaVersion) throw new Error(`version ${user_version}`)
    db.exec(`
      CREATE TABLE IF NOT EXISTS interval (
        after BLOB PRIMARY KEY, through BLOB NOT NULL, leaf INTEGER NOT NULL, began INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS interval_leaf ON interval (leaf);
      PRAGMA user_version = ${schemaVersion};
    `)
  } catch (error) {
    db.close()
    throw error
  }
  const covering = db.prepare('SELECT * FROM interval WHERE after <= ? ORDER BY after DESC LIMIT 1')
  const following = db.prepare('SELECT * FROM interval WHERE after > ? AND after < ? ORDER BY after')
  const insert = db.prepare('INSERT INTO interval (after, through, leaf, began) VALUES (?, ?, ?, ?)')
  const remove = db.prepare('DELETE FROM interval WHERE after = ?')
  const referred = db.prepare('SELECT 1 FROM interval WHERE leaf = ? LIMIT 1')

  function* overlapping(range: Range): Generator<Interval> {
    const from = afterBlob(range.after)
    const first = covering.get(from) as Row | undefined
    if (first !== undefined && Buffer.compare(first.through, from) > 0) yield intervalOf(first)
    for (const row of following.iterate(from, throughBlob(range.through))) {
      yield intervalOf(row as unknown as Row)
    }
  }

  return {
    /** The first interval that overlaps `range`; null where nothing is known of it. */
    first(range: Range): Interval | null {
      for (const interval of overlapping(range)) return interval
      return null
    },

    /**
     * Makes `leaves`, which are in order within `range`, all that is known of it. Returns the leaves that nothing refers to
     * any more. All of it or nothing.
     */
    replace(range: Range, leaves: readonly Interval[]): number[] {
      if (isEmpty(range)) return []
      const put = ({ range: { after, through }, leaf, began }: Interval) => {
        if (!isEmpty({ after, through })) insert.run(afterBlob(after), throughBlob(through), leaf, began)
      }
      db.exec('BEGIN IMMEDIATE')
      try {
        const clipped = [...overlapping(range)]
        for (const { range: old, leaf, began } of clipped) {
          remove.run(afterBlob(old.after))
          if (begins(old, range)) put({ range: { after: old.after, through: range.after }, leaf, began })
          if (ends(old, range)) put({ range: { after: range.through, through: old.through }, leaf, began })
        }
        for (const interval of leaves) put(interval)
        const candidates = [...new Set(clipped.map(({ leaf }) => leaf))]
        const orphans = candidates.filter((leaf) => referred.get(leaf) === undefined)
        db.exec('COMMIT')
        return orphans
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },

    /** Whether any interval refers to it. */
    refersTo: (leaf: number): boolean => referred.get(leaf) !== undefined,

    close: () => db.close(),
  }
}

/** Whether `old` has keys before `range`. */
const begins = (old: Range, range: Range) =>
  range.after !== null && (old.after === null || old.after < range.after)

/** Whether `old` has keys past `range`. */
const ends = (old: Range, range: Range) =>
  range.through !== null && (old.through === null || old.through > range.through)

const afterBlob = (after: Key | null) => (after === null ? new Uint8Array(0) : keyBlob(after))
const throughBlob = (through: Key | null) => (through === null ? Uint8Array.of(1) : keyBlob(through))

function keyBlob(key: Key): Uint8Array {
  const blob = new Uint8Array(key.length + 1)
  blob.set(keyToBytes(key), 1)
  return blob
}

function keyOf(blob: Uint8Array): Key | null {
  return blob.length === 0 || blob[0] === 1 ? null : keyFromBytes(blob.subarray(1))
}

function intervalOf(row: Row): Interval {
  return { range: { after: keyOf(row.after), through: keyOf(row.through) }, leaf: row.leaf, began: row.began }
}
