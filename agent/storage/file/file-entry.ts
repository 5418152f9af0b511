/** What a stat says, in the words of a storage. */
import type { BigIntStats } from 'node:fs'
import mime from 'mime'
import type { Key } from '../../../shared/key.ts'
import { microsFromSeconds } from '../../core/mtime.ts'
import type { Entry, Metadata } from '../storage.ts'

const floorMicros = (ns: bigint): number => Number((ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n)

export const mtimeOf = (stat: BigIntStats): number => floorMicros(stat.mtimeNs)
export const tokenOf = (stat: BigIntStats): string => `${floorMicros(stat.ctimeNs)}-${stat.ino}`

export function entryOf(key: Key, stat: BigIntStats): Entry {
  const kind = stat.isFile() ? 'object' : stat.isSymbolicLink() ? 'symlink' : 'special'
  return { key, kind, size: Number(stat.size), mtime: mtimeOf(stat), token: tokenOf(stat) }
}

/** The type that the name suggests, and the mtime in full, as rclone writes it. */
export function metadataOf(key: Key, stat: BigIntStats): Metadata {
  const contentType = mime.getType(`/${key}`) ?? 'application/octet-stream'
  return { headers: { 'content-type': contentType }, user: { mtime: secondsFromNanos(stat.mtimeNs) } }
}

/** Decimal seconds, without trailing zeros: `1700000000.123456789`. */
export function secondsFromNanos(ns: bigint): string {
  const digits = String(ns < 0n ? -ns : ns).padStart(10, '0')
  const fraction = digits.slice(-9).replace(/0+$/, '')
  return (ns < 0n ? '-' : '') + digits.slice(0, -9) + (fraction === '' ? '' : `.${fraction}`)
}

/** Microseconds that a written file's mtime should be, or null for now: the recorded mtime, else the store's own. */
export function wantedMtime({ headers, user }: Metadata): number | null {
  const recorded = user.mtime === undefined ? null : microsFromSeconds(user.mtime)
  if (recorded !== null) return recorded
  const modified = Date.parse(headers['last-modified'] ?? '')
  return Number.isNaN(modified) ? null : modified * 1000
}

/**
 * Seconds to give to `futimes` for a file's mtime to read as `micros`. Node sets times as doubles, whose steps are
 * 0.24 µs now, and the system rounds down, so the nearest double is often one microsecond short: the next one is not.
 */
export function utimeSeconds(micros: number): string {
  let seconds = micros / 1e6
  // Three quarters of an epsilon is between 0.75 and 1.5 steps: it rounds to one.
  while (shownMicros(seconds) < micros) seconds += Math.max(Math.abs(seconds), 1) * Number.EPSILON * 0.75
  return String(seconds)
}

/** What libuv makes of it: whole seconds, and nanoseconds cut off. */
function shownMicros(seconds: number): number {
  const whole = Math.trunc(seconds)
  return whole * 1e6 + Math.floor(Math.trunc((seconds - whole) * 1e9) / 1000)
}
