/** A request's head as it goes over the wire. What it is made of is checked: nothing in it can become a line of its own. */
import type { HttpRequest } from '../http.ts'
import { isToken } from './octets.ts'
import { WireError } from './wire-error.ts'

/** Those that say how the connection is used, which is ours to know. */
const ours = /^(?:connection|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/
/** Names that were found good, lower-case or not. Few: S3's own, and those of the user's metadata. */
const goodNames = new Set<string>()
const mostGoodNames = 10_000

type Parts = Pick<HttpRequest, 'method' | 'path' | 'headers' | 'body'>

/** `host` as the origin has it. Throws `unsayable`. A string of bytes. */
export function requestHead({ method, path, headers, body }: Parts, host: string): string {
  if (!isPath(path)) throw unsayable('a path that is not escaped')
  // Lines, and one string of them: a string that grows leaves one behind for each line.
  lines[0] = `${method} ${path} HTTP/1.1`
  let count = 1
  if (headers.host === undefined) lines[count++] = `host: ${host}`
  for (const name in headers) {
    const value = headers[name]!
    if (!goodNames.has(name)) learn(name)
    if (outsideOfField.test(value)) throw unsayable(`a control character in the header ${name}`)
    lines[count++] = `${name}: ${value}`
  }
  const length = bodyLength(headers, body)
  const said = headers['content-length'] !== undefined
  if (!said && (length > 0 || method === 'PUT' || method === 'POST'))
    lines[count++] = `content-length: ${length}`
  lines[count++] = '\r\n'
  lines.length = count
  return lines.join('\r\n')
}

/** Kept from one request to the next, and never emptied: an empty array has no room. */
const lines: string[] = []

/** Bytes of the request's body. */
export function bodyLength(headers: HttpRequest['headers'], body: HttpRequest['body']): number {
  const said = headers['content-length']
  const real = body === null ? 0 : Buffer.isBuffer(body) ? body.length : null
  if (said === undefined) {
    if (real === null) throw unsayable('a body without a length')
    return real
  }
  const length = /^\d{1,16}$/.test(said) ? Number(said) : Number.NaN
  if (!Number.isSafeInteger(length)) throw unsayable('a length that is none')
  if (real !== null && real !== length) throw unsayable('another length than the body has')
  return length
}

function isPath(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return path.startsWith('/')
}

/** As octets.ts has it: anything but control characters. No more than a byte each, either. */
const outsideOfField = /[^\t\x20-\x7e\x80-\xff]/

function learn(name: string): void {
  let good = name.length > 0 && !ours.test(name.toLowerCase())
  for (let i = 0; i < name.length; i++) if (isToken[name.charCodeAt(i)] !== 1) good = false
  if (!good) throw unsayable('a header with such a name')
  if (goodNames.size >= mostGoodNames) goodNames.clear()
  goodNames.add(name)
}

const unsayable = (what: string) => new WireError('unsayable', what)
