/**
 * Keys are bytes, and their order is the order of their bytes, on both sides, everywhere.
 *
 * A `Key` is a *byte string*: a JavaScript string whose every code unit is one byte (0 to 255). On such strings `<`
 * is exactly the order of the bytes, they can be map keys, V8 keeps them at one byte a character, and JSON carries
 * them without loss. Text (what people type and read) is converted at the borders, with the functions below, and
 * nowhere else. See docs/decisions/0002-keys-are-byte-strings.md.
 */

declare const keyBrand: unique symbol
export type Key = string & { readonly [keyBrand]: 'Key' }

const ascii = /^[\x00-\x7f]*$/
const byteString = /^[\x00-\xff]*$/
const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const isKey = (value: string): value is Key => byteString.test(value)

/** The key whose bytes are the UTF-8 of `text`. */
export function keyFromText(text: string): Key {
  return ascii.test(text) ? (text as Key) : keyFromBytes(encoder.encode(text))
}

export function keyFromBytes(bytes: Uint8Array): Key {
  let out = ''
  for (let i = 0; i < bytes.length; i += 8192) {
    out += String.fromCharCode(...bytes.subarray(i, i + 8192))
  }
  return out as Key
}

export function keyToBytes(key: Key): Uint8Array {
  const bytes = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i)
  return bytes
}

/** The text of a key, or null where its bytes are not UTF-8 (Linux file names need not be). */
export function keyToText(key: Key): string | null {
  if (ascii.test(key)) return key
  try {
    return strictDecoder.decode(keyToBytes(key))
  } catch {
    return null
  }
}

/** For people: the text, with control, bidirectional and undecodable bytes as `\xNN` or `\u{N}`. One line, no escapes that a terminal obeys. */
export function displayKey(key: Key): string {
  const text = keyToText(key)
  if (text === null)
    return key.replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return visible(text).replaceAll('\n', '\\u{a}')
}

/** For a terminal: what would move its cursor, colour it or turn the direction of its text is shown instead. Lines stay lines. */
export const visible = (text: string): string =>
  text.replace(
    /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`,
  )

/** For URLs and public documents: percent-escaped bytes, unreserved characters and `/` as they are. Reversible. */
export function escapeKey(key: Key): string {
  return key.replace(
    /[^A-Za-z0-9\-._~/]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** Inverse of `escapeKey`; a `%` that begins no escape stands for itself. */
export function unescapeKey(escaped: string): Key {
  return keyFromText(escaped).replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  ) as Key
}

/** Public documents name an object by `key` (text) and, only where its bytes are not UTF-8, by `keyEscaped` too. */
export function publicKey(key: Key): { key: string; keyEscaped?: string } {
  const text = keyToText(key)
  return text === null ? { key: displayKey(key), keyEscaped: escapeKey(key) } : { key: text }
}

/** Negative, zero or positive, in the order of bytes. */
export const compareKeys = (a: Key, b: Key): number => (a < b ? -1 : a > b ? 1 : 0)
