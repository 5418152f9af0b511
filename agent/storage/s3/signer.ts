/**
 * AWS Signature Version 4 for S3, for requests whose body is not signed. The signing key is derived once a day for each
 * secret and region, so that a signature costs two hashes.
 *
 * Paths and queries come in as they go over the wire: every byte that is not unreserved escaped exactly once, `/` kept in
 * the path. S3 signs just that: it neither escapes a second time nor resolves `.`, `..` or `//`.
 */
import { createHmac, hash } from 'node:crypto'

export interface Credentials {
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

export function openSigner(): Sign {
  let keyName = ''
  let key: Buffer = Buffer.alloc(0)
  let second = 0
  let stamp = ''

  /** The headers to send: those of `fields` (without `host`), the date, the payload's mark, the token and the signature. */
  return function sign(fields, { credentials, region, service, now }) {
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000)
      stamp = new Date(second * 1000).toISOString().replace(/[-:]|\.\d{3}/g, '')
    }
    const day = stamp.slice(0, 8)
    const scope = `${day}/${region}/${service}/aws4_request`
    const name = `${credentials.secretAccessKey}\n${scope}`
    if (name !== keyName) {
      key = hmac(hmac(hmac(hmac(`AWS4${credentials.secretAccessKey}`, day), region), service), 'aws4_request')
      keyName = name
    }

    const headers: Record<string, string> = { ...fields.headers }
    headers['x-amz-content-sha256'] ??= unsigned
    headers['x-amz-date'] = stamp
    if (credentials.sessionToken) headers['x-amz-security-token'] = credentials.sessionToken

    const names = ['host']
    for (const header in headers) if (isSigned(header)) names.push(header)
    names.sort()
    let canonical = `${fields.method}\n${fields.path}\n${fields.query}\n`
    for (const header of names) {
      canonical += `${header}:${header === 'host' ? fields.host : trimmed(headers[header]!)}\n`
    }
    const signedNames = names.join(';')
    canonical += `\n${signedNames}\n${headers['x-amz-content-sha256']}`

    // Header values are bytes: hashing the string itself would hash their UTF-8.
    const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')
    const signature = createHmac('sha256', key)
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${digest}`)
      .digest('hex')
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`
    return headers
  }
}

/** As a header's value is signed: no blanks around it, each run of them one space. Bytes past ASCII are none of JavaScript's blanks. */
function trimmed(value: string): string {
  if (!/^ | {2}| $|\t/.test(value)) return value
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')
}
