/**
 * Compares three ways: the side where the application writes now (it leads: L), the side that follows it (F), and the baseline's row of the
 * key, which says what both were when they were last equal. So a write at F that is not ours is told from one of ours, which it never is
 * without the row. Pure.
 *
 *   with a row           F unchanged       F changed               F has nothing
 *   L unchanged          usual             equal, or conflict      conflict
 *   L changed            usual             equal, or conflict      conflict
 *   L has nothing        usual             conflict                nothing to do; the row goes
 *
 *   without a row        F has something           F has nothing
 *   L has something      equal, or conflict        usual
 *   L has nothing        conflict                  -
 *
 * `usual`: as a pass without a third side would: what L has is copied, what it has no more is deleted where the policy says so.
 * `equal, or conflict`: nothing but a proof that both are equal lets the row be written anew. A conflict is told, and F is left as it is.
 *
 * Unchanged means written by nobody since: a LastModified that moved under an equal ETag is a write, whose metadata or whose intention
 * may be another's.
 */
import type { BaselineRow, Side } from '../baseline/row.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { sameMtime } from './mtime.ts'

export type ThreeWay = 'usual' | 'equal-or-conflict' | 'conflict' | 'nothing'

export interface Three {
  readonly leading: Entry | null
  readonly following: Entry | null
  /** Its `source` is what the leading side was. */
  readonly row: BaselineRow | null
  /** Of the following side. */
  readonly tokens: Storage['tokens']
}

export function threeWay({ leading, following, row, tokens }: Three): ThreeWay {
  if (!following) return row ? (leading ? 'conflict' : 'nothing') : 'usual'
  if (row && isUnwritten(following, row.destination, tokens)) return 'usual'
  // A link or a device is nothing that a row could tell of, and nothing that Dray writes over here.
  return leading && following.kind === 'object' ? 'equal-or-conflict' : 'conflict'
}

/** Whether nobody has written it since; as far as times are known. */
export function isUnwritten(entry: Entry, was: Side, tokens: Storage['tokens']): boolean {
  if (entry.kind !== 'object' || entry.token !== was.token || entry.size !== was.size) return false
  if (was.mtime === null) return true
  return tokens === 'md5' ? isSecond(entry.mtime, was.mtime) : sameMtime(entry.mtime, was.mtime)
}

/** A store's HEAD says seconds where its listing may say more. */
function isSecond(a: number, b: number): boolean {
  if (a === b) return true
  return (a % second === 0 || b % second === 0) && Math.floor(a / second) === Math.floor(b / second)
}
const second = 1_000_000

/** What both sides are called by whoever defined the migration. */
export interface Names {
  readonly leading: string
  readonly following: string
}

/** What is told of a conflict: what was found at both sides, and since when. */
export function conflictMessage({ leading, following, row }: Omit<Three, 'tokens'>, names: Names): string {
  const there = `${names.following} ${following ? `has ${found(following)}` : 'has nothing'}`
  const here = `${names.leading} ${leading ? `has ${found(leading)}` : 'has nothing'}`
  if (!row) {
    return leading && following
      ? `Both sides have another object, and nobody knows that they were ever equal: the ${there}; the ${here}. Neither was touched.`
      : `It is at the ${names.following} alone, and Dray has not put it there: the ${there}. It was not deleted.`
  }
  const since = row.destination.mtime === null ? '' : `, as of ${timeOf(row.destination.mtime)}`
  const what = following ? 'written' : 'deleted'
  return (
    `It was ${what} at the ${names.following}, not by Dray, since both sides were equal (${sizeOf(row.destination.size)}${since}): ` +
    `the ${there}; the ${here}. Neither was touched.`
  )
}

/** Of what came to be at the following side between its listing and the write. */
export function raceMessage(
  { leading, following }: Pick<Three, 'leading' | 'following'>,
  names: Names,
): string {
  const there = following ? `has ${found(following)}` : 'has nothing any more'
  const here = leading ? `has ${found(leading)}` : 'has nothing'
  return (
    `It was written at the ${names.following}, not by Dray, while it was worked on: the ${names.following} ${there}; ` +
    `the ${names.leading} ${here}. Neither was touched.`
  )
}

const found = ({ kind, size, mtime }: Entry) =>
  kind === 'object' ? `${sizeOf(size)} of ${timeOf(mtime)}` : 'something that is no object'

const sizeOf = (bytes: number) => (bytes === 1 ? '1 byte' : `${bytes} bytes`)

/** `mtime` in microseconds. */
function timeOf(mtime: number): string {
  const time = new Date(mtime / 1_000)
  return Number.isNaN(time.getTime()) ? 'an unknown time' : time.toISOString().replace(/\.\d+Z$/, 'Z')
}
