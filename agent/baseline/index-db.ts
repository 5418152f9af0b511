/**
 * Which leaf holds what is known of which range: an interval map in SQLite. Its intervals are disjoint; a range that was
 * never written is in none. An interval may be narrower than its leaf, where a later leaf took a piece of the range over. Of two leaves that
 * speak for one range, that with the later listings is believed, whichever was written first.
 *
 * `shared`: what leaves are called where several agents keep them (shared-leaves.ts), and since when nothing refers to them (ms).
 *
 * Boundaries are stored so that SQLite's order of blobs is ours: the start as the empty blob, a key with a zero byte before it,
 * the end as the single byte 1.
 */
import { DatabaseSync } from 'node:sqlite'
import { type Key, keyFromBytes, keyToBytes } from '../../shared/key.ts'
import { compareRanges, isEmpty, type Range } from '../../shared/range.ts'

const schemaVersion = 1

/** The leaf of a range of which there are no rows, as listings have told. */
export const noLeaf = 0

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
      CREATE TABLE IF NOT EXISTS shared (
        name TEXT PRIMARY KEY, leaf INTEGER NOT NULL UNIQUE, orphaned INTEGER
      ) STRICT, WITHOUT ROWID;
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
  const greatest = db.prepare(`
    SELECT MAX(leaf) AS leaf FROM (
      SELECT leaf FROM interval WHERE leaf >= ? AND leaf < ? UNION ALL SELECT leaf FROM shared WHERE leaf >= ? AND leaf < ?
    )`)
  const named = db.prepare('SELECT leaf, orphaned FROM shared WHERE name = ?')
  const nameOf = db.prepare('SELECT name FROM shared WHERE leaf = ?')
  const name = db.prepare('INSERT OR REPLACE INTO shared (name, leaf) VALUES (?, ?)')
  const orphan = db.prepare('UPDATE shared SET orphaned = ? WHERE name = ?')
  const unname = db.prepare('DELETE FROM shared WHERE name = ?')

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

    /** The greatest number of a leaf from `first` on and below `end`; null where there is none. */
    greatest(first: number, end: number): number | null {
      return (greatest.get(first, end, first, end) as { leaf: number | null }).leaf
    },

    /** Whether there are rows of `range`, as far as is known. */
    knows(range: Range): boolean {
      for (const { leaf } of overlapping(range)) if (leaf !== noLeaf) return true
      return false
    },

    /** How many intervals overlap `range`, as far as `most`. */
    count(range: Range, most: number): number {
      let n = 0
      for (const _ of overlapping(range)) if (++n >= most) break
      return n
    },

    /**
     * Makes `leaves`, which are in order within `range`, all that is known of it, but for what listings have told that began after
     * `began`, and for what is known of `holes`, which rise. Returns the leaves, old and new, that nothing refers to any more. All of it or nothing.
     */
    replace(
      range: Range,
      leaves: readonly Interval[],
      began: number,
      holes: readonly Range[] = [],
    ): number[] {
      if (isEmpty(range)) return []
      const put = ({ range: { after, through }, leaf, began }: Interval) => {
        if (!isEmpty({ after, through })) insert.run(afterBlob(after), throughBlob(through), leaf, began)
      }
      db.exec('BEGIN IMMEDIATE')
      try {
        const clipped = [...overlapping(range)]
        /** What the new leaves do not speak for. */
        const spared: Range[] = [...holes]
        let hole = 0
        for (const { range: old, leaf, began: then } of clipped) {
          remove.run(afterBlob(old.after))
          if (begins(old, range))
            put({ range: { after: old.after, through: range.after }, leaf, began: then })
          if (ends(old, range))
            put({ range: { after: range.through, through: old.through }, leaf, began: then })
          if (then > began && then <= began + clocksApart) {
            put({ range: intersection(old, range), leaf, began: then })
            spared.push(old)
            continue
          }
          while (hole < holes.length && isBefore(holes[hole]!, old)) hole++
          for (let at = hole; at < holes.length && !isBefore(old, holes[at]!); at++)
            put({ range: intersection(old, holes[at]!), leaf, began: then })
        }
        const free = gaps(range, spared.sort(compareRanges))
        let at = 0
        for (const interval of leaves) {
          while (at < free.length && isBefore(free[at]!, interval.range)) at++
          for (let i = at; i < free.length && !isBefore(interval.range, free[i]!); i++)
            put({ ...interval, range: intersection(interval.range, free[i]!) })
        }
        const candidates = [...new Set([...clipped, ...leaves].map(({ leaf }) => leaf))]
        const orphans = candidates.filter((leaf) => referred.get(leaf) === undefined)
        db.exec('COMMIT')
        return orphans
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },

    shared: {
      /** The leaf of that name; null where it is not known. `orphaned`: since when nothing refers to it (ms). */
      find(shared: string): { leaf: number; orphaned: number | null } | null {
        const row = named.get(shared) as { leaf: number; orphaned: number | null } | undefined
        return row ?? null
      },
      nameOf: (leaf: number): string | null =>
        (nameOf.get(leaf) as { name: string } | undefined)?.name ?? null,
      name: (shared: string, leaf: number) => void name.run(shared, leaf),
      orphan: (shared: string, since: number | null) => void orphan.run(since, shared),
      forget: (shared: string) => void unname.run(shared),
    },

    /** Whether any interval refers to it. */
    refersTo: (leaf: number): boolean => referred.get(leaf) !== undefined,

    close: () => db.close(),
  }
}

/** Milliseconds: a listing that began so long after another was told by a clock that was wrong, and does not stand in the way for ever. */
const clocksApart = 24 * 3_600_000

export function intersection(a: Range, b: Range): Range {
  const after = a.after === null || (b.after !== null && b.after > a.after) ? b.after : a.after
  const through = a.through === null || (b.through !== null && b.through < a.through) ? b.through : a.through
  return { after, through }
}

/** Whether every key of `a` is before every key of `b`. */
const isBefore = (a: Range, b: Range) => a.through !== null && b.after !== null && a.through <= b.after

/** What of `range` is in none of `others`, which are in the order of their starts. */
function gaps(range: Range, others: readonly Range[]): Range[] {
  const parts: Range[] = []
  let rest = range
  for (const other of others) {
    if (isEmpty(intersection(rest, other))) continue
    if (begins(rest, other)) parts.push({ after: rest.after, through: other.after })
    if (!ends(rest, other)) return parts
    rest = { after: other.through, through: rest.through }
  }
  return isEmpty(rest) ? parts : [...parts, rest]
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
