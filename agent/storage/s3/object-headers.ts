/** An object's properties as HTTP headers carry them. Values stay byte strings: nothing is decoded or rewritten. */
import type { Key } from '../../../shared/key.ts'
import type { Entry, Head, Metadata } from '../storage.ts'
import type { HttpResponse, WholeResponse } from './http.ts'
import { headersOfProperties, propertiesOf, saysProperty } from './properties.ts'

type Answer = Pick<HttpResponse | WholeResponse, 'headers'>

const plain = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
]
const userPrefix = 'x-amz-meta-'

/** An ETag without its quotes, as tokens are. */
export const unquoted = (etag: string) => etag.replace(/^(?:W\/)?"?|"$/g, '')

/** What the answer to a GET or HEAD says of an object; a string says what is missing. `size` where it is not the body's. */
export function headOf(key: Key, { headers }: Answer, size: number): Head | string {
  const token = unquoted(headers.etag ?? '')
  const modified = Date.parse(headers['last-modified'] ?? '')
  if (!token) return 'an object without an ETag'
  if (Number.isNaN(modified)) return 'an object without a Last-Modified'
  const storageClass = headers['x-amz-storage-class']
  const entry: Entry = {
    key,
    kind: 'object',
    size,
    mtime: modified * 1000,
    token,
    ...(storageClass && storageClass !== 'STANDARD' && { storageClass }),
  }
  const found: Record<string, string> = {}
  for (const name of plain) {
    const value = headers[name]
    if (value !== undefined) found[name] = value
  }
  const user: Record<string, string> = {}
  let isPlain = true
  for (const name in headers) {
    if (!name.startsWith('x-amz-')) continue
    if (name.startsWith(userPrefix)) user[name.slice(userPrefix.length)] = headers[name]!
    else if (saysProperty(name)) isPlain = false
  }
  const properties = isPlain ? undefined : propertiesOf(headers)
  return { entry, metadata: { headers: found, user, ...(properties && { properties }) } }
}

/** The headers that give a new object its metadata, in one piece or as an upload. */
export function headersOf(metadata: Metadata, upload: 'whole' | 'parts' = 'whole'): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of plain) {
    const value = metadata.headers[name]
    if (value !== undefined) headers[name] = value
  }
  // `aws-chunked` tells how a body was sent once. Some stores keep it, and any store would take this body for chunked.
  const encoding = headers['content-encoding']
  if (encoding?.includes('aws-chunked')) {
    const others = encoding.split(',').filter((part) => part.trim().toLowerCase() !== 'aws-chunked')
    if (others.length > 0) headers['content-encoding'] = others.join(',').trim()
    else delete headers['content-encoding']
  }
  for (const name in metadata.user) headers[userPrefix + name] = metadata.user[name]!
  if (metadata.properties) Object.assign(headers, headersOfProperties(metadata.properties, upload))
  return headers
}

/** Whether the ETag of this object is not the MD5 of its body, whatever it looks like: it was encrypted with a key of KMS or of the client. */
export const isOpaque = ({ headers }: Answer) =>
  headers['x-amz-server-side-encryption']?.startsWith('aws:kms') === true ||
  headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
