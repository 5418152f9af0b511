/**
 * AWS Signature Version 4 for S3, for requests whose body is not signed. The signing key is derived once a day for each
 * secret and region, so that a signature costs two hashes.
 *
 * Paths and queries come in as they go over the wire: every byte that is not unreserved escaped exactly once, `/` kept in
 * the path. S3 signs just that: it neither escapes a second time nor resolves `.`, `..` or `//`.
 */
import { createHmac, hash } from 'node:crypto'

export interface Credentials {
  /** Empty: nobody's, and requests are not signed. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
}

export interface SignedFields {
  readonly method: string
  readonly path: string
  /** Sorted by name, each as `name=value`; empty where there is none. */
  readonly query: string
  readonly host: string
  /** Lower-case names; values are byte strings, as sent. */
  readonly headers: Readonly<Record<string, string>>
}

export interface SigningScope {
  readonly credentials: Credentials
  readonly region: string
  readonly service: string
  /** Milliseconds since the epoch, as the server sees them. */
  readonly now: number
}

/** Signs for one endpoint; keeps the key of the day. */
export type Sign = (fields: SignedFields, scope: SigningScope) => Record<string, string>

const unsigned = 'UNSIGNED-PAYLOAD'
/** A proxy may well change other headers; these it has no business with, and S3 wants them signed. */
const isSigned = (name: string) =>
  name.startsWith('x-amz-') ||
  name === 'content-type' ||
  name === 'content-md5' ||
  name === 'range' ||
  name === 'date'

const hmac = (key: Buffer | string, data: string) => createHmac('sha256', key).update(data).digest()

/** What is to be hashed is written here first: hashing a string would hash its UTF-8, and header values are bytes. */
let scratch = Buffer.allocUnsafeSlow(4096)
const blockBytes = 64

function sha256(text: string): string {
  if (text.length > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * text.length)
  return hash('sha256', scratch.subarray(0, scratch.write(text, 'latin1')), 'hex')
}

/**
 * HMAC-SHA256 with one key, as the two hashes that it is made of: an `Hmac` object for each signature costs twice as much, and
 * the collector more.
 */
function openHmac(key: Buffer): (text: string) => string {
  let inner = Buffer.alloc(blockBytes + 512, 0x36)
  const outer = Buffer.alloc(blockBytes + 32, 0x5c)
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!
    outer[i]! ^= key[i]!
  }
  return (text) => {
    if (blockBytes + text.length > inner.length) inner = Buffer.concat([inner], blockBytes + 2 * text.length)
    const end = blockBytes + inner.write(text, blockBytes, 'latin1')
    outer.write(hash('sha256', inner.subarray(0, end), 'latin1'), blockBytes, 'latin1')
    return hash('sha256', outer, 'hex')
  }
}

export function openSigner(): Sign {
  let keyOf: { secret: string; day: string; region: string; service: string } | null = null
  let scope = ''
  let signature = (_: string) => ''
  let second = 0
  let stamp = ''
  // Kept from one request to the next, and never emptied: an empty array has no room.
  const names: string[] = []
  const lines: string[] = []

  /** The headers to send: those of `fields` (without `host`), the date, the payload's mark, the token and the signature. */
  return function sign(fields, { credentials, region, service, now }) {
    if (credentials.accessKeyId === '') return { ...fields.headers }
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000)
      stamp = new Date(second * 1000).toISOString().replace(/[-:]|\.\d{3}/g, '')
    }
    const day = stamp.slice(0, 8)
    const secret = credentials.secretAccessKey
    const isKept =
      keyOf?.secret === secret && keyOf.day === day && keyOf.region === region && keyOf.service === service
    if (!isKept) {
      scope = `${day}/${region}/${service}/aws4_request`
      signature = openHmac(hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request'))
      keyOf = { secret, day, region, service }
    }

    const headers: Record<string, string> = { ...fields.headers }
    headers['x-amz-content-sha256'] ??= unsigned
    headers['x-amz-date'] = stamp
    if (credentials.sessionToken) headers['x-amz-security-token'] = credentials.sessionToken

    names[0] = 'host'
    let count = 1
    for (const header in headers) if (isSigned(header)) insert(names, count++, header)
    names.length = count
    const signedNames = names.join(';')
    // Lines, and one string of them: a string that grows leaves one behind for each line.
    lines[0] = fields.method
    lines[1] = fields.path
    lines[2] = fields.query
    for (let i = 0; i < count; i++) {
      const header = names[i]!
      lines[3 + i] = `${header}:${header === 'host' ? fields.host : trimmed(headers[header]!)}`
    }
    lines[3 + count] = ''
    lines[4 + count] = signedNames
    lines[5 + count] = headers['x-amz-content-sha256']!
    lines.length = 6 + count
    const canonical = lines.join('\n')

    const signed = signature(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`)
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signed}`
    return headers
  }
}

/** Among the first `count`, in the order of their bytes. */
function insert(names: string[], count: number, name: string): void {
  let at = count
  while (at > 0 && names[at - 1]! > name) {
    names[at] = names[at - 1]!
    at--
  }
  names[at] = name
}

/** As a header's value is signed: no blanks around it, each run of them one space. Bytes past ASCII are none of JavaScript's blanks. */
function trimmed(value: string): string {
  if (!/^ | {2}| $|\t/.test(value)) return value
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')
}
