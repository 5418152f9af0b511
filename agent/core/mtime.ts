/**
 * Modification times: whole microseconds inside Dray, and rclone's decimal seconds (`1700000000.123456789`) in the
 * `mtime` of an object's user metadata. A microsecond count stays exact in a double until the year 2255.
 */

/** `1700000000.123456`, without trailing zeros, with a sign before 1970. */
export function secondsFromMicros(micros: number): string {
  const whole = Math.abs(Math.trunc(micros))
  const fraction = String(whole % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const seconds = String(Math.floor(whole / 1_000_000))
  return (micros < 0 && whole > 0 ? '-' : '') + seconds + (fraction === '' ? '' : `.${fraction}`)
}

/** Microseconds, rounded down as file systems do; null where the text is no such number, or one that no clock shows. */
export function microsFromSeconds(text: string): number | null {
  const match = /^([+-]?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(text.trim())
  if (match === null) return null
  const fraction = (match[3] ?? '').padEnd(6, '0')
  const micros = Number(match[2]) * 1_000_000 + Number(fraction.slice(0, 6))
  const finer = /[1-9]/.test(fraction.slice(6)) ? 1 : 0
  const signed = match[1] === '-' ? -micros - finer : micros
  return Number.isSafeInteger(signed) ? signed + 0 : null
}

/**
 * Whether two files' times (microseconds) are equal as far as a file system keeps what it is given: `utimes` takes
 * seconds as a double, which near today is good to 0.24 µs, so a time may come back one microsecond off.
 */
export function sameMtime(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1
}

/** Whether a file that was given the mtime `given` may show `kept`: some file systems and protocols keep whole seconds only. */
export function isKeptMtime(given: number, kept: number): boolean {
  return sameMtime(given, kept) || kept === Math.floor(given / 1_000_000) * 1_000_000
}
