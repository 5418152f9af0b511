/**
 * A request as S3 sees it: path-style, from the raw request line. The path is never normalised, since `//`, `.` and
 * `..` are parts of keys. Everything is a byte string: header values exactly as they arrived, names and values of the
 * query and the key with their percent escapes undone.
 */
import type { IncomingMessage } from 'node:http'
import { type Key, keyToText } from '../../shared/key.ts'
import { S3Error } from './errors.ts'

export interface S3Request {
  readonly method: string
  /** Before the `?`, as it was sent. */
  readonly path: string
  readonly bucket: string | null
  readonly key: Key | null
  /** The first value of each name. */
  readonly query: ReadonlyMap<string, string>
  readonly queryPairs: readonly (readonly [string, string])[]
  /** By lower-case name; values of the same name are joined by commas. */
  readonly headers: ReadonlyMap<string, string>
}

const badEscape = /%(?![0-9A-Fa-f]{2})/
const escapes = /%([0-9A-Fa-f]{2})/g

/** Undoes percent escapes, byte by byte. */
export function unescapeBytes(escaped: string): string {
  if (!escaped.includes('%')) return escaped
  if (badEscape.test(escaped)) throw new S3Error('InvalidURI')
  return escaped.replace(escapes, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A key from its escaped form, within S3's bounds: UTF-8, at most 1,024 bytes. */
export function parseKey(escaped: string): Key {
  const key = unescapeBytes(escaped) as Key
  if (key.length > 1024)
    throw new S3Error('KeyTooLongError', undefined, {
      fields: { Size: String(key.length), MaxSizeAllowed: '1024' },
    })
  if (keyToText(key) === null) throw new S3Error('InvalidURI')
  return key
}

export function parseQuery(query: string): [string, string][] {
  if (query === '') return []
  const bytes = (text: string) => unescapeBytes(text.replaceAll('+', ' '))
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [bytes(pair), ''] : [bytes(pair.slice(0, at)), bytes(pair.slice(at + 1))]
    })
}

export function parseRequest(message: IncomingMessage): S3Request {
  const url = message.url ?? ''
  if (!url.startsWith('/')) throw new S3Error('InvalidURI')
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  const slash = path.indexOf('/', 1)
  const bucket = unescapeBytes(slash < 0 ? path.slice(1) : path.slice(1, slash))
  const key = slash < 0 ? '' : path.slice(slash + 1)
  const queryPairs = parseQuery(question < 0 ? '' : url.slice(question + 1))
  const query = new Map<string, string>()
  for (const [name, value] of queryPairs) if (!query.has(name)) query.set(name, value)
  return {
    method: message.method ?? '',
    path,
    bucket: bucket === '' ? null : bucket,
    key: bucket === '' || key === '' ? null : parseKey(key),
    query,
    queryPairs,
    headers: parseHeaders(message.rawHeaders),
  }
}

function parseHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    const before = headers.get(name)
    headers.set(name, before === undefined ? raw[i + 1]! : `${before},${raw[i + 1]}`)
  }
  return headers
}

/** A whole number within bounds out of the query, or `otherwise` where it is not given. */
export function queryNumber(request: S3Request, name: string, otherwise: number, least = 0): number {
  const text = request.query.get(name)
  if (text === undefined || text === '') return otherwise
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (number < least || number > 0x7fffffff)
    throw new S3Error(
      'InvalidArgument',
      `Argument ${name} must be an integer between ${least} and 2147483647`,
      {
        fields: { ArgumentName: name, ArgumentValue: text },
      },
    )
  return number
}
