/** Modification times: microseconds inside Dray, and rclone's decimal seconds in an object's user metadata. */

/** `1700000000.123456`, without trailing zeros. */
export function secondsFromMicros(_micros: number): string {
  throw new Error('not yet')
}

/** Microseconds, what is finer cut off; null where the text is no such number. */
export function microsFromSeconds(_text: string): number | null {
  throw new Error('not yet')
}

/** Whether two files' times (microseconds) are equal as far as a file system keeps what it was given. */
export function sameMtime(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1
}
